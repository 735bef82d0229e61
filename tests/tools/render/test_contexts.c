// `demoloom render --obs --contexts`: the same states seen otherwise, told by attributes; the same bytes on
// any threads; each kind of term shows; what is no context is refused.
#include "tests/tools/program_fixture.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>

static char folder[200];
static char said[1 << 16];  // by the last command

#define DRAW "render DIR/base.hdf5 --task tests/own --size 24x24 --camera front --obs DIR/"

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

static void write_text(const char* name, const char* text) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);

  FILE* f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static int make_demos(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-contexts-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(folder)) return -1;

  must_run("record tests/own -n 2 --seed 1 -o DIR/base.hdf5");
  write_text(
      "all.yaml",
      "light: [0.3, 0.8]\ncolor: [0.5, 0.9]\ncamera_position: [-0.05, 0.05]\ncamera_turn: [-0.1, 0.1]\n"
      "camera_fovy: [0.8, 1.2]\ndistractors: [2, 5]\nhide: {of: base0, range: [0, 1]}\n");
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

// ---- what was written

static hid_t open_demo(hid_t* file, const char* name, int demo) {
  char path[300], group[32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(group, sizeof group, "data/demo_%d", demo);

  *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  assert_true(*file >= 0);
  hid_t out = H5Gopen2(*file, group, H5P_DEFAULT);
  assert_true(out >= 0);
  return out;
}

// All bytes of an array; malloc'ed.
static void* read_array(size_t* bytes, const char* name, int demo, const char* array) {
  hid_t file, group = open_demo(&file, name, demo), set = H5Dopen2(group, array, H5P_DEFAULT);
  assert_true(set >= 0);
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  *bytes = H5Tget_size(type) * (size_t)H5Sget_simple_extent_npoints(space);

  void* out = malloc(*bytes);
  assert_non_null(out);
  assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(set);
  H5Gclose(group);
  H5Fclose(file);
  return out;
}

static bool same_arrays(const char* name, int a, int b, const char* array) {
  size_t n, m;
  void *x = read_array(&n, name, a, array), *y = read_array(&m, name, b, array);
  bool same = n == m && !memcmp(x, y, n);

  free(x);
  free(y);
  return same;
}

static void must_say(const char* name, int demo, const char* attr, const char* wanted) {
  hid_t file, group = open_demo(&file, name, demo), a = H5Aopen(group, attr, H5P_DEFAULT);
  assert_true(a >= 0);
  hid_t type = H5Aget_type(a);
  char* text = NULL;

  assert_true(H5Aread(a, type, &text) >= 0);
  if (!strstr(text, wanted)) fail_msg("demo_%d: %s is %s", demo, attr, text);
  H5free_memory(text);
  H5Tclose(type);
  H5Aclose(a);
  H5Gclose(group);
  H5Fclose(file);
}

static bool same_files(const char* a, const char* b) {
  char command[600];
  snprintf(command, sizeof command, "cmp -s '%s/%s' '%s/%s'", folder, a, folder, b);
  return system(command) == 0;
}

// ---- what is tested

static void the_same_states_look_otherwise(void** state) {
  (void)state;
  static const struct {
    const char *context, *pair_of, *before;
  } demos[] = {{"source", "demo_0", "demo_0"}, {"0", "demo_0", "demo_0"}, {"1", "demo_0", "demo_0"},
               {"source", "demo_3", "demo_1"}, {"2", "demo_3", "demo_1"}, {"3", "demo_3", "demo_1"}};
  must_run(DRAW "one.hdf5 --contexts DIR/all.yaml --per-demo 2 -j 1");

  for (int i = 0; i < 6; i++) {
    int source = i - i % 3;
    must_say("one.hdf5", i, "context", demos[i].context);
    must_say("one.hdf5", i, "pair_of", demos[i].pair_of);
    must_say("one.hdf5", i, "loom_context_of", demos[i].before);
    must_say("one.hdf5", i, "loom_context", i == source ? "{}" : "\"term\":\"distractors\"");

    assert_true(same_arrays("one.hdf5", source, i, "states"));
    assert_true(same_arrays("one.hdf5", source, i, "actions"));
    assert_true(same_arrays("one.hdf5", source, i, "obs/front_image") == (i == source));
  }
  assert_false(same_arrays("one.hdf5", 1, 2, "obs/front_image"));

  // They are learned from as any others.
  must_run(
      "train --data DIR/one.hdf5 -p bc_l2 -k front_image --hidden 8 --epochs 1 --steps 2 --rollouts 0 -o "
      "DIR/eyes");
}

static void a_seed_says_which(void** state) {
  (void)state;
  must_run(DRAW "three.hdf5 --contexts DIR/all.yaml --per-demo 2 -j 3");
  assert_true(same_files("one.hdf5", "three.hdf5"));
  must_run(DRAW "other.hdf5 --contexts DIR/all.yaml --per-demo 2 --seed 2");
  assert_false(same_files("one.hdf5", "other.hdf5"));

  // The same ones for all demos.
  must_run(DRAW "same.hdf5 --contexts DIR/all.yaml --per-demo 2 --same-contexts");
  must_say("same.hdf5", 4, "context", "0");
  must_say("same.hdf5", 5, "context", "1");
  must_say("same.hdf5", 4, "loom_context", "\"number\":\"0\"");
}

// And nothing where nothing is changed.
static void each_term_shows(void** state) {
  (void)state;
  static const char* const terms[] = {
      "light: 0.3",       "color: 0.5",     "camera_position: [0.2, 0.3]", "camera_turn: 0.2",
      "camera_fovy: 0.5", "distractors: 8", "hide: {of: base0, range: 1}"};
  write_text("term.yaml", "light: 1\n");
  must_run(DRAW "term.hdf5 --limit 1 --contexts DIR/term.yaml");
  assert_true(same_arrays("term.hdf5", 0, 1, "obs/front_image"));

  for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
    write_text("term.yaml", terms[i]);
    must_run(DRAW "term.hdf5 --limit 1 --contexts DIR/term.yaml --overwrite");
    if (same_arrays("term.hdf5", 0, 1, "obs/front_image")) fail_msg("%s does not show", terms[i]);
  }
}

// A texture's picture is another in a context, and its own again for the next demo's own pictures.
static void textures_are_painted_over(void** state) {
  (void)state;
  char command[1400];
  snprintf(command, sizeof command,
           "mkdir '%s/own' && cp -r tests/own/task.yaml tests/own/robots '%s/own' && sed "
           "'s|<worldbody>|<asset><texture name=\"tiles\" type=\"2d\" builtin=\"flat\" rgb1=\".6 .6 .6\" "
           "width=\"32\" "
           "height=\"32\"/><material name=\"tiles\" texture=\"tiles\"/></asset>&|; s|<geom name=\"floor\"|& "
           "material=\"tiles\"|' tests/own/scene.xml >'%s/own/scene.xml'",
           folder, folder, folder);
  assert_int_equal(system(command), 0);
  must_run("record DIR/own/task.yaml -n 2 --seed 1 -o DIR/tiles.hdf5");
  write_text("texture.yaml", "texture: {of: world, range: [0.1, 1]}\n");

#define DRAW_TILES "render DIR/tiles.hdf5 --task DIR/own/task.yaml --size 24x24 --camera front --obs DIR/"
  must_run(DRAW_TILES "plain.hdf5");
  must_run(DRAW_TILES "painted.hdf5 --contexts DIR/texture.yaml -j 1");
  assert_false(same_arrays("painted.hdf5", 0, 1, "obs/front_image"));
  for (int demo = 0; demo < 2; demo++) {
    size_t n, m;
    void *plain = read_array(&n, "plain.hdf5", demo, "obs/front_image"),
         *source = read_array(&m, "painted.hdf5", 2 * demo, "obs/front_image");
    assert_true(n == m && !memcmp(plain, source, n));
    free(plain);
    free(source);
  }
}

static void names_what_is_wrong(void** state) {
  (void)state;
  static const struct {
    const char *text, *arguments;
    int status;
    const char* why;
  } table[] = {
      {"mass: 2", DRAW "no.hdf5 --contexts DIR/bad.yaml", 1,
       "bad.yaml:1: 'mass' is no part of what a demo looks"},
      {"picture_delay: 2", DRAW "no.hdf5 --contexts DIR/bad.yaml", 1, "'picture_delay' is no part of"},
      {"hide: {of: nobody, range: 1}", DRAW "no.hdf5 --contexts DIR/bad.yaml", 1, "has no body 'nobody'"},
      {"hide: [0, 1]", DRAW "no.hdf5 --contexts DIR/bad.yaml", 1, "bad.yaml:1"},
      {"lihgt: 1", DRAW "no.hdf5 --contexts DIR/bad.yaml", 1, "lihgt"},
      {"", DRAW "no.hdf5 --contexts nothing", 2, "nothing"},
      {"light: 1", DRAW "no.hdf5 --same-contexts", 2, "--same-contexts goes with --contexts"},
      {"light: 1", "render DIR/base.hdf5 --task tests/own --sheet DIR/no.png --contexts DIR/bad.yaml", 2,
       "--contexts goes with --obs"},
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    write_text("bad.yaml", table[i].text);
    int status = run(table[i].arguments);
    if (status != table[i].status || !strstr(said, table[i].why))
      fail_msg("%s: status %d, said %s\nwanted %s", table[i].text, status, said, table[i].why);
  }

  char path[300];
  snprintf(path, sizeof path, "%s/no.hdf5", folder);
  assert_true(access(path, F_OK) != 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_same_states_look_otherwise),
      cmocka_unit_test(a_seed_says_which),
      cmocka_unit_test(each_term_shows),
      cmocka_unit_test(textures_are_painted_over),
      cmocka_unit_test(names_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, make_demos, remove_folder);
}
