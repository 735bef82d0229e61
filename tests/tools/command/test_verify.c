// What verify notices: each part of a demo and of what is beside the demos changed, in a file with digests,
// in one without (an earlier version's) and in one that another program recorded.
#include "tests/tools/program_fixture.h"

#include <string.h>
#include <unistd.h>

#include <hdf5.h>

static char folder[300];

enum { SAID = 8192 };

static void must_run(const char* format, ...) {
  char arguments[1024], said[SAID];
  va_list list;
  va_start(list, format);
  vsnprintf(arguments, sizeof arguments, format, list);
  va_end(list);
  if (run_program(said, SAID, arguments)) fail_msg("%s: %s", arguments, said);
}

static int make_dataset(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-verify-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(folder)) return -1;

  must_run("record tests/own -n 3 --seed 77 -o %s/source.hdf5", folder);
  must_run("generate tests/own --source %s/source.hdf5 -n 2 --seed 3 -t 2 -o %s/made.hdf5", folder, folder);
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

// ---- changes, of an open file

typedef void change(hid_t file, const char* object, const char* name);

static void in_demo_0(char path[256], const char* object, const char* name) {
  snprintf(path, 256, "%s/%s", object, name);
}

// Numbers from `first` on become -7, `count` of them; 0 = all.
static void spoil(hid_t file, const char* object, const char* name, size_t first, size_t count) {
  char path[256];
  in_demo_0(path, object, name);
  hid_t set = H5Dopen2(file, path, H5P_DEFAULT);
  assert_true(set >= 0);
  hid_t space = H5Dget_space(set);

  size_t n = (size_t)H5Sget_simple_extent_npoints(space);
  double* x = calloc(n, sizeof *x);
  assert_true(x && H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);

  for (size_t i = first; i < (count ? first + count : n); i++) x[i] = -7;
  assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
  free(x);
  H5Sclose(space);
  H5Dclose(set);
}

static void spoil_all(hid_t file, const char* object, const char* name) {
  spoil(file, object, name, 0, 0);
}

static void spoil_one(hid_t file, const char* object, const char* name) {
  spoil(file, object, name, 40, 1);
}

// A whole number one more, a text with one letter more.
static void change_attr(hid_t file, const char* object, const char* name) {
  hid_t holder = H5Gopen2(file, object, H5P_DEFAULT), attr = H5Aopen(holder, name, H5P_DEFAULT);
  assert_true(attr >= 0);
  hid_t type = H5Aget_type(attr), space = H5Aget_space(attr);

  bool number = H5Tget_class(type) == H5T_INTEGER;
  int64_t value = 0;
  char *text = NULL, *longer = NULL;
  H5Aread(attr, number ? H5T_NATIVE_INT64 : type, number ? (void*)&value : (void*)&text);
  H5Aclose(attr);
  value++;
  assert_true(asprintf(&longer, "%s ", text ? text : "") > 0);

  // Written anew, as most programs do it.
  assert_true(H5Adelete(holder, name) >= 0);
  attr = H5Acreate2(holder, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(H5Awrite(attr, number ? H5T_NATIVE_INT64 : type, number ? (void*)&value : (void*)&longer) >= 0);
  free(longer);
  if (text) H5free_memory(text);
  H5Aclose(attr);
  H5Sclose(space);
  H5Tclose(type);
  H5Gclose(holder);
}

static void remove_attr(hid_t file, const char* object, const char* name) {
  assert_true(H5Adelete_by_name(file, object, name, H5P_DEFAULT) >= 0);
}

static void remove_link(hid_t file, const char* object, const char* name) {
  char path[256];
  in_demo_0(path, object, name);
  assert_true(H5Ldelete(file, path, H5P_DEFAULT) >= 0);
}

static void rename_link(hid_t file, const char* object, const char* name) {
  char path[256], other[260];
  in_demo_0(path, object, name);

  snprintf(other, sizeof other, "%s_", path);
  assert_true(H5Lmove(file, path, file, other, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

// Another demo under its name.
static void take_another(hid_t file, const char* object, const char* name) {
  (void)name;

  assert_true(H5Ldelete(file, object, H5P_DEFAULT) >= 0);
  assert_true(H5Lcreate_hard(file, "data/demo_1", file, object, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

// A mask names another demo.
static void change_mask(hid_t file, const char* object, const char* name) {
  char path[256], text[64] = "";
  in_demo_0(path, object, name);
  hid_t set = H5Dopen2(file, path, H5P_DEFAULT), type = H5Dget_type(set);
  assert_true(H5Tget_size(type) < sizeof text);
  assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);

  text[5] ^= 1;  // demo_0 or demo_1
  assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0);
  H5Tclose(type);
  H5Dclose(set);
}

// ---- files of three kinds

typedef enum kind { WITH_DIGESTS, WITHOUT, ANOTHERS } kind;

static const char* const objects[] = {"data", "data/demo_0", "data/demo_1"};

static hid_t open_copy(const char* path, kind which) {
  char command[1024];
  snprintf(command, sizeof command, "cp '%s/made.hdf5' '%s'", folder, path);
  assert_int_equal(system(command), 0);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  assert_true(file >= 0);

  // Earlier versions wrote no digests; others have no attempts, nor a state that comes out bit for bit.
  for (int i = 0; i < 3 && which != WITH_DIGESTS; i++) remove_attr(file, objects[i], "loom_digest");
  for (int i = 1; i < 3 && which == ANOTHERS; i++) {
    remove_attr(file, objects[i], "loom_attempt");

    double x[106 * 59];
    char name[64];
    snprintf(name, sizeof name, "%s/states", objects[i]);
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set);
    size_t n = (size_t)H5Sget_simple_extent_npoints(space);
    assert_true(n <= sizeof x / sizeof *x || i > 1);
    if (n <= sizeof x / sizeof *x) {
      H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
      for (size_t k = 59 * 2 + 1; k < n; k += 59) x[k] += 1e-5;
      H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x);
    }
    H5Sclose(space);
    H5Dclose(set);
  }
  return file;
}

typedef struct row {
  change* make;
  const char *object, *name;
  const char* says[2];  // of the file with digests, of the one without; NULL: nothing is noticed
} row;

static int check_file(const char* path, const char* what, int wanted, const char* says) {
  char arguments[1024], said[SAID];
  snprintf(arguments, sizeof arguments, "verify %s --task tests/own", path);

  int status = run_program(said, SAID, arguments);
  if (status == wanted && strstr(said, says)) return 0;
  print_error("%s: exit status %d (wanted %d, '%s'):\n%s\n", what, status, wanted, says, said);
  return 1;
}

static void every_change_is_noticed(void** state) {
  (void)state;
  static const char demo[] = "data/demo_0";
  static const row rows[] = {
      {NULL, demo, "nothing", {NULL, NULL}},
      {spoil_all, demo, "obs/object", {"demo_0: obs/object", "demo_0: obs/object"}},
      {spoil_one,
       demo,
       "obs/robot1_eef_quat",
       {"demo_0: obs/robot1_eef_quat", "demo_0: obs/robot1_eef_quat"}},
      {spoil_all, demo, "rewards", {"demo_0: rewards", "demo_0: rewards"}},
      {spoil_one, demo, "dones", {"demo_0: dones", "demo_0: dones"}},
      {spoil_all,
       demo,
       "datagen_info/eef_pose",
       {"demo_0: datagen_info/eef_pose", "demo_0: datagen_info/eef_p"}},
      {spoil_one,
       demo,
       "datagen_info/gripper_action",
       {"demo_0: datagen_info/gripper", "demo_0: datagen_info/g"}},
      {spoil_all,
       demo,
       "datagen_info/object_poses/box",
       {"demo_0: datagen_info/object_poses/box", "/box: row"}},
      {spoil_all,
       demo,
       "datagen_info/target_pose",
       {"demo_0: datagen_info/target_pose", "/target_pose: row"}},
      {spoil_one, demo, "datagen_info/subtask", {"demo_0: datagen_info/subtask", NULL}},
      {spoil_one, demo, "src_demo_labels", {"demo_0: src_demo_labels", NULL}},
      {spoil_all, demo, "actions", {"demo_0: actions", "demo_0: no success"}},
      {spoil_one, demo, "states", {"demo_0: states", "state error"}},
      {change_attr, demo, "model_file", {"demo_0: @model_file", NULL}},
      {change_attr, demo, "loom_success", {"demo_0: @loom_success", NULL}},
      {change_attr, demo, "num_samples", {"num_samples says", "num_samples says"}},
      {remove_attr, demo, "loom_provenance", {"demo_0: @loom_provenance (not there)", NULL}},
      {remove_attr, demo, "loom_digest", {"1 of 2 demos have no digests", NULL}},
      {remove_link, demo, "obs/object", {"demo_0: obs/object (not there)", NULL}},
      {rename_link, demo, "obs", {"demo_0: obs/object (not there)", NULL}},
      {rename_link, demo, "obs/robot0_eef_pos", {"demo_0: obs/robot0_eef_pos (not there)", NULL}},
      {take_another, demo, "", {"demo_0: (its own name): is not", NULL}},
      {rename_link, "data", "demo_1", {"demos: is not as this program wrote it", "masks name 1 demo"}},
      {remove_link, "data", "demo_1", {"demo", "missing: demo_1"}},
      {change_attr, "data", "env_args", {"@env_args: is not as", NULL}},
      {change_attr, "data", "loom_run", {"@loom_run: is not as", NULL}},
      {remove_attr, "data", "loom_digest", {"has lost its own", NULL}},
      {change_mask, "mask", "valid", {"mask/valid: is not as", NULL}},
      {remove_link, "mask", "train", {"mask/train (not there): is not as", NULL}},
  };

  char path[400], what[600];
  int bad = 0;
  snprintf(path, sizeof path, "%s/changed.hdf5", folder);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (kind which = WITH_DIGESTS; which <= WITHOUT; which++) {
      const row* r = &rows[i];

      // Without digests only what must be noticed; under sanitizers some of all.
      if (which == WITHOUT && r->make && !r->says[which]) continue;
      if (getenv("LOOM_QUICK") && i % 7) continue;
      hid_t file = open_copy(path, which);

      if (r->make) r->make(file, r->object, r->name);
      H5Fclose(file);

      // A file without digests says what it cannot check.
      const char* says = r->says[which];
      snprintf(what, sizeof what, "%s/%s%s", r->object, r->name, which ? ", no digests" : "");
      bool fails = says && strncmp(says, "masks name", 10) != 0;
      bad += check_file(path, what, fails, says ? says : which ? "carries no digests" : "2 demos are right");
    }
  assert_int_equal(bad, 0);
}

// Recorded by another program: no digests, no attempts, states that do not come out bit for bit.
static void recordings_of_others_are_no_damage(void** state) {
  (void)state;
  char path[400];
  int bad = 0;
  snprintf(path, sizeof path, "%s/anothers.hdf5", folder);
  static const struct {
    const char *what, *name;
    int demos;  // in how many it is changed
    change* make;
    int status;
    const char* says;
  } rows[] = {
      {"as recorded", "", 0, NULL, 0, "2 were recorded by another program"},
      {"one row", "obs/robot0_joint_pos", 1, spoil_one, 1, "demo_0: obs/robot0_joint_pos"},
      {"one demo", "obs/object", 1, spoil_all, 1, "demo_0: obs/object"},
      {"by another rule", "obs/object", 2, spoil_all, 0, "another program recorded it"},
      {"states without success", "states", 1, spoil_all, 1, "demo_0"},
      {"actions of something else", "actions", 1, spoil_all, 1, "demo_0: actions: joints are"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    hid_t file = open_copy(path, ANOTHERS);
    for (int k = 1; k <= rows[i].demos; k++) rows[i].make(file, objects[k], rows[i].name);
    H5Fclose(file);
    bad += check_file(path, rows[i].what, rows[i].status, rows[i].says);
  }
  assert_int_equal(bad, 0);
}

// A number after `key` in JSON.
static double number_of(const char* json, const char* key, int which) {
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\":", key);
  for (const char* at = json; (at = strstr(at, quoted)); at += strlen(quoted))
    if (!which--) return strtod(at + strlen(quoted), NULL);
  fail_msg("no %s in %s", key, json);
  return -1;
}

static void trust_is_measured_stored_and_filtered_by(void** state) {
  (void)state;
  char arguments[1024], once[8192], again[8192], path[400];
  snprintf(path, sizeof path, "%s/trust.hdf5", folder);
  H5Fclose(open_copy(path, WITH_DIGESTS));

  // A file without trust has none to be filtered by, and --store needs something to store.
  snprintf(arguments, sizeof arguments, "dataset filter %s %s/kept.hdf5 --trust 0.5", path, folder);
  assert_int_equal(run_program(once, sizeof once, arguments), 2);
  assert_non_null(strstr(once, "demo_0 has no trust"));
  snprintf(arguments, sizeof arguments, "verify %s --task tests/own --store", path);
  assert_int_equal(run_program(once, sizeof once, arguments), 2);
  snprintf(arguments, sizeof arguments, "verify tests/own --perturb 1 --store");
  assert_int_equal(run_program(once, sizeof once, arguments), 2);

  // The same seed gives the same trust; stored, the digests are those of the file as it is.
  snprintf(arguments, sizeof arguments, "verify %s --task tests/own --perturb 2 --seed 4 --json", path);
  assert_int_equal(run_program(once, sizeof once, arguments), 0);
  strcat(arguments, " --store");
  assert_int_equal(run_program(again, sizeof again, arguments), 0);
  assert_true(number_of(once, "replays", 0) == 2);
  for (int i = 0; i < 2; i++) assert_true(number_of(once, "trust", i) == number_of(again, "trust", i));
  assert_int_equal(check_file(path, "with trust", 0, "2 demos are right"), 0);

  // What is in the file decides: 0.25 and 1 by hand, in place of what was measured.
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  for (int i = 1; i < 3; i++) {
    double trust = i == 1 ? 0.25 : 1, stored;
    hid_t demo = H5Gopen2(file, objects[i], H5P_DEFAULT), attr = H5Aopen(demo, "loom_trust", H5P_DEFAULT);
    assert_true(H5Aread(attr, H5T_NATIVE_DOUBLE, &stored) >= 0);
    assert_true(stored == number_of(again, "trust", i - 1));
    assert_true(H5Awrite(attr, H5T_NATIVE_DOUBLE, &trust) >= 0);
    H5Aclose(attr);
    H5Adelete(demo, "loom_digest");
    H5Gclose(demo);
  }
  H5Fclose(file);
  must_run("dataset filter %s %s/kept.hdf5 --trust 0.5", path, folder);
  snprintf(path, sizeof path, "%s/kept.hdf5", folder);
  file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(H5Lexists(file, "data/demo_0", H5P_DEFAULT) > 0);
  assert_int_equal(H5Lexists(file, "data/demo_1", H5P_DEFAULT), 0);
  H5Fclose(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_change_is_noticed),
      cmocka_unit_test(recordings_of_others_are_no_damage),
      cmocka_unit_test(trust_is_measured_stored_and_filtered_by),
  };
  return cmocka_run_group_tests(tests, make_dataset, remove_folder);
}
