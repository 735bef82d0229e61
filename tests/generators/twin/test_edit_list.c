// The list of commands of a twin's window: done, undone and done again, kept in the folder.
#include <dirent.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/scene/library.h"
#include "generators/twin/edit_list.h"
#include "generators/twin/edit_script.h"
#include "tests/generators/twin/chest.h"

#define TURN "- turn: {body: chest, yaw: 0.5}\n"
#define PLACE "- place: {body: chest, at: [0.3, 0.02, 0.801]}\n"
#define CUT "- cut: {body: chest, point: [0, 0, 0.15], normal: [0, 0, 1], into: lid}\n"
#define JOINT "- joint: {body: lid, type: hinge, edge: +y, range: [0, 1.5]}\n"
#define ABOUT "- task:\n    about: A lid.\n    max_steps: 300\n"

static loomTwinEditDef plain_def(void) {
  static const loomAssetRoots none = {0};
  loomTwinEditDef def = loom_default_twin_edit_def();
  def.roots = &none;
  return def;
}

static void do_list(loomTwinList* list) {
  loomTwinEditDef def = plain_def();
  loomTwinEdited edited;
  loomError err = {0};
  if (loom_twin_list_do(&edited, list, &def, &err)) fail_msg("%s", err.message);
  loom_twin_edited_destroy(&edited);
}

static bool open_list(loomTwinList* list) {
  bool elsewhere;
  loomError err = {0};
  if (loom_twin_list_open(list, dir, &elsewhere, &err)) fail_msg("%s", err.message);
  return elsewhere;
}

static char* read_file(const char* name) {
  char path[200], *text = NULL;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(loom_read_text(&text, NULL, path, 1 << 24, NULL), 0);
  return text;
}

static bool says(const char* name, const char* what) {
  char* text = read_file(name);
  bool found = strstr(text, what);
  free(text);
  return found;
}

static int meshes(void) {
  char path[160];
  int n = 0;
  snprintf(path, sizeof path, "%s/meshes", dir);
  DIR* d = opendir(path);
  assert_non_null(d);

  while (readdir(d)) n++;
  closedir(d);
  return n;
}

// Steps of a user, one a row: what is done, and what is to be seen in the folder then.
static void steps_are_taken(void** state) {
  static const struct {
    const char* add;  // or NULL:
    int way;
    int n, at;
    bool lid, hinge, about;
  } rows[] = {
      {TURN, 0, 1, 1, false, false, false},  {CUT, 0, 2, 2, true, false, false},
      {JOINT, 0, 3, 3, true, true, false},   {NULL, -1, 3, 2, true, false, false},
      {NULL, -1, 3, 1, false, false, false}, {NULL, 1, 3, 2, true, false, false},
      {NULL, 1, 3, 3, true, true, false},    {ABOUT, 0, 4, 4, true, true, true},
      {NULL, -1, 4, 3, true, true, false},   {NULL, -1, 4, 2, true, false, false},
      {PLACE, 0, 3, 3, true, false, false},  {NULL, -1, 3, 2, true, false, false},
      {NULL, -1, 3, 1, false, false, false}, {NULL, -1, 3, 0, false, false, false},
  };
  loomTwinList list;
  (void)state;
  make_chest(dir);
  char *scene = read_file("scene.xml"), *task = read_file("task.yaml");
  int before = meshes();
  assert_false(open_list(&list));
  assert_false(loom_twin_list_step(&list, -1) || loom_twin_list_step(&list, 1));

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    if (rows[r].add) assert_int_equal(loom_twin_list_add(&list, rows[r].add, NULL), 0);
    if (!rows[r].add) assert_true(loom_twin_list_step(&list, rows[r].way));
    do_list(&list);

    // All of it is in the folder: who opens it next goes on.
    loom_twin_list_destroy(&list);
    assert_false(open_list(&list));
    if (list.n != rows[r].n || list.at != rows[r].at) fail_msg("row %zu: %d of %d", r, list.at, list.n);
    assert_int_equal(says("scene.xml", "<body name=\"lid\""), rows[r].lid);
    assert_int_equal(says("scene.xml", "lid_joint"), rows[r].hinge);
    assert_int_equal(says("task.yaml", "about: A lid."), rows[r].about);

    loomScene* made = NULL;
    loomError err = {0};
    if (loom_scene_open(&made, dir, NULL, &err)) fail_msg("row %zu: %s", r, err.message);
    loom_scene_destroy(made);
  }

  // All undone, it is what it was, but for the number of the edit; and no mesh lies about.
  char* now = read_file("task.yaml");
  assert_string_equal(now, task);
  assert_int_equal(meshes(), before);
  loom_twin_list_destroy(&list);
  free(now);
  free(scene);
  free(task);
}

// The same commands one by one with undone ones between, and as a script: the same meshes, shapes and task.
static void it_is_what_the_script_makes(void** state) {
  loomTwinList list;
  loomTwinEdited edited;
  loomError err = {0};
  char *text, path[200];
  (void)state;
  make_chest(dir);
  open_list(&list);
  static const char* const commands[] = {TURN, CUT, JOINT, ABOUT};
  for (int i = 0; i < 4; i++) {
    assert_int_equal(loom_twin_list_add(&list, commands[i], NULL), 0);
    do_list(&list);
    loom_twin_list_step(&list, -1);
    do_list(&list);
    loom_twin_list_step(&list, 1);
    do_list(&list);
  }
  assert_int_equal(loom_twin_list_script(&text, &list, NULL), 0);
  assert_true(loom_twin_list_is_done(&list, text));
  free(text);

  // What is kept is a script.
  make_chest(other);
  snprintf(path, sizeof path, "%s/.edit/commands.yaml", dir);
  loomTwinEditDef def = plain_def();
  def.folder = other;
  def.script = path;
  if (loom_twin_edit(&edited, &def, &err)) fail_msg("%s", err.message);
  assert_int_equal(edited.commands, 4);
  loom_twin_edited_destroy(&edited);

  loomScene *a = NULL, *b = NULL;
  assert_int_equal(loom_scene_open(&a, dir, NULL, &err) || loom_scene_open(&b, other, NULL, &err), 0);
  assert_int_equal(a->model->nmeshvert, b->model->nmeshvert);
  for (int m = 0; m < 3 * b->model->nmeshvert; m++)
    assert_true(a->model->mesh_vert[m] == b->model->mesh_vert[m]);
  assert_int_equal(a->model->nv, b->model->nv);
  for (int i = 0; i < a->model->nbody; i++) assert_true(a->model->body_mass[i] == b->model->body_mass[i]);
  loom_scene_destroy(a);
  loom_scene_destroy(b);
  loom_twin_list_destroy(&list);
}

// A draft shows what comes of it and leaves the folder alone, where convex pieces are yet to be made.
static int look_at(void* user, const loomTwinSeen* seen, loomError* err) {
  (void)err;
  *(int*)user = mj_name2id(seen->scene->model, mjOBJ_BODY, "lid");
  return 0;
}

static void a_draft_writes_nothing(void** state) {
  loomTwinEditDef def = plain_def();
  loomTwinEdited edited;
  loomError err = {0};
  int lid = -1;
  (void)state;
  make_chest(dir);
  char *scene = read_file("scene.xml"), *after;
  int before = meshes();

  def.folder = dir;
  def.script = "the window";
  def.text = "- cut: {body: chest, point: [0, 0, 0.15], normal: [0, 0.3, 1], into: lid}\n";
  def.draft = true;
  def.seen = look_at;
  def.user = &lid;

  if (loom_twin_edit(&edited, &def, &err)) fail_msg("%s", err.message);
  assert_true(edited.draft);
  loom_twin_edited_destroy(&edited);
  assert_true(lid > 0);
  after = read_file("scene.xml");
  assert_string_equal(scene, after);
  assert_int_equal(meshes(), before);
  free(scene);
  free(after);

  // Boxes need none: it is no draft, then.
  def.text = CUT;
  if (loom_twin_edit(&edited, &def, &err)) fail_msg("%s", err.message);
  assert_false(edited.draft);
  loom_twin_edited_destroy(&edited);
  assert_true(says("scene.xml", "<body name=\"lid\""));

  def.text = "- cut: {body: chest, point: [0, 0, 5], normal: [0, 0, 1], into: lid}\n";
  assert_int_equal(loom_twin_edit(&edited, &def, &err), LOOM_ERR_USAGE);
  assert_true(strstr(err.message, "the window:1: cut: there is a body 'lid' already"));
}

// What somebody else has written meanwhile is not thrown away: a new list begins from it.
static void other_changes_are_kept(void** state) {
  loomTwinList list;
  loomTwinEdited edited;
  loomError err = {0};
  char path[200], *task;
  (void)state;
  make_chest(dir);
  open_list(&list);
  assert_int_equal(loom_twin_list_add(&list, TURN, NULL), 0);
  do_list(&list);

  task = read_file("task.yaml");
  char* more = malloc(strlen(task) + 40);
  sprintf(more, "%s# mine\n", task);
  snprintf(path, sizeof path, "%s/task.yaml", dir);
  assert_int_equal(loom_file_write_text(path, more, NULL), 0);
  assert_int_equal(loom_twin_list_add(&list, CUT, NULL), 0);
  loomTwinEditDef def = plain_def();
  assert_int_equal(loom_twin_list_do(&edited, &list, &def, &err), LOOM_ERR_USAGE);
  assert_true(strstr(err.message, "meanwhile"));
  loom_twin_list_destroy(&list);

  assert_true(open_list(&list));
  assert_int_equal(list.n, 0);
  assert_int_equal(loom_twin_list_add(&list, CUT, NULL), 0);
  do_list(&list);
  assert_true(says("task.yaml", "# mine\n") && says("scene.xml", "<body name=\"lid\""));
  assert_true(says(".edit/before.yaml", "turn:") && !says(".edit/commands.yaml", "turn:"));
  loom_twin_list_step(&list, -1);
  do_list(&list);
  assert_true(says("task.yaml", "# mine\n") && !says("scene.xml", "<body name=\"lid\""));
  loom_twin_list_destroy(&list);
  free(task);
  free(more);
}

static void what_is_no_twin_is_named(void** state) {
  static const struct {
    const char *break_it, *says;
    int code;
  } rows[] = {
      {"rm -r %s", "no such folder", LOOM_ERR_USAGE},
      {"rm %s/task.yaml", "it is no twin", LOOM_ERR_USAGE},
      {"rm %s/scene.xml", "scene.xml", LOOM_ERR_IO},
      {"echo 'task: a' >%s/task.yaml", "names no model", LOOM_ERR_USAGE},
  };
  (void)state;

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    char command[200];
    loomTwinList list;
    loomError err = {0};
    bool changed;

    make_chest(dir);
    snprintf(command, sizeof command, rows[r].break_it, dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(loom_twin_list_open(&list, dir, &changed, &err), rows[r].code);
    if (!strstr(err.message, rows[r].says)) fail_msg("%s", err.message);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
  }
}

// A command reads as it was written.
static void commands_are_written(void** state) {
  static const char* const rows[] = {
      "- place: {body: mug, at: [0.1, 0, 0.8]}\n",
      "- turn: {body: mug, yaw: 1.5708}\n",
      "- scale: {body: mug, by: 0.9}\n",
      "- weigh: {body: mug, mass: 0.4}\n",
      "- rub: {body: world, friction: [0.4, 0.004, 0.0001]}\n",
      "- drag: {body: top, damping: 4}\n",
      "- cut: {body: a, into: b, low: [-0.2, -0.5, 0.4], high: [0.2, -0.18, 0.6]}\n",
      "- cut: {body: a, yaw: -0.026, into: b, low: [-0.2, -0.5, 0.4], high: [0.2, -0.18, 0.6]}\n",
      "- cut: {body: a, into: b, point: [0, 0, 0.1], normal: [0, 0, 1]}\n",
      "- remove: {body: b}\n",
      "- cavity: {body: a, part: b}\n",
      "- cavity: {body: a, part: b, clearance: 0.005}\n",
      "- panel: {body: b, side: +y}\n",
      "- panel: {body: b, side: -x, thickness: 0.01, rgba: [1, 0, 0, 1]}\n",
      "- joint: {body: b, type: slide, range: [0, 0.3], now: 0.3, damping: 4, friction: 1.5}\n",
      "- joint: {body: b, at: [0, 0.1, 0], type: hinge, axis: [0, 0, -1], range: [-1.5, 0]}\n",
      "- joint: {body: b, type: hinge, edge: -x, range: [0, 1.5]}\n",
      "- joint: {body: b, type: fixed}\n",
      "- handle: {body: b}\n",
      "- handle: {body: b, at: [0, -0.5, 0.52]}\n",
      "- stand: {robot: 1, at: [0, 0.7, 0.9], yaw: -1.5708}\n",
      "- reset: {body: b, in: D0, joint: [0, 0.02]}\n",
      "- reset: {body: b, x: [-0.1, 0.1], y: [0, 0.2], z: 0.8, yaw: [-0.5, 0.5], radius: 0.1}\n",
  };
  (void)state;

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    loomEditScript read, again;
    loomError err = {0};
    char* text = NULL;
    if (loom_edit_script_read(&read, "row", rows[r], &err)) fail_msg("%s%s", rows[r], err.message);
    assert_int_equal(loom_edit_command_text(&text, &read.command[0], &err), 0);
    assert_string_equal(text, rows[r]);
    if (loom_edit_script_read(&again, "again", text, &err)) fail_msg("%s", err.message);
    assert_memory_equal(&read.command[0], &again.command[0], sizeof read.command[0]);
    free(text);
    loom_edit_script_destroy(&read);
    loom_edit_script_destroy(&again);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_are_taken),        cmocka_unit_test(it_is_what_the_script_makes),
      cmocka_unit_test(a_draft_writes_nothing), cmocka_unit_test(other_changes_are_kept),
      cmocka_unit_test(commands_are_written),   cmocka_unit_test(what_is_no_twin_is_named),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
