// Demos without actions get inferred ones: from states, from observations alone, by self-play or by
// differences; the same bytes on any threads; nothing that tells of true actions comes along; and what cannot
// be is told.
#include "tests/tools/program_fixture.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

static char folder[200];
static char said[1 << 16];  // by the last command

#define QUICK " --steps 2000 --hidden 32 --fit-steps 600 --batch 64 "

// DIR in the arguments is the test's folder.
static int run(const char* arguments) {
  char named[2048] = "";
  int n = 0;

  for (const char* at = arguments; *at; at++) {
    bool dir = !strncmp(at, "DIR", 3);
    n += snprintf(named + n, sizeof named - (size_t)n, dir ? "%s" : "%.1s", dir ? folder : at);
    at += dir ? 2 : 0;
  }
  return run_program(said, sizeof said, named);
}

static void must_run(const char* arguments) {
  if (run(arguments)) fail_msg("%s: %s", arguments, said);
}

static void must_fail(const char* arguments, int status, const char* why) {
  int got = run(arguments);
  if (got != status || !strstr(said, why))
    fail_msg("%s: status %d, said: %s\nwanted: %s", arguments, got, said, why);
}

static void copy(const char* from, const char* to) {
  char command[600];
  snprintf(command, sizeof command, "cp '%s/%s' '%s/%s'", folder, from, folder, to);
  assert_int_equal(system(command), 0);
}

static hid_t open_file(const char* name, unsigned mode) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  hid_t file = H5Fopen(path, mode, H5P_DEFAULT);
  assert_true(file >= 0);
  return file;
}

enum { DEMOS = 3, ROWS = 4000 };

// A copy of the dataset without these arrays of its demos, as a recording of somebody else's.
static void make_without(const char* to, const char* const* names) {
  copy("made.hdf5", to);
  hid_t file = open_file(to, H5F_ACC_RDWR);

  for (int i = 0; i < DEMOS; i++) {
    char path[32];
    snprintf(path, sizeof path, "data/demo_%d", i);
    hid_t demo = H5Gopen2(file, path, H5P_DEFAULT);
    assert_true(demo >= 0 && H5Adelete(demo, "loom_digest") >= 0);
    for (const char* const* name = names; *name; name++)
      assert_true(H5Ldelete(demo, *name, H5P_DEFAULT) >= 0);
    H5Gclose(demo);
  }
  H5Fclose(file);
}

static int make_datasets(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");

  snprintf(folder, sizeof folder, "%s/loom-relabel-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(folder)) return -1;
  must_run("record tests/own -n 3 --seed 77 -o DIR/source.hdf5");
  must_run("generate tests/own --source DIR/source.hdf5 -n 3 --seed 3 -t 2 -o DIR/made.hdf5");
  make_without("watched.hdf5", (const char* const[]){"actions", "datagen_info", NULL});
  make_without("seen.hdf5", (const char* const[]){"actions", "datagen_info", "states", NULL});
  make_without("blind.hdf5", (const char* const[]){"actions", "states", "obs", NULL});
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

// ---- what is inferred

// Numbers of an array of a demo: how many.
static int read_numbers(double out[ROWS], const char* name, int demo, const char* array) {
  char path[64];

  snprintf(path, sizeof path, "data/demo_%d/%s", demo, array);
  hid_t file = open_file(name, H5F_ACC_RDONLY), set = H5Dopen2(file, path, H5P_DEFAULT);
  assert_true(set >= 0);
  hid_t space = H5Dget_space(set);
  hssize_t n = H5Sget_simple_extent_npoints(space);
  assert_true(n > 0 && n <= ROWS);
  assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
  return (int)n;
}

static double mean_error(const char* name) {
  static double x[ROWS], y[ROWS];
  double sum = 0;
  int all = 0;

  for (int i = 0; i < DEMOS; i++) {
    int n = read_numbers(x, "made.hdf5", i, "actions");
    assert_int_equal(read_numbers(y, name, i, "actions"), n);
    for (int k = 0; k < n; k++) sum += fabs(x[k] - y[k]);
    all += n;
  }
  return sum / all;
}

static bool same_files(const char* a, const char* b) {
  char command[600];
  snprintf(command, sizeof command, "cmp -s '%s/%s' '%s/%s'", folder, a, folder, b);
  return system(command) == 0;
}

static void infers_actions(void** state) {
  (void)state;
  must_run("relabel DIR/watched.hdf5 --task tests/own -o DIR/one.hdf5 -j 1" QUICK "--json");
  assert_non_null(strstr(said, "\"demos\":3"));
  assert_non_null(strstr(said, "\"steps\":2000"));
  assert_null(strstr(said, "\"error\""));
  must_run("relabel DIR/watched.hdf5 --task tests/own -o DIR/three.hdf5 -j 3" QUICK);
  assert_true(same_files("one.hdf5", "three.hdf5"));
  must_run("relabel DIR/watched.hdf5 --task tests/own -o DIR/other.hdf5 --seed 2" QUICK);
  assert_false(same_files("one.hdf5", "other.hdf5"));

  must_run("relabel DIR/watched.hdf5 --task tests/own -o DIR/differences.hdf5 --method differences");
  must_run("relabel DIR/seen.hdf5 --task tests/own -o DIR/from_seen.hdf5" QUICK);
  double learned = mean_error("one.hdf5"), seen = mean_error("from_seen.hdf5"),
         without = mean_error("differences.hdf5");
  if (!(learned < 0.4 * without && seen < 0.4 * without))
    fail_msg("mean error %g, from observations %g, by differences %g", learned, seen, without);
}

// True actions are compared with, and change nothing.
static void compares_without_learning(void** state) {
  (void)state;
  must_run("relabel DIR/made.hdf5 --task tests/own -o DIR/compared.hdf5" QUICK "--json");
  assert_non_null(strstr(said, "\"position\":{\"median\":"));
  assert_true(mean_error("compared.hdf5") == mean_error("one.hdf5"));

  // Where hands were sent follows from the inferred actions, too.
  static double x[ROWS], y[ROWS];
  int n = read_numbers(x, "compared.hdf5", 0, "datagen_info/gripper_action");
  assert_int_equal(read_numbers(y, "one.hdf5", 0, "datagen_info/gripper_action"), n);
  assert_memory_equal(x, y, (size_t)n * sizeof *x);
  must_run("relabel DIR/made.hdf5 --task tests/own --method differences");
  assert_non_null(strstr(said, "position"));
}

static void says_so(void** state) {
  (void)state;
  static const char* const names[] = {"loom_relabel_method", "loom_relabel_model", "loom_relabel_seed",
                                      "loom_relabel_steps", "env_args"};
  hid_t file = open_file("one.hdf5", H5F_ACC_RDONLY);

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_true(H5Aexists_by_name(file, "data", names[i], H5P_DEFAULT) > 0);
  H5Fclose(file);
}

static void others_take_it(void** state) {
  (void)state;
  must_run("info DIR/one.hdf5");
  must_run("train --data DIR/one.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o DIR/policy");
  must_run("render DIR/one.hdf5 --task tests/own --limit 1 --size 16x16 --columns 2 --sheet DIR/sheet.png");
}

// ---- round after round

#define ROUNDS                                                                                        \
  "relabel DIR/watched.hdf5 --task tests/own --alpha 0.1 --rounds 1 --tries 2 --config DIR/how.yaml " \
  "--steps 600 --hidden 16 --fit-steps 60 --batch 64 "

static void remove_files(const char* names) {
  char command[600];
  snprintf(command, sizeof command, "cd '%s' && rm -r %s", folder, names);
  assert_int_equal(system(command), 0);
}

// A policy acts, and models learn from that; the same on any threads, and after what was lost is made again.
static void goes_on_by_rounds(void** state) {
  (void)state;
  must_run("train --data DIR/made.hdf5 -p bc_l2 --hidden 8 --epochs 1 --steps 3 --rollouts 0 -o DIR/how");
  copy("how/config.yaml", "how.yaml");
  must_run(ROUNDS "--folder DIR/alpha -o DIR/alpha.hdf5 -j 1 --json");
  assert_non_null(strstr(said, "\"alpha\":0.1"));
  assert_non_null(strstr(said, "\"success\":[0,0]"));  // nobody learns it in three steps
  assert_false(same_files("alpha/round_0.hdf5", "alpha/round_1.hdf5"));
  must_run(ROUNDS "--folder DIR/alpha2 -o DIR/alpha2.hdf5 -j 3");
  assert_true(same_files("alpha.hdf5", "alpha2.hdf5"));
  assert_true(same_files("alpha/round_1.hdf5", "alpha2/round_1.hdf5"));

  // It begins as BCO(0); until something succeeds the last round's actions are kept.
  must_run(
      "relabel DIR/watched.hdf5 --task tests/own --steps 600 --hidden 16 --fit-steps 60 --batch 64 -o "
      "DIR/zero.hdf5");
  assert_true(mean_error("alpha/round_0.hdf5") == mean_error("zero.hdf5"));
  assert_true(mean_error("alpha/round_1.hdf5") == mean_error("alpha.hdf5"));

  // Stopped in its last round, before it.
  remove_files("alpha2/round_1/last.safetensors alpha2/round_1.hdf5");
  must_run(ROUNDS "--folder DIR/alpha2 -o DIR/alpha2.hdf5 --overwrite --resume -j 2");
  assert_true(same_files("alpha.hdf5", "alpha2.hdf5"));
  assert_true(same_files("alpha/round_1.hdf5", "alpha2/round_1.hdf5"));
  must_fail(ROUNDS "--folder DIR/alpha -o DIR/no.hdf5", 2, "holds a run already");
  must_fail(ROUNDS "--folder DIR/alpha -o DIR/no.hdf5 --resume --seed 2", 2,
            "'seed: 1' there, 'seed: 2' now");
}

// ---- what cannot be

static void names_what_is_wrong(void** state) {
  (void)state;
  static const struct {
    const char* arguments;
    int status;
    const char* why;
  } table[] = {
      {"DIR/made.hdf5 -o DIR/no.hdf5", 2, "it takes --task"},
      {"--task tests/own -o DIR/no.hdf5", 2, "it takes one dataset"},
      {"DIR/made.hdf5 --task tests/own -o DIR/no.hdf5 --method guess", 2, "guess"},
      {"DIR/blind.hdf5 --task tests/own -o DIR/no.hdf5", 1, "neither states nor obs/"},
      {"DIR/made.hdf5 --task tests/own -o DIR/made.hdf5 --overwrite", 2, "that is what is read"},
      {"DIR/made.hdf5 --task tests/own -o DIR/one.hdf5", 2, "overwrite"},
      {"DIR/made.hdf5 --task tests/own --reset nowhere", 2, "no reset distribution 'nowhere'"},
      {"DIR/none.hdf5 --task tests/own", 1, "none.hdf5"},
      {"DIR/made.hdf5 --task tests/door", 1, "made.hdf5: "},
      {"DIR/made.hdf5 --task tests/own --alpha 0.5", 2, "--alpha needs --folder"},
      {"DIR/made.hdf5 --task tests/own --folder DIR/no", 2, "are for --alpha"},
      {"DIR/made.hdf5 --task tests/own --alpha 1 --folder DIR/no --method differences", 2,
       "--method inverse"},
      {"DIR/made.hdf5 --task tests/own --alpha 1 --folder DIR/no --overwrite --resume", 2,
       "give one of them"},
      {"DIR/made.hdf5 --task tests/own --alpha 1 --folder DIR/no --config DIR/none.yaml", 1, "none.yaml"},
      {"DIR/slow.hdf5 --task tests/own", 1, "control_freq"},
  };

  // Rows twice as far apart.
  copy("made.hdf5", "slow.hdf5");
  hid_t file = open_file("slow.hdf5", H5F_ACC_RDWR);
  for (int i = 0; i < DEMOS; i++) {
    static double x[16 * ROWS];
    char path[64];
    snprintf(path, sizeof path, "data/demo_%d", i);
    hid_t demo = H5Gopen2(file, path, H5P_DEFAULT), set = H5Dopen2(demo, "states", H5P_DEFAULT);
    hid_t space = H5Dget_space(set);
    hsize_t shape[2];
    H5Sget_simple_extent_dims(space, shape, NULL);
    assert_true(shape[0] * shape[1] <= sizeof x / sizeof *x);
    H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    for (hsize_t t = 0; t < shape[0]; t++) x[t * shape[1]] *= 2;
    H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    H5Adelete(demo, "loom_digest");
    H5Sclose(space);
    H5Dclose(set);
    H5Gclose(demo);
  }
  H5Fclose(file);

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char arguments[500];
    snprintf(arguments, sizeof arguments, "relabel %s", table[i].arguments);
    must_fail(arguments, table[i].status, table[i].why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(infers_actions),    cmocka_unit_test(compares_without_learning),
      cmocka_unit_test(says_so),           cmocka_unit_test(others_take_it),
      cmocka_unit_test(goes_on_by_rounds), cmocka_unit_test(names_what_is_wrong),
  };

  return cmocka_run_group_tests(tests, make_datasets, remove_folder);
}
