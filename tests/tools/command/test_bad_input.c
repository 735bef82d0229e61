// Bad input to the real program: whatever a file holds, it is one clear line on stderr that names the place,
// and exit status 1 (2 for wrong usage); no crash, no hang, no half-made output.
#include "tests/handover_fixture.h"
#include "tests/tools/program_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

static char dir[] = "/tmp/loom_bad_XXXXXX";
static char good[256];  // a valid dataset of one demo

typedef struct outcome {
  int status;        // exit status, or 128 + signal
  char text[65536];  // stderr
} outcome;

// file_limit: bytes a file may grow to, as on a full disk; 0 = any.
static void run(outcome* o, const char* arguments, rlim_t file_limit) {
  char command[4096], err_path[300];
  snprintf(err_path, sizeof err_path, "%s/stderr", dir);
  snprintf(command, sizeof command, "exec timeout 1800 %s %s >/dev/null 2>%s", program(), arguments,
           err_path);

  // In a process of its own, for the limit's sake.
  pid_t child = fork();
  if (child == 0) {
    if (file_limit) {
      signal(SIGXFSZ, SIG_IGN);
      setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_limit, file_limit});
    }
    execl("/bin/sh", "sh", "-c", command, (char*)NULL);
    _exit(127);
  }

  int status = 0;
  assert_true(child > 0 && waitpid(child, &status, 0) == child);
  o->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

  memset(o->text, 0, sizeof o->text);
  FILE* f = fopen(err_path, "rb");
  assert_non_null(f);
  size_t n = fread(o->text, 1, sizeof o->text - 1, f);
  (void)n;
  fclose(f);
}

// The last line is the error; progress may stand before it.
static void expect_limited(int status, const char* says, const char* arguments, rlim_t limit) {
  outcome* o = malloc(sizeof *o);
  assert_non_null(o);

  run(o, arguments, limit);

  // The status, the reason, and a whole line.
  char* line = strstr(o->text, "demoloom");
  if (o->status != status || !line || !strstr(line, says) ||
      (o->text[0] && o->text[strlen(o->text) - 1] != '\n')) {
    print_error("%s\n  exit status %d (wanted %d), wanted '%s', said: %s\n", arguments, o->status, status,
                says, o->text);
    free(o);
    fail();
  }

  // One line of it.
  if (strchr(line, '\n') && strchr(line, '\n')[1]) {
    print_error("%s\n  more than one line: %s\n", arguments, o->text);
    free(o);
    fail();
  }
  free(o);
}

static void expect(int status, const char* says, const char* format, const char* path) {
  char arguments[2048];

  snprintf(arguments, sizeof arguments, format, path, path);
  expect_limited(status, says, arguments, 0);
}

static const char* in_dir(const char* name) {
  static char path[4][300];
  static int next;
  next = (next + 1) % 4;
  snprintf(path[next], sizeof path[next], "%s/%s", dir, name);
  return path[next];
}

static void write_bytes(const char* path, const void* bytes, size_t n) {
  FILE* f = fopen(path, "wb");
  assert_true(f && fwrite(bytes, 1, n, f) == n && !fclose(f));
}

static size_t read_bytes(char** out, const char* path) {
  struct stat st;
  FILE* f = fopen(path, "rb");
  assert_true(f && !stat(path, &st));
  *out = malloc((size_t)st.st_size + 1);
  assert_true(*out && fread(*out, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
  (*out)[st.st_size] = 0;
  fclose(f);
  return (size_t)st.st_size;
}

/// What is wrong with a demo to write.
typedef struct damage {
  const char* name;                         // of the file
  const char* without;                      // field or attribute left out
  int actions_rows, action_dim, state_dim;  // changes
  double action, state;                     // put into the middle; 0 = leave
  const char *find, *put;                   // in model_file
  const char* env_args;
} damage;

static char* replace(const char* text, const char* find, const char* put) {
  const char* at = strstr(text, find);
  if (!at) fail_msg("the model has no '%s'", find);

  char* out = malloc(strlen(text) + strlen(put) + 1);
  assert_non_null(out);
  sprintf(out, "%.*s%s%s", (int)(at - text), text, put, at + strlen(find));
  return out;
}

// Rows cut or padded with zeros to `dim` columns.
static double* reshape(const double* from, int rows, int columns, int dim) {
  double* out = calloc((size_t)rows * (size_t)dim + 1, sizeof *out);
  assert_non_null(out);
  for (int r = 0; r < rows; r++)
    memcpy(out + r * dim, from + r * columns, sizeof *out * (size_t)(dim < columns ? dim : columns));
  return out;
}

// a demo of the dataset with something wrong about it
static const char* make(const handover* h, const damage* d) {
  static char env_good[8192];
  loomError err = {0, ""};
  loomDemo demo;
  char* env = NULL;

  must(loom_demo_load(&demo, h->dataset, 4, &err), &err);
  must(loom_dataset_attr_string(&env, h->dataset, "data", "env_args", &err), &err);
  snprintf(env_good, sizeof env_good, "%s", env);
  free(env);

  int action_dim = demo.action_dim + d->action_dim, state_dim = demo.state_dim + d->state_dim;
  double* actions = reshape(demo.actions, demo.rows, demo.action_dim, action_dim);
  double* states = reshape(demo.states, demo.rows, demo.state_dim, state_dim);
  if (d->action != 0) actions[100 * action_dim + 3] = d->action;
  if (d->state != 0) states[100 * state_dim + 3] = d->state;

  char* xml = d->find ? replace(demo.model_xml, d->find, d->put) : strdup(demo.model_xml);
  loomField all[] = {{"actions", LOOM_TYPE_F64, 2, {demo.rows + d->actions_rows, action_dim}, actions},
                     {"states", LOOM_TYPE_F64, 2, {demo.rows, state_dim}, states}},
            fields[2];

  loomAttr attrs[] = {loom_attr_string("model_file", xml)};
  int n = 0, nattr = !d->without || strcmp(d->without, "model_file") ? 1 : 0;
  for (int i = 0; i < 2; i++) {
    if (!d->without || strcmp(d->without, all[i].path)) fields[n++] = all[i];
  }

  loomRecord record = {.name = "demo_0", .nfield = n, .field = fields, .nattr = nattr, .attr = attrs};
  loomWriteDef write = loom_default_write_def();
  const char* shard = in_dir("shard.hdf5");
  must(loom_shard_write(shard, &record, 1, &write, &err), &err);

  loomSource source = {shard, NULL};
  loomAttr data[] = {loom_attr_string("env_args", d->env_args ? d->env_args : env_good)};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = data;
  def.nattr = d->without && !strcmp(d->without, "env_args") ? 0 : 1;
  def.valid = 0;
  def.trusted = true;

  const char* path = in_dir(d->name);
  must(loom_dataset_assemble(path, &source, 1, &def, &err), &err);

  free(actions);
  free(states);
  free(xml);
  loom_demo_destroy(&demo);
  return path;
}

static void expect_everywhere(const char* says, const char* path) {
  expect(1, says, "replay %s --task handover", path);
  expect(1, says, "verify %s --task handover", path);
  expect(1, says, "segment %s --task handover", path);
  expect(1, says, "generate handover --attempts 1 --source %s", path);
}

// ---- files

static void what_is_no_dataset(void** state) {
  (void)state;

  // Not there, empty, or something else.
  expect_everywhere("absent.hdf5", in_dir("absent.hdf5"));
  write_bytes(in_dir("empty.hdf5"), "", 0);
  expect_everywhere("empty.hdf5", in_dir("empty.hdf5"));
  write_bytes(in_dir("text.hdf5"), "not a dataset at all", 20);
  expect_everywhere("not a readable HDF5 file", in_dir("text.hdf5"));

  // A folder.
  expect_everywhere("/", "/tmp");

  // Commands that need no task.
  expect(1, "absent.hdf5", "info %s", in_dir("absent.hdf5"));
  expect(1, "text.hdf5", "info %s", in_dir("text.hdf5"));
  expect(1, "text.hdf5", "render %s --sheet /tmp/none.png", in_dir("text.hdf5"));
}

static void files_cut_short(void** state) {
  (void)state;
  char* bytes;

  // At eight lengths, the last one a byte short.
  size_t n = read_bytes(&bytes, good);
  for (size_t i = 1; i <= 8; i++) {
    const char* path = in_dir("cut.hdf5");
    write_bytes(path, bytes, i == 8 ? n - 1 : n * i / 9);
    expect_everywhere("cut short", path);
    expect(1, "cut short", "info %s", path);
    expect(1, "cut short", "render %s --sheet /tmp/none.png", path);
    expect(1, "cut short", "dataset merge /tmp/none.hdf5 %s", path);
  }
  free(bytes);
}

// Whatever byte is wrong, the program says something sensible or does not notice; it never crashes or hangs.
static void files_with_wrong_bytes(void** state) {
  (void)state;
  char *bytes, arguments[600];
  outcome* o = malloc(sizeof *o);
  size_t n = read_bytes(&bytes, good);

  int rounds = getenv("LOOM_QUICK") ? 8 : 24;
  for (int i = 0; i < rounds; i++) {
    // One bit of it, near the head every other time.
    size_t at = (size_t)i * 7919 % (i % 2 ? 4096 : n);
    char old = bytes[at];
    bytes[at] ^= (char)(1 << (i % 8));
    const char* path = in_dir("wrong.hdf5");
    write_bytes(path, bytes, n);
    bytes[at] = old;

    snprintf(arguments, sizeof arguments, "verify %s --task handover", path);
    run(o, arguments, 0);
    if (o->status > 1) fail_msg("byte %zu: exit status %d: %.500s", at, o->status, o->text);
    if (o->status == 1 && !o->text[0]) fail_msg("byte %zu: nothing said", at);
  }
  free(bytes);
  free(o);
}

// ---- contents

// fields and attributes
static void what_demos_lack(void** state) {
  const handover* h = *state;
  expect_everywhere("actions", make(h, &(damage){.name = "a.hdf5", .without = "actions"}));
  expect_everywhere("states", make(h, &(damage){.name = "b.hdf5", .without = "states"}));
  expect_everywhere("model_file", make(h, &(damage){.name = "c.hdf5", .without = "model_file"}));
  expect_everywhere("env_args", make(h, &(damage){.name = "d.hdf5", .without = "env_args"}));
}

static void wrong_shapes_and_numbers(void** state) {
  const handover* h = *state;

  // Columns and rows.
  expect_everywhere("13", make(h, &(damage){.name = "e.hdf5", .action_dim = -1}));
  expect_everywhere("51", make(h, &(damage){.name = "f.hdf5", .state_dim = 1}));
  expect_everywhere("rows", make(h, &(damage){.name = "g.hdf5", .actions_rows = -3}));

  // Numbers that are none, by their row.
  expect_everywhere("100", make(h, &(damage){.name = "i.hdf5", .action = NAN}));
  expect_everywhere("100", make(h, &(damage){.name = "j.hdf5", .action = INFINITY}));
  expect_everywhere("100", make(h, &(damage){.name = "k.hdf5", .state = NAN}));
}

static void models_that_reach_out(void** state) {
  const handover* h = *state;

  static const struct {
    const char *find, *put, *says;
  } cases[] = {
      {"<worldbody>", "<worldbody><include file=\"/etc/passwd\"/>", "include"},
      {"</worldbody>",
       "<geom type=\"mesh\" mesh=\"x\"/></worldbody><asset><mesh name=\"x\" file=\"/etc/passwd\"/></asset>",
       "/etc/passwd"},
      {"</worldbody>",
       "<geom type=\"mesh\" mesh=\"x\"/></worldbody><asset><mesh name=\"x\" "
       "file=\"../../../../../../etc/passwd\"/></asset>",
       "outside the asset roots"},
      {"</worldbody>",
       "<geom type=\"hfield\" hfield=\"x\"/></worldbody><asset><hfield name=\"x\" file=\"/etc/passwd\" "
       "size=\"1 1 1 1\"/></asset>",
       "/etc/passwd"},
      {"</worldbody>",
       "<geom type=\"mesh\" mesh=\"x\"/></worldbody><asset><mesh name=\"x\" "
       "file=\"/x/robosuite/models/assets/robots/none.stl\"/></asset>",
       "none.stl"},
      {"<worldbody>", "<extension><plugin plugin=\"mujoco.pid\"/></extension><worldbody>", "plugin"},
      {"<worldbody>", "<worldbody><nonsense/>", "nonsense"},
      {"</mujoco>", "", "demo_0"},
      {"<mujoco", "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><mujoco", "demo_0"},
      {"hammer_root", "hammer_toor", "hammer_root"},
      {"robot0_joint3", "robot0_joint33", "robot0_joint3"},
  };

  // None of it is read; the reason names what was asked for.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char* path = make(h, &(damage){.name = "model.hdf5", .find = cases[i].find, .put = cases[i].put});
    expect(1, cases[i].says, "replay %s --task handover", path);
    expect(1, cases[i].says, "generate handover --attempts 1 --source %s", path);
  }
}

static void unknown_controllers(void** state) {
  const handover* h = *state;

  // No JSON, a controller that we lack, one without gains, none at all.
  expect_everywhere("JSON", make(h, &(damage){.name = "l.hdf5", .env_args = "{not json"}));
  expect_everywhere("IK_POSE",
                    make(h, &(damage){.name = "m.hdf5",
                                      .env_args = "{\"env_name\":\"TwoArmHandover\",\"env_kwargs\":{"
                                                  "\"controller_configs\":{\"type\":\"IK_POSE\"}}}"}));
  expect_everywhere("kp", make(h, &(damage){.name = "n.hdf5",
                                            .env_args = "{\"env_kwargs\":{\"controller_configs\":{\"type\":"
                                                        "\"OSC_POSE\",\"input_min\":-1,\"input_max\":1,"
                                                        "\"output_min\":-1,\"output_max\":1}}}"}));
  expect_everywhere("controller_configs", make(h, &(damage){.name = "o.hdf5", .env_args = "{}"}));

  // Another environment names no task.
  const char* other = make(h, &(damage){.name = "p.hdf5", .env_args = "{\"env_name\":\"Elsewhere\"}"});
  expect(2, "Elsewhere", "replay %s", other);
}

// ---- usage

static void wrong_usage(void** state) {
  (void)state;
  static const char* const cases[][2] = {
      {"no command 'fly'", "fly"},
      {"takes one task", "generate"},
      {"nowhere", "generate nowhere"},
      {"--seed", "generate handover --seed minus"},
      {"--source-demo is for --expert generator", "dagger handover -e scripted --source-demo demo_1 -o runs"},
      {"--threads", "generate handover --threads 2000"},
      {"--gzip", "generate handover --gzip 12"},
      {"--noise", "generate handover --noise nan"},
      {"D9", "generate handover --reset D9 --attempts 1"},
      {"--select", "generate handover --select best --attempts 1"},
      {"NAME=DIR", "generate handover --assets nowhere --attempts 1"},
      {"nowhere", "replay nowhere"},
      {"--failed needs -o", "generate handover --failed x.hdf5"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect_limited(2, cases[i][0], cases[i][1], 0);

  expect_limited(1, "/nowhere", "generate handover --assets robosuite=/nowhere --attempts 1", 0);
}

static void places_that_cannot_be_written(void** state) {
  (void)state;

  // Devices and folders that are not there.
  expect_limited(1, "/proc/none.hdf5", "generate handover --attempts 1 -o /proc/none.hdf5", 0);
  expect_limited(1, "/dev/null/x.hdf5", "generate handover --attempts 1 -o /dev/null/x.hdf5", 0);
  expect_limited(1, "/nowhere/x.hdf5", "generate handover --attempts 1 -o /nowhere/x.hdf5", 0);

  expect(1, "/nowhere/x.hdf5", "dataset merge /nowhere/x.hdf5 %s", good);
  expect(1, "/nowhere/x.png", "render %s --task handover --sheet /nowhere/x.png", good);

  // What is there is not written over.
  expect(2, "exists", "generate handover --attempts 1 -o %s", good);
}

// A disk that fills up: an error that says so, no half-made output, and --resume goes on once there is room.
static void a_full_disk(void** state) {
  (void)state;

  char arguments[1024];
  const char *out = in_dir("full.hdf5"), *task = "tests/own/task.yaml", *source = in_dir("own.hdf5");
  outcome* o = malloc(sizeof *o);
  assert_non_null(o);

  // Which scene it is makes no difference to the disk: one that takes no time.
  snprintf(arguments, sizeof arguments, "record %s -n 1 --seed 3 -o %s", task, source);
  run(o, arguments, 0);
  if (o->status) fail_msg("no source demo: %s", o->text);

  // Room for 20 kB: nothing is left but parts.
  snprintf(arguments, sizeof arguments, "generate %s --source %s -n 1 --seed 3 -o %s", task, source, out);
  expect_limited(1, "full", arguments, 20 * 1024);
  assert_int_equal(access(out, F_OK), -1);

  // With room enough it goes on.
  snprintf(arguments, sizeof arguments, "generate %s --source %s -n 1 --seed 3 --resume -o %s", task, source,
           out);
  run(o, arguments, 0);
  if (o->status) fail_msg("resume after a full disk: %s", o->text);
  assert_int_equal(access(out, F_OK), 0);
  free(o);

  // Merging leaves nothing either.
  snprintf(arguments, sizeof arguments, "dataset merge %s %s %s", in_dir("merged.hdf5"), good, good);
  expect_limited(1, "cannot be written", arguments, 100 * 1024);
  assert_int_equal(access(in_dir("merged.hdf5"), F_OK), -1);
}

static int open_all(void** state) {
  if (handover_open(state) || !mkdtemp(dir)) return -1;
  snprintf(good, sizeof good, "%s", make(*state, &(damage){.name = "good.hdf5"}));
  return 0;
}

static int close_all(void** state) {
  char command[300];

  snprintf(command, sizeof command, "rm -rf %s", dir);
  if (system(command)) return -1;
  return handover_close(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_dataset),
      cmocka_unit_test(files_cut_short),
      cmocka_unit_test(files_with_wrong_bytes),
      cmocka_unit_test(what_demos_lack),
      cmocka_unit_test(wrong_shapes_and_numbers),
      cmocka_unit_test(models_that_reach_out),
      cmocka_unit_test(unknown_controllers),
      cmocka_unit_test(wrong_usage),
      cmocka_unit_test(places_that_cannot_be_written),
      cmocka_unit_test(a_full_disk),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
