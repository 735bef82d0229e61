// Odd datasets to every command that reads one: links, filters, layouts and arrays that are not understood,
// demos that are empty, files without demos. Each is read, or its reason is told in one word of its own;
// never a success with nothing done.
#include "tests/tools/program_fixture.h"

#include <string.h>

#include <hdf5.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/loom_odd_XXXXXX";
static char text[1 << 18];  // what the last command said on stderr and stdout

// Exit status, 128 and more where a signal ended it; FILE in `arguments` is the odd file, DIR the test's
// folder.
static int run(const char* arguments, const char* file) {
  char command[2048], path[256];
  int n = snprintf(command, sizeof command, "exec timeout 600 %s ", program());
  for (const char* at = arguments; *at;) {
    bool is_file = !strncmp(at, "FILE", 4), is_dir = !strncmp(at, "DIR", 3);
    if (is_file || is_dir)
      n += snprintf(command + n, sizeof command - (size_t)n, "%s", is_file ? file : dir);
    else
      command[n++] = *at;
    at += is_file ? 4 : is_dir ? 3 : 1;
  }
  snprintf(command + n, sizeof command - (size_t)n, " >%s/said 2>&1", dir);

  int status = system(command);

  // All that it said.
  snprintf(path, sizeof path, "%s/said", dir);
  FILE* f = fopen(path, "r");
  assert_non_null(f);
  size_t length = fread(text, 1, sizeof text - 1, f);
  text[length] = '\0';
  fclose(f);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// ---- odd files: changes of a copy

// A demo more, whose name has number `number`.
static hid_t add_demo(hid_t data, int number) {
  char name[32];
  snprintf(name, sizeof name, "demo_%d", number);
  hid_t group = H5Gcreate2(data, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(group >= 0);
  return group;
}

// As a recorder leaves a file that it has not come to write to.
static void make_no_demos(hid_t data) {
  char name[32];
  assert_true(H5Adelete(data, "total") >= 0 && H5Ldelete(data, "/mask", H5P_DEFAULT) >= 0);
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "demo_%d", i);
    assert_true(H5Ldelete(data, name, H5P_DEFAULT) >= 0);
  }
}

static void make_empty_only(hid_t data) {
  make_no_demos(data);
  H5Gclose(add_demo(data, 0));
}

static void make_no_env(hid_t data) {
  assert_true(H5Adelete(data, "env_args") >= 0);
}

static void make_soft_link(hid_t data) {
  assert_true(H5Lcreate_soft("/data/demo_0", data, "demo_3", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void make_dangling_link(hid_t data) {
  assert_true(H5Lcreate_soft("/nowhere", data, "demo_3", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void make_external_link(hid_t data) {
  assert_true(H5Lcreate_external("/etc/passwd", "/data", data, "demo_3", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

// Another array in the place of one that is there, of so many columns and with a filter that no HDF5 has
// itself.
static void put_filtered(hid_t data, const char* path, int number) {
  hid_t old = H5Dopen2(data, path, H5P_DEFAULT), space = H5Dget_space(old),
        plist = H5Pcreate(H5P_DATASET_CREATE);
  hsize_t size[2];
  assert_int_equal(H5Sget_simple_extent_dims(space, size, NULL), 2);
  H5Pset_chunk(plist, 2, size);
  H5Pset_filter(plist, number, H5Z_FLAG_OPTIONAL, 0, NULL);
  H5Dclose(old);

  // The chunk as if the filter had packed it.
  static const char packed[64];
  const hsize_t first[2] = {0, 0};
  assert_true(H5Ldelete(data, path, H5P_DEFAULT) >= 0);
  hid_t made = H5Dcreate2(data, path, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  assert_true(made >= 0 && H5Dwrite_chunk(made, H5P_DEFAULT, 0, first, sizeof packed, packed) >= 0);
  H5Dclose(made);
  H5Pclose(plist);
  H5Sclose(space);
}

static void make_lzf(hid_t data) {
  put_filtered(data, "demo_1/actions", 32000);
  put_filtered(data, "demo_1/states", 32000);
}

static void make_unknown_filter(hid_t data) {
  put_filtered(data, "demo_1/actions", 4242);
  put_filtered(data, "demo_1/states", 4242);
}

static void put_array(hid_t demo, const char* name, hid_t type, int rank, const hsize_t* size,
                      const void* values) {
  hid_t space = H5Screate_simple(rank, size, NULL);
  hid_t made = H5Dcreate2(demo, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(made >= 0 && H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(made);
  H5Sclose(space);
}

// Whatever nobody here understands, and a demo that a recorder was broken off at.
static void make_harmless(hid_t data) {
  struct record {
    double t;
    int id;
  } values[4] = {{0.5, 1}, {1, 2}, {1.5, 3}, {2, 4}};
  static const float axes[2 * 2 * 2 * 2 * 2];

  // Times and names side by side.
  hid_t demo = H5Gopen2(data, "demo_0", H5P_DEFAULT), compound = H5Tcreate(H5T_COMPOUND, sizeof values[0]);
  H5Tinsert(compound, "t", HOFFSET(struct record, t), H5T_NATIVE_DOUBLE);
  H5Tinsert(compound, "id", HOFFSET(struct record, id), H5T_NATIVE_INT);
  put_array(demo, "stamps", compound, 1, (hsize_t[]){4}, values);

  // More axes than arrays have.
  put_array(demo, "clips", H5T_NATIVE_FLOAT, 5, (hsize_t[]){2, 2, 2, 2, 2}, axes);

  // Numbers of 16 bits, as networks like them.
  hid_t half = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(half, 15, 10, 5, 0, 10);
  H5Tset_size(half, 2);
  H5Tset_ebias(half, 15);
  put_array(demo, "halves", half, 1, (hsize_t[]){4}, values);

  H5Tclose(half);
  H5Tclose(compound);
  H5Gclose(demo);
  H5Gclose(add_demo(data, 3));
}

typedef enum changed { BY_HDF5, NEWER, CUT, TEXT, ABSENT, FOLDER } changed;

/// What of the file is wrong.
typedef enum wrong { NOTHING, DEMOS, A_DEMO, ALL } wrong;

static const struct {
  const char* name;
  changed how;
  void (*make)(hid_t data);
  wrong wrong;
  const char* says;  // "A|B|C": one of them
} kinds[] = {
    {"no-env", BY_HDF5, make_no_env, NOTHING, ""},
    {"harmless", BY_HDF5, make_harmless, NOTHING, ""},
    {"no-demos", BY_HDF5, make_no_demos, DEMOS, "no demos|0 demos|no demo is left|demo_count\":\t0"},
    {"empty-only", BY_HDF5, make_empty_only, DEMOS, "no demos|0 demos|is empty|no demo is left"},
    {"soft-link", BY_HDF5, make_soft_link, A_DEMO, "demo_3' is a soft link to '/data/demo_0'"},
    {"dangling-link", BY_HDF5, make_dangling_link, A_DEMO, "demo_3' is a soft link to '/nowhere'"},
    {"external-link", BY_HDF5, make_external_link, A_DEMO, "demo_3' is an external link"},
    {"lzf", BY_HDF5, make_lzf, A_DEMO, "filter lzf (32000)"},
    {"unknown-filter", BY_HDF5, make_unknown_filter, A_DEMO, "(4242)"},
    {"newer", NEWER, NULL, ALL, "newer HDF5"},
    {"cut", CUT, NULL, ALL, "truncated|cut short|cut off|incomplete"},
    {"text", TEXT, NULL, ALL, "not HDF5|no HDF5|is text"},
    {"absent", ABSENT, NULL, ALL, "No such file"},
    {"folder", FOLDER, NULL, ALL, "folder|directory"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/// What a command needs of a file.
typedef enum need {
  ITS_DEMOS,
  ITS_LIST,  // the names of its demos
  A_LOOK,    // shows what there is
  A_PLACE,   // adds to it
} need;

static const struct {
  const char *name, *arguments;
  need need;
} commands[] = {
    {"info", "info FILE", A_LOOK},
    {"info --json", "info FILE --json", A_LOOK},
    {"verify", "verify FILE --task own", ITS_DEMOS},
    {"replay", "replay FILE --task own", ITS_DEMOS},
    {"replay -o", "replay FILE --task own -o DIR/r.hdf5 --overwrite", ITS_DEMOS},
    {"segment", "segment FILE --task own --export DIR/e.hdf5 --export DIR/e.yaml --overwrite", ITS_DEMOS},
    {"generate", "generate own --source FILE -n 1 -t 1 -o DIR/g.hdf5 --overwrite", ITS_DEMOS},
    {"merge", "dataset merge DIR/m.hdf5 FILE --overwrite", ITS_DEMOS},
    {"filter", "dataset filter FILE DIR/f.hdf5 --min-rows 1 --overwrite", ITS_DEMOS},
    {"strip", "dataset strip FILE DIR/s.hdf5 --overwrite", ITS_DEMOS},
    {"split", "dataset split FILE", ITS_LIST},
    {"train",
     "train --data FILE -o DIR/tr --task own -p bc_l2 -k object --epochs 1 --steps 1 --batch 4 --rollouts 0 "
     "-j 1 --overwrite",
     ITS_DEMOS},
    {"finetune residual",
     "finetune DIR/policy/last.safetensors --task own --data FILE -o DIR/fr -n 32 --evaluate 0 --eval 0 -j 1 "
     "--overwrite",
     ITS_DEMOS},
    {"finetune ppo",
     "finetune DIR/policy/last.safetensors --task own -m ppo --bc 0.1 --data FILE -o DIR/fp -n 32 --evaluate "
     "0 "
     "--eval 0 -j 1 --overwrite",
     ITS_DEMOS},
    {"render", "render FILE --task own --obs DIR/o.hdf5 --size 16x16 --camera front --overwrite", ITS_DEMOS},
    {"teleop", "teleop own --input DIR/lines -o FILE", A_PLACE},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

// The exit status, and whether the reason is told.
static int expected(bool* told, int k, int c) {
  wrong w = kinds[k].wrong;
  need n = commands[c].need;
  *told = w != NOTHING;

  // By its digests verify knows what is gone.
  if (kinds[k].make == make_no_env && !strncmp(commands[c].name, "verify", 6)) return 1;

  // Demos are added to what there is, or to a new file.
  if (n == A_PLACE) {
    *told = w == ALL && kinds[k].how != ABSENT;
    return *told || kinds[k].make == make_no_env;
  }
  // A demo whose arrays are packed otherwise is there all the same.
  if (n == ITS_LIST && w == A_DEMO && strstr(kinds[k].says, "(")) {
    *told = false;
    return 0;
  }

  // What is not shown is no success; that there is nothing to show is.
  return w == ALL || w == A_DEMO || (w != NOTHING && n != A_LOOK);
}

static void copy_file(const char* from, const char* to) {
  char command[600];
  snprintf(command, sizeof command, "cp %s %s", from, to);
  assert_int_equal(system(command), 0);
}

static void write_at(const char* path, long at, const char* bytes, size_t n) {
  FILE* f = fopen(path, "r+b");
  assert_true(f && !fseek(f, at, SEEK_SET) && fwrite(bytes, 1, n, f) == n && !fclose(f));
}

static void make_file(const char* path, int kind) {
  char whole[256];
  snprintf(whole, sizeof whole, "%s/whole.hdf5", dir);
  unlink(path);

  // Not a file at all,
  if (kinds[kind].how == ABSENT) return;
  if (kinds[kind].how == FOLDER) {
    assert_int_equal(mkdir(path, 0777), 0);
    return;
  }

  // or one that was whole, whose bytes are changed,
  copy_file(whole, path);
  switch (kinds[kind].how) {
    case NEWER: {
      // What HDF5 2 would write: a superblock whose version is none of ours.
      static const char version[] = {9};
      write_at(path, 8, version, 1);
      return;
    }
    case CUT:
      assert_int_equal(truncate(path, 3000), 0);
      return;
    case TEXT:
      assert_int_equal(truncate(path, 0), 0);
      write_at(path, 0, "demos: none\n", 12);
      return;
    default:
      break;
  }

  // or what lies in it.
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Gopen2(file, "data", H5P_DEFAULT);
  assert_true(file >= 0 && data >= 0);
  kinds[kind].make(data);
  H5Gclose(data);
  assert_true(H5Fclose(file) >= 0);
}

static bool says_one_of(const char* words) {
  char list[256], *rest = NULL;
  if (!*words) return true;

  // Word by word.
  snprintf(list, sizeof list, "%s", words);
  for (char* word = strtok_r(list, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
    if (strstr(text, word)) return true;
  return false;
}

// Where the task is not named either, each names the way out.
static void without_env_args_the_task_is_asked_for(void** state) {
  (void)state;
  static const char* const asking[] = {"verify FILE", "replay FILE", "segment FILE",
                                       "render FILE --sheet DIR/n.png"};
  char path[256];
  snprintf(path, sizeof path, "%s/no-env.hdf5", dir);
  for (size_t i = 0; i < sizeof asking / sizeof *asking; i++) {
    assert_int_equal(run(asking[i], path), 1);
    if (!strstr(text, "has no env_args") || !strstr(text, "--task")) fail_msg("%s: %s", asking[i], text);
  }

  // What is not known to be alike is not mixed without a word.
  assert_int_equal(run("dataset merge DIR/mixed.hdf5 DIR/whole.hdf5 FILE", path), 0);
  assert_non_null(strstr(text, "has no env_args"));
  assert_int_equal(run("teleop own --input DIR/lines -o FILE", path), 1);
  assert_non_null(strstr(text, "name another file"));
}

static void every_command_tells_why(void** state) {
  (void)state;
  int failed = 0;
  char path[256];
  for (int k = 0; k < KINDS; k++) {
    snprintf(path, sizeof path, "%s/%s.hdf5", dir, kinds[k].name);
    make_file(path, k);

    // The file may be changed by one of them, which is the last.
    for (int c = 0; c < COMMANDS; c++) {
      bool told;

      // Under sanitizers every second one, and all of what a later test looks at.
      if (getenv("LOOM_QUICK") && (k + c) % 2 && kinds[k].make != make_harmless) continue;
      int wanted = expected(&told, k, c), status = run(commands[c].arguments, path);

      // One that opens a pipe or a folder may call it wrong usage.
      if ((status == 2 ? 1 : status) == wanted && (!told || says_one_of(kinds[k].says))) continue;
      failed++;
      print_error("%s %s: status %d, not %d, or not '%s':\n%.600s\n\n", kinds[k].name, commands[c].name,
                  status, wanted, told ? kinds[k].says : "", text);
    }
  }
  assert_int_equal(failed, 0);
}

// What is wrong with one demo is told in its place, beside what the others show (teleop has added one).
static void an_odd_demo_does_not_hide_the_others(void** state) {
  (void)state;
  char path[256];
  snprintf(path, sizeof path, "%s/lzf.hdf5", dir);

  assert_int_equal(run("replay FILE --task own", path), 1);
  assert_non_null(strstr(text, "demo_1     cannot be replayed"));
  assert_non_null(strstr(text, "demo_2 "));
  assert_non_null(strstr(text, "1 of 4 demos cannot be replayed"));

  // As JSON, too.
  assert_int_equal(run("replay FILE --task own --json", path), 1);
  assert_non_null(strstr(text, "\"error\":"));
  assert_non_null(strstr(text, "\"demo_2\""));
}

// The copies that commands made of the harmless file, which later ones did not replace: they failed.
static void what_is_not_understood_is_carried(void** state) {
  (void)state;
  static const char *const copies[] = {"m", "f", "s", "r", "e", "o"}, *const arrays[] = {"clips", "stamps",
                                                                                         "halves"};
  char path[256], name[64];

  for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
    snprintf(path, sizeof path, "%s/harmless.hdf5", dir);
    hid_t from = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    snprintf(path, sizeof path, "%s/%s.hdf5", dir, copies[i]);
    hid_t to = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(from >= 0 && to >= 0);

    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
      char one[512] = {0}, other[512] = {0};
      snprintf(name, sizeof name, "data/demo_0/%s", arrays[k]);
      hid_t a = H5Dopen2(from, name, H5P_DEFAULT), b = H5Dopen2(to, name, H5P_DEFAULT), type = H5Dget_type(a);
      if (b < 0) fail_msg("%s: no %s", path, name);

      // The same type, shape and bytes.
      hid_t same = H5Dget_type(b);
      assert_true(H5Tequal(type, same) > 0);
      assert_int_equal(H5Dget_storage_size(a), H5Dget_storage_size(b));
      assert_true(H5Dread(a, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, one) >= 0);
      assert_true(H5Dread(b, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, other) >= 0);
      assert_memory_equal(one, other, sizeof one);
      H5Tclose(same);
      H5Tclose(type);
      H5Dclose(a);
      H5Dclose(b);
    }

    H5Fclose(from);
    H5Fclose(to);
  }
}

static int make_dir(void** state) {
  (void)state;
  char command[1024];

  // HDF5 is quiet here, and the task is ours.
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (!mkdtemp(dir)) return -1;
  snprintf(command, sizeof command,
           "mkdir -p %s/scenes/own && cp -r tests/own/robots %s/scenes && cp tests/own/scene.xml "
           "tests/own/task.yaml "
           "%s/scenes/own && printf '{\"steps\": 2}\\n{\"do\": \"save\", \"anyhow\": true}\\n' >%s/lines",
           dir, dir, dir, dir);
  if (system(command)) return -1;
  snprintf(command, sizeof command, "%s/scenes", dir);
  setenv("DEMOLOOM_SCENES", command, 1);

  // Demos with observations.
  if (run("record own -n 3 --seed 1 -o DIR/base.hdf5", "") ||
      run("generate own --source DIR/base.hdf5 -n 3 -t 1 -o DIR/made.hdf5", "") ||
      run("dataset split DIR/made.hdf5", "") || run("dataset merge DIR/whole.hdf5 DIR/made.hdf5", "") ||
      run("train --data DIR/whole.hdf5 -o DIR/policy --task own -p bc_gmm -k object --hidden 8 --epochs 1 "
          "--steps 1 "
          "--batch 4 --rollouts 0 -j 1",
          ""))
    fail_msg("%s", text);
  return 0;
}

static int remove_dir(void** state) {
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return getenv("KEEP") ? 0 : system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_command_tells_why),
                                     cmocka_unit_test(without_env_args_the_task_is_asked_for),
                                     cmocka_unit_test(an_odd_demo_does_not_hide_the_others),
                                     cmocka_unit_test(what_is_not_understood_is_carried)};
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
