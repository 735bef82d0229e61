// One wrong bit that HDF5 does not notice, in a part of one demo, to every command that reads it: each fails
// and names the demo and the part; with --skip-damaged it goes on without the demo. In a copy that another
// program made, where the old digests say nothing, none is refused.
#include "tests/tools/program_fixture.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

static char folder[200];

// DIR in the arguments is the test's folder.
static int run(char said[16384], const char* arguments) {
  char named[2048] = "";
  int n = 0;

  for (const char* at = arguments; *at; at++) {
    bool dir = !strncmp(at, "DIR", 3);
    n += snprintf(named + n, sizeof named - (size_t)n, dir ? "%s" : "%.1s", dir ? folder : at);
    at += dir ? 2 : 0;
  }

  return run_program(said, 16384, named);
}

static int make_dataset(void** state) {
  static const char* const commands[] = {
      "record tests/own -n 3 --seed 77 -o DIR/source.hdf5",
      "generate tests/own --source DIR/source.hdf5 -n 3 --seed 3 -t 2 -o DIR/made.hdf5",
  };
  char said[16384];
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-digests-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(folder)) return -1;

  for (int i = 0; i < 2; i++)
    if (run(said, commands[i])) fail_msg("%s: %s", commands[i], said);
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

// ---- the bit

// Of the last element of an array, the lowest.
static void flip_array(hid_t demo, const char* name) {
  hid_t set = H5Dopen2(demo, name, H5P_DEFAULT);
  assert_true(set >= 0);
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  size_t size = H5Tget_size(type), n = (size_t)H5Sget_simple_extent_npoints(space);

  unsigned char* bytes = calloc(n, size);
  assert_true(bytes && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
  bytes[(n - 1) * size] ^= 1;
  assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);

  free(bytes);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(set);
}

// Of an attribute: a space of a text becomes '!', a number one more or less.
static void flip_attr(hid_t demo, const char* name) {
  hid_t attr = H5Aopen(demo, name, H5P_DEFAULT);
  assert_true(attr >= 0);
  hid_t type = H5Aget_type(attr);
  int64_t number = 0;
  char* text = NULL;
  bool is_text = H5Tget_class(type) == H5T_STRING;
  assert_true(H5Aread(attr, type, is_text ? (void*)&text : (void*)&number) >= 0);

  if (is_text) *strchr(text, ' ') ^= 1;
  number ^= 1;
  assert_true(H5Awrite(attr, type, is_text ? (void*)&text : (void*)&number) >= 0);
  if (text) H5free_memory(text);
  H5Tclose(type);
  H5Aclose(attr);
}

// All demos in a file that HDF5 makes by its own rules, as h5py does.
static hid_t copy_as_others_do(const char* path, hid_t from) {
  hid_t to = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(to >= 0);
  assert_true(H5Ocopy(from, "data", to, "data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
  H5Fclose(from);
  return to;
}

static void make_flipped(const char* part, bool anothers) {
  char path[300], command[700];
  snprintf(command, sizeof command, "cp '%s/made.hdf5' '%s/flipped.hdf5'", folder, folder);
  assert_int_equal(system(command), 0);
  snprintf(path, sizeof path, "%s/flipped.hdf5", folder);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(file >= 0);

  if (anothers) {
    snprintf(path, sizeof path, "%s/anothers.hdf5", folder);
    file = copy_as_others_do(path, file);
  }
  hid_t demo = H5Gopen2(file, "data/demo_1", H5P_DEFAULT);
  (*part == '@' ? flip_attr : flip_array)(demo, part + (*part == '@'));
  H5Gclose(demo);
  H5Fclose(file);
}

// ---- the table

#define TRAIN \
  "-o DIR/tr --task tests/own -p bc_l2 --epochs 1 --steps 1 --batch 4 --rollouts 0 -j 1 --overwrite"
#define MADE "-o DIR/out.hdf5 --overwrite"

typedef struct row {
  const char *part, *command;
} row;

static const row rows[] = {
    {"states", "replay DIR/flipped.hdf5 --task tests/own"},
    {"actions", "replay DIR/flipped.hdf5 --task tests/own " MADE},
    {"states", "segment DIR/flipped.hdf5 --task tests/own"},
    {"@model_file", "segment DIR/flipped.hdf5 --task tests/own"},
    {"states", "generate tests/own --source DIR/flipped.hdf5 -n 1 --seed 3 -t 1 " MADE},
    {"actions", "generate tests/own --source DIR/flipped.hdf5 -n 1 --seed 3 -t 1 " MADE},
    {"@num_samples", "dataset merge DIR/out.hdf5 DIR/flipped.hdf5 --overwrite"},
    {"obs/object", "dataset merge DIR/out.hdf5 DIR/flipped.hdf5 --overwrite"},
    {"rewards", "dataset filter DIR/flipped.hdf5 DIR/out.hdf5 --min-rows 1 --overwrite"},
    {"datagen_info/eef_pose", "dataset strip DIR/flipped.hdf5 DIR/out.hdf5 --overwrite"},
    {"obs/object", "train --data DIR/flipped.hdf5 -k object " TRAIN},
    {"actions", "train --data DIR/flipped.hdf5 -k object " TRAIN},
    {"obs/object",
     "dagger tests/own -o DIR/da --expert scripted --data DIR/flipped.hdf5 --rounds 1 -n 1 --steps 1 "
     "--final-steps 0 --evaluations 1 --expert-episodes 1 -k object --overwrite"},
    {"states",
     "render DIR/flipped.hdf5 --task tests/own --obs DIR/out.hdf5 --size 16x16 --camera front -j 1 "
     "--light --overwrite"},
    {"states", "render DIR/flipped.hdf5 --task tests/own --sheet DIR/out.png --size 32x32 --overwrite"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static int check_row(const row* r, const char* more, int wanted, const char* says[3]) {
  char command[1024], said[16384];
  snprintf(command, sizeof command, "%s%s", r->command, more);
  int status = run(said, command), bad = status != wanted;
  for (int i = 0; i < 3; i++) bad = bad || (says[i] && !strstr(said, says[i]));
  if (bad) print_error("%s in %s: exit status %d (wanted %d):\n%s\n", r->part, command, status, wanted, said);
  return bad;
}

static void every_reader_tells_a_wrong_bit(void** state) {
  (void)state;
  int bad = 0;
  for (int i = 0; i < ROWS; i++) {
    if (getenv("LOOM_QUICK") && i % 4) continue;
    char part[100];
    snprintf(part, sizeof part, "data/demo_1/%s is not as it was written", rows[i].part);
    make_flipped(rows[i].part, false);

    // By file, demo and part; then without it.
    const char* told[3] = {"flipped.hdf5", part, "--skip-damaged"};
    const char* skipped[3] = {"1 demo is damaged: demo_1", rows[i].part, "left out"};
    bad += check_row(&rows[i], "", 1, told);
    bad += check_row(&rows[i], " --skip-damaged", 0, skipped);
  }
  assert_int_equal(bad, 0);
}

// The viewer lists all demos, shows the others, and says of this one why it cannot be shown; its status, too.
static void the_viewer_shows_the_others(void** state) {
  (void)state;
  char path[300], said[16384];
  snprintf(path, sizeof path, "%s/script", folder);
  FILE* script = fopen(path, "w");
  assert_non_null(script);
  fputs("demo demo_0\ntell\ndemo demo_1\ntell\ndemo demo_2\ntell\nquit\n", script);
  fclose(script);

  make_flipped("states", false);
  int status = run(said, "view DIR/flipped.hdf5 --task tests/own --headless --script DIR/script");
  if (status != 1 || !strstr(said, "demo_1/states is not as it was written"))
    fail_msg("status %d: %s", status, said);
  assert_non_null(strstr(said, "\"demo_2\""));
}

// Whoever changes demos in a copy carries the old digests along; that is no damage.
static void changes_by_other_programs_are_read(void** state) {
  static const row copies[] = {
      {"states", "replay DIR/anothers.hdf5 --task tests/own"},
      {"obs/object", "train --data DIR/anothers.hdf5 -k object " TRAIN},
  };
  const char* nothing[3] = {NULL, NULL, NULL};
  int bad = 0;
  (void)state;
  for (int i = 0; i < 2; i++) {
    make_flipped(copies[i].part, true);
    bad += check_row(&copies[i], "", 0, nothing);
  }
  assert_int_equal(bad, 0);
}

// What is beside the demos is told, and used.
static void a_wrong_bit_beside_the_demos_is_told(void** state) {
  (void)state;
  char path[300];
  make_flipped("states", false);
  snprintf(path, sizeof path, "%s/flipped.hdf5", folder);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Gopen2(file, "data", H5P_DEFAULT);
  flip_attr(data, "loom_run");
  H5Gclose(data);
  H5Fclose(file);

  const row r = {"@loom_run", "train --data DIR/flipped.hdf5 -k object " TRAIN};
  const char* told[3] = {"flipped.hdf5", "since it was written: @loom_run", NULL};
  assert_int_equal(check_row(&r, "", 0, told), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_reader_tells_a_wrong_bit),
      cmocka_unit_test(the_viewer_shows_the_others),
      cmocka_unit_test(changes_by_other_programs_are_read),
      cmocka_unit_test(a_wrong_bit_beside_the_demos_is_told),
  };
  return cmocka_run_group_tests(tests, make_dataset, remove_folder);
}
