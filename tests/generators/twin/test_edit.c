// A twin of a chest, out of which a script makes a drawer; and scripts that are wrong.
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/scene/library.h"
#include "generators/twin/check.h"
#include "generators/twin/edit.h"
#include "generators/twin/sight.h"
#include "tests/generators/twin/chest.h"

static int edit(loomTwinEdited* out, const char* where, const char* text, loomError* err) {
  loomAssetRoots none = {0};
  loomTwinEditDef def = loom_default_twin_edit_def();
  def.folder = where;
  def.script = script;
  def.roots = &none;
  assert_int_equal(loom_file_write_text(script, text, NULL), 0);
  return loom_twin_edit(out, &def, err);
}

static void must_edit(const char* where, const char* text) {
  loomTwinEdited edited;
  loomError err = {0};
  if (edit(&edited, where, text, &err)) fail_msg("%s", err.message);
  loom_twin_edited_destroy(&edited);
}

static void is_a_task(loomTwinCheck* check, const char* where) {
  loomScene* scene = NULL;
  loomError err = {0};
  if (loom_scene_open(&scene, where, NULL, &err)) fail_msg("%s", err.message);
  if (check && loom_twin_check(check, scene, NULL, &err)) fail_msg("%s", err.message);
  loom_scene_destroy(scene);
}

// Of all that lies in a folder, whatever order it is listed in; names too.
static uint64_t digest_folder(const char* where) {
  static const char* const parts[] = {"", "/meshes", "/textures"};
  uint64_t sum = 0;

  for (int i = 0; i < 3; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s%s", where, parts[i]);
    DIR* d = opendir(path);
    for (struct dirent* entry; d && (entry = readdir(d));) {
      char file[1024], *text = NULL;
      size_t n = 0;
      snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
      if (!loom_is_file(file)) continue;
      assert_int_equal(loom_read_text(&text, &n, file, 1 << 24, NULL), 0);
      sum += loom_hash(loom_hash(LOOM_HASH_SEED, text, n), entry->d_name, strlen(entry->d_name));
      free(text);
    }
    if (d) closedir(d);
  }

  return sum;
}

static bool file_says(const char* where, const char* name, const char* what) {
  char path[200], *text = NULL;
  snprintf(path, sizeof path, "%s/%s", where, name);
  assert_int_equal(loom_read_text(&text, NULL, path, 1 << 24, NULL), 0);
  bool found = strstr(text, what);
  free(text);
  return found;
}

#define DRAWER                                                                               \
  "- cut: {body: chest, low: [-0.06, -0.2, 0.05], high: [0.06, 0.06, 0.15], into: drawer}\n" \
  "- joint: {body: drawer, type: slide, range: [0, 0.1], damping: 4, friction: 1}\n"         \
  "- cavity: {body: chest, part: drawer, clearance: 0.003}\n"

static const loomTwinEditedBody* body_of(const loomTwinEdited* edited, const char* name) {
  for (int i = 0; i < edited->n; i++)
    if (!strcmp(edited->body[i].name, name)) return &edited->body[i];
  fail_msg("no body %s", name);
  return NULL;
}

static void a_drawer_is_cut_out(void** state) {
  loomTwinEdited edited;
  loomTwinCheck check;
  loomError err = {0};
  (void)state;
  make_chest(dir);

  if (edit(&edited, dir, DRAWER "- handle: {body: drawer}\n- reset: {body: drawer, joint: [0, 0.02]}\n",
           &err))
    fail_msg("%s", err.message);

  // What lies in the box, and what the cavity leaves of the rest: 3 mm more on each side, and 3 beyond the
  // end.
  const loomTwinEditedBody *whole = body_of(&edited, "chest"), *drawer = body_of(&edited, "drawer");
  assert_int_equal(edited.commands, 5);
  assert_near(drawer->volume, 0.12 * 0.16 * 0.1, 1e-7);
  assert_near(whole->volume, 0.2 * 0.2 * 0.2 - 0.126 * 0.163 * 0.106, 1e-7);
  assert_near(drawer->mass, 400 * drawer->volume, 1e-4);
  assert_near(whole->mass, 400 * whole->volume, 1e-4);
  assert_int_equal(drawer->pieces, 1);
  assert_int_equal(whole->pieces, whole->primitives);

  // The wall that is left, and the way it slides: out of its open side.
  assert_int_equal(edited.nwall, 1);
  const double wall[6] = {0.037, 0.037, 0, 0.037, 0.047, 0.047};
  for (int s = 0; s < 6; s++) assert_near(edited.wall[0].thickness[s], wall[s], 1e-4);
  assert_near(edited.wall[0].open[2], 1, 0);
  if (!edited.notes.n || !strstr(edited.notes.name[0], "drawer slides along [0, -1, 0]"))
    fail_msg("%s", edited.notes.n ? edited.notes.name[0] : "no note");
  loom_twin_edited_destroy(&edited);

  is_a_task(&check, dir);

  assert_true(check.ok);
  assert_int_equal(check.nmoved, 1);
  assert_string_equal(check.moved[0].name, "drawer_joint");
  assert_true(check.moved[0].opens && check.moved[0].closes && check.moved[0].still);
  assert_true(check.moved[0].high > 0.097 && check.moved[0].low < 0.003);
  loom_twin_check_destroy(&check);
  assert_true(file_says(dir, "task.yaml", "  drawer: {body: drawer}\n"));
  assert_true(file_says(dir, "task.yaml", "    drawer: {joint: [0, 0.02]}\n"));

  // What is drawn of the drawer is of the chest's material.
  assert_true(file_says(dir, "scene.xml",
                        "<geom name=\"drawer_look0\" class=\"look\" type=\"mesh\" "
                        "mesh=\"drawer_e1_look0\" material=\"chest_look0\"/>"));
}

// Without a cavity a drawer that goes back into the wall is in it, and does not come there.
static void what_jams_is_told(void** state) {
  loomTwinCheck check;
  (void)state;
  make_chest(dir);

  must_edit(dir,
            "- cut: {body: chest, low: [-0.06, -0.2, 0.05], high: [0.06, 0.06, 0.15], into: drawer}\n"
            "- joint: {body: drawer, type: slide, axis: [0, 1, 0], range: [-0.05, 0.03]}\n");
  is_a_task(&check, dir);

  assert_false(check.ok);
  assert_false(check.moved[0].opens);
  assert_true(check.moved[0].closes);
  loom_twin_check_destroy(&check);
}

static void a_door_is_hung(void** state) {
  loomTwinEdited edited;
  loomTwinCheck check;
  loomError err = {0};
  (void)state;
  make_chest(dir);

  if (edit(&edited, dir,
           "- cut: {body: chest, point: [0, -0.08, 0], normal: [0, -2, 0], into: door}\n"
           "- handle: {body: door, at: [0.09, -0.1, 0.1]}\n"
           "- joint: {body: door, type: hinge, range: [-pi/2, 0], now: -0.0}\n",
           &err))
    fail_msg("%s", err.message);
  assert_true(
      strstr(edited.notes.name[edited.notes.n - 1], "turns about [-0.1, -0.08, 0.1], along [0, 0, -1]"));
  loom_twin_edited_destroy(&edited);
  must_edit(
      dir, "- joint: {body: door, type: hinge, axis: [0, 0, -1], at: [-0.1, -0.1, 0.1], range: [0, pi/2]}\n");
  is_a_task(&check, dir);

  assert_true(check.moved[0].turns && check.moved[0].opens && check.moved[0].closes);
  if (!check.ok)
    fail_msg("%g %g deep, still %d, %g s, gain %g", check.deepest, check.moved[0].deepest,
             check.moved[0].still, check.rest_seconds, check.energy_gain);
  loom_twin_check_destroy(&check);

  // Its joint's zero may be elsewhere than where the scan has it.
  must_edit(dir,
            "- joint: {body: door, type: hinge, axis: [0, 0, -1], at: [-0.1, -0.1, 0.1], range: [0.5, 2], "
            "now: 0.5}\n- reset: {body: door, in: D0, joint: [0.6, 0.7]}\n");
  loomScene* scene = NULL;
  assert_int_equal(loom_scene_open(&scene, dir, NULL, &err), 0);
  int o = loom_task_find_object(scene->task, "door");
  assert_near(scene->model->qpos0[scene->object_qpos[o]], 0.5, 1e-12);
  loom_scene_destroy(scene);
}

// What hangs on its joint's friction does not creep down.
static void friction_holds(void** state) {
  loomTwinCheck check;
  (void)state;
  make_chest(dir);

  must_edit(dir,
            "- cut: {body: chest, point: [0, 0, 0.19], normal: [0, 0, 1], into: lid}\n"
            "- joint: {body: lid, type: slide, range: [0, 0.05], friction: 5}\n"
            "- reset: {body: lid, joint: [0.04, 0.04]}\n");
  is_a_task(&check, dir);

  assert_true(check.ok && check.moved[0].still);
  assert_true(check.rest_seconds < 0.5);
  loom_twin_check_destroy(&check);
}

// How a body rubs stays with its pieces and with what is cut off it, whatever is said first.
static void pieces_keep_how_they_rub(void** state) {
  static const char rub[] = "- rub: {body: chest, friction: [0.37, 0.02, 0.001]}\n";
  static const char cut[] = "- cut: {body: chest, point: [0, 0, 0.19], normal: [0, 0, 1], into: lid}\n";
  const struct {
    bool before, first, last;  // in a script of its own; before the cut; after it
    bool lid;                  // has it too
  } rows[] = {{true, false, false, true}, {false, true, false, true}, {false, false, true, false}};
  (void)state;

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    char text[512];
    loomScene* scene = NULL;
    loomError err = {0};
    make_chest(dir);
    if (rows[r].before) must_edit(dir, rub);
    snprintf(text, sizeof text, "%s%s%s", rows[r].first ? rub : "", cut, rows[r].last ? rub : "");
    must_edit(dir, text);

    if (loom_scene_open(&scene, dir, NULL, &err)) fail_msg("%s", err.message);
    const mjModel* m = scene->model;
    int seen[2] = {0};
    for (int g = 0; g < m->ngeom; g++) {
      bool lid = !strcmp(m->names + m->name_bodyadr[m->geom_bodyid[g]], "lid");
      if (!m->geom_contype[g] || (!lid && strcmp(m->names + m->name_bodyadr[m->geom_bodyid[g]], "chest")))
        continue;
      seen[lid]++;
      assert_near(m->geom_friction[3 * g], !lid || rows[r].lid ? 0.37 : 1, 1e-12);
    }
    assert_true(seen[0] && seen[1]);
    loom_scene_destroy(scene);
  }
}

// A text in one of its files becomes another.
static void change(const char* name, const char* from, const char* to) {
  char path[200], *text = NULL;
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(loom_read_text(&text, &n, path, 1 << 24, NULL), 0);
  char *at = strstr(text, from), *more = malloc(n + strlen(to) + 1);
  assert_true(at && more);
  sprintf(more, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  assert_int_equal(loom_file_write_text(path, more, NULL), 0);
  free(text);
  free(more);
}

// One command after the other, each a script of its own: the folder is a task after each.
static void the_folder_is_a_task_after_each(void** state) {
  static const char* const commands[] = {
      "- place: {body: chest, at: [0.3, 0.02, 0.801]}\n",
      "- turn: {body: chest, yaw: pi/2}\n",
      "- scale: {body: chest, by: 0.9}\n",
      "- cut: {body: chest, low: [-0.05, -0.2, 0.05], high: [0.05, 0.05, 0.13], into: drawer}\n",
      "- panel: {body: drawer, side: -z, thickness: 0.003}\n",
      "- joint: {body: drawer, type: slide, axis: [0, -1, 0], range: [0, 0.05]}\n",
      "- cavity: {body: chest, low: [-0.055, -0.2, 0.045], high: [0.055, 0.055, 0.135]}\n",
      "- handle: {body: drawer}\n",
      "- weigh: {body: drawer, mass: 0.3}\n",
      "- reset: {body: drawer, in: D1, joint: [0, 0.01]}\n",
      "- scale: {body: chest, by: 1.1}\n",
      "- reset: {body: chest, x: [0.2, 0.3], y: [0, 0], z: 0.801, yaw: [0, 0.1]}\n",
      "- cut: {body: chest, point: [0, 0, 0.19], normal: [0, 0, 1], into: lid}\n- remove: {body: lid}\n",
      "- joint: {body: drawer, type: fixed}\n",
      "- joint: {body: drawer, type: slide, axis: [0, -1, 0], range: [0, 0.05]}\n",
      "- joint: {body: chest, type: fixed}\n",
      "- stand: {robot: 1, at: [0.1, 0.7, 0.912], yaw: -pi/2}\n",
  };
  (void)state;
  make_chest(dir);
  change("task.yaml", "height: {of: chest", "height: {of: {eef: 0}");

  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    must_edit(dir, commands[i]);
    is_a_task(NULL, dir);
  }

  // The chest is fixed to the world now, and the drawer touches it, and still moves.
  loomTwinCheck check;
  is_a_task(&check, dir);
  const loomTwinMoved* m = &check.moved[0];
  if (!check.ok || check.nmoved != 1 || m->low > 0.002 || m->high < 0.048)
    fail_msg("%d moved, %g to %g, %g deep, at rest after %g s, fell by %g", check.nmoved, m->low, m->high,
             m->deepest, check.rest_seconds, check.fell[0].fall);
  loom_twin_check_destroy(&check);
  assert_false(file_says(dir, "task.yaml", "    chest: {"));
}

static void what_is_wrong_is_named(void** state) {
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "script.yaml"},
      {"cut: {}\n", "expected a list of commands"},
      {"- cat: {body: chest}\n", "script.yaml:1: key 'cat': no such command; there are place"},
      {"- cut\n", "expected one command with its keys"},
      {"- cut: {body: chest, into: a}\n", ":1: key 'cut': give either a box (low, high) or a plane"},
      {"\n\n- cut: {body: chest, low: [0, 0, 0], into: a}\n",
       ":3: key 'high': missing: low and high go together"},
      {"- cut: {body: chest, low: [0, 0, 0], high: [0, 1, 1], into: a}\n", "larger than those of low"},
      {"- cut: {body: chest, point: [0, 0, 0], normal: [0, 0, 0], into: a}\n", "it has no length"},
      {"- cut: {body: chest, point: [0, 0, .nan], normal: [0, 0, 1], into: a}\n", "key 'point'"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1]}\n",
       "key 'into': missing, as in `- cut: {"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1], into: a/b}\n", "a name of letters"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1], into: chest}\n",
       ":1: cut: there is a body 'chest'"},
      {"- cut: {body: chest, point: [0, 0, 2], normal: [0, 0, 1], into: a}\n",
       ":1: cut: nothing of 'chest' lies there"},
      {"- cut: {body: chest, point: [0, 0, -1], normal: [0, 0, 1], into: a}\n", "all of 'chest' lies there"},
      {"- cut: {body: cheese, point: [0, 0, 0], normal: [0, 0, 1], into: a}\n",
       "no body 'cheese', but table, chest"},
      {"- cut: {body: table, point: [0, 0, 0], normal: [0, 0, 1], into: a}\n",
       "'table' is no object of a scan"},
      {"- place: {body: chest, at: [0, 0]}\n", "key 'at'"},
      {"- camera: {name: a, size: [640, 480], points: [[1, 2, 0, 0, 0]]}\n",
       "expected a list of 4 to 32 points"},
      {"- camera: {name: a, size: [640, 480], points: [[1, 2, 0, 0], 1, 2, 3]}\n",
       "expected [across, down, x, y, z]"},
      {"- camera: {name: a, size: [640, 480], points: [[9, 9, 0, 0, 0], [8, 8, 0.1, 0, 0], [7, 7, 0.2, 0, "
       "0], [6, 6, 0.3, 0, "
       "0]]}\n",
       ":1: camera: its points tell too little"},
      {"- camera: {size: [640, 480], points: []}\n", "key 'points'"},
      {"- stand: {robot: 3, at: [0, 0, 1], yaw: 0}\n", ":1: stand: there is no robot 3: the task places 2"},
      {"- stand: {robot: 0, at: [0, 0, 1]}\n", "key 'yaw': missing"},
      {"- place: {body: chest, at: [0, 0, 1000]}\n", "numbers from -100 to 100"},
      {"- place: {body: chest, to: [0, 0, 1]}\n", "key 'to': `place` has no such key, as in `- place: {"},
      {"- joint: {body: chest, type: slide, range: [0, 1]}\n", ":1: joint: 'chest' stands by itself"},
      {"- joint: {body: chest, type: hook, range: [0, 1]}\n", "expected fixed, slide or hinge"},
      {"- joint: {body: chest, type: slide}\n", "key 'range': missing: both ends"},
      {"- joint: {body: chest, type: slide, range: [0, 1], now: 2}\n", "`now` (2) lies between its ends"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1], into: a}\n- joint: {body: a, type: "
       "hinge, range: [0, 1]}\n",
       ":2: joint: where 'a' turns is not known: give its edge"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1], into: a}\n- joint: {body: a, type: "
       "hinge, axis: [1, 0, 0], range: [0, 1]}\n",
       "needs a point on it: at"},
      {"- cut: {body: chest, point: [0, 0, 0.1], normal: [0, 0, 1], into: a}\n- place: {body: a, at: [0, 0, "
       "1]}\n",
       ":2: place: 'a' is a part"},
      {"- cavity: {body: chest, part: chest}\n", "has no joint that it slides on"},
      {"- cavity: {body: chest, low: [1, 1, 1], high: [2, 2, 2]}\n", "nothing of 'chest' lies there"},
      {"- cavity: {body: chest, low: [-1, -1, -1], high: [2, 2, 2]}\n",
       "the cavity leaves nothing of 'chest'"},
      {"- panel: {body: chest}\n", "give either a box (low, high) or a side"},
      {"- remove: {body: chest}\n", ":1: remove: 'chest' was not cut off in this script"},
      {"- reset: {body: chest, joint: [0, 1]}\n", ":1: reset: 'chest' has no joint"},
      {"- reset: {body: chest, x: [0, 1], y: [0, 1]}\n", "key 'z': missing"},
      {"- reset: {body: chest, x: [1, 0], y: [0, 1], z: 1}\n", "its lower end comes first"},
      {"- reset: {body: chest, in: D7, x: [0, 1], y: [0, 1], z: 1}\n", "no reset distribution 'D7'"},
      {"- handle: {body: chest}\n", ":1: handle: say where"},
      {"- place: {body: chest, at: [0, 0, 1]}\n- handle: {body: chest, at: [0, 0, x]}\n",
       "script.yaml:2: key 'at'"},
      {"- task: {about: cleared}\n", ":1: key 'task': write its keys a line each below it"},
      {"- task:\n", "write its keys a line each below it"},
      {"- task: {}\n", "write its keys a line each below it"},
      {"- task:\n    about: cleared\n    success_hulf: 3\n",
       "script.yaml:3: key 'success_hulf': unknown; did you mean 'success_hold'?"},
      {"- task:\n    about: cleared\n\n    # When it is done.\n    success:\n      all:\n        - fed\n",
       "script.yaml:7: no condition is named 'fed'"},
      {"- task:\n    robots: [panda]\n", "what it makes is no task"},
  };
  (void)state;
  make_chest(dir);
  uint64_t before = digest_folder(dir);

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomTwinEdited edited;
    loomError err = {0};
    int code = edit(&edited, dir, rows[i].text, &err);
    if (!code || !strstr(err.message, rows[i].says))
      fail_msg("%s -> %d: %s", rows[i].text, code, err.message);
    if (digest_folder(dir) != before) fail_msg("%s has changed the folder", rows[i].text);
  }

  // Nor does what it has cut and written stay where that is no task: what is fixed never comes to its
  // height.
  loomTwinEdited edited;
  loomError err = {0};
  assert_int_equal(edit(&edited, dir, DRAWER "- joint: {body: chest, type: fixed}\n", &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "what it makes is no task"));
  assert_true(digest_folder(dir) == before);
}

// Cameras of their hands.
static int cameras_of_robots(const mjModel* m) {
  int n = 0;
  for (int i = 0; i < (int)m->ncam; i++) n += m->cam_bodyid[i] != 0;
  return n;
}

static void the_same_twice(void** state) {
  (void)state;
  make_chest(dir);

  must_edit(dir, DRAWER "- handle: {body: drawer}\n");
  uint64_t first = digest_folder(dir);
  make_chest(dir);

  must_edit(dir, DRAWER "- handle: {body: drawer}\n");
  assert_true(digest_folder(dir) == first);
}

// Keys take the place of what was there, with the comment that asks for them; what is not named stays.
static void a_task_is_filled_in(void** state) {
  static const char script_text[] =
      "- task:\n"
      "    about: A chest is lifted.   # by one arm\n"
      "    conditions:\n"
      "      up: {height: {of: chest, above: 0.85}}\n"
      "\n"
      "    # Done for a second.\n"
      "    success: up\n"
      "    success_hold: 20\n"
      "- weigh: {body: chest, mass: 0.7}\n";
  static const char* const there[] = {"\nabout: A chest is lifted.   # by one arm\n",
                                      "\nconditions:\n  up: {height: {of: chest, above: 0.85}}\n",
                                      "\nsuccess: up\nsuccess_hold: 20\nmax_steps: 600\n",
                                      "# FILL IN how it is done", "robots: [panda, panda]\n"};
  static const char* const gone[] = {"FILL IN what is to be done", "FILL IN when it is done", "success: {"};
  (void)state;
  make_chest(dir);

  // Once more it is the same.
  for (int turn = 0; turn < 2; turn++) {
    must_edit(dir, script_text);
    is_a_task(NULL, dir);
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
      if (!file_says(dir, "task.yaml", there[i])) fail_msg("turn %d: no '%s'", turn, there[i]);
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
      if (file_says(dir, "task.yaml", gone[i])) fail_msg("turn %d: still '%s'", turn, gone[i]);
  }
}

// One that is there moves to where it sees these points so, and one more comes.
static void a_camera_sees_known_points(void** state) {
  static const double points[][3] = {{-0.3, -0.3, 0.8}, {0.3, -0.3, 0.8}, {0.3, 0.3, 0.8},
                                     {-0.3, 0.3, 0.8},  {0.1, 0.1, 1},    {-0.1, 0, 0.95}};
  const loomSight is = {.pos = {0.9, -0.8, 1.5}, .quat = {0.8306, 0.4235, 0.1647, 0.3225}, .fovy = 48};
  loomSight unit = is;
  char text[2048], *at = text;
  (void)state;
  mju_normalize4(unit.quat);
  make_chest(dir);

  for (int turn = 0; turn < 2; turn++) {
    const char* name = turn ? "extra" : "front";
    at = text +
         sprintf(text, "- camera: {name: %s, size: [640, 480]%s, points: [", name, turn ? ", fovy: 48" : "");
    for (int i = 0; i < 6; i++) {
      double pixel[2];
      assert_true(loom_sight_see(pixel, &unit, points[i], 640, 480));
      at += sprintf(at, "%s[%.9f, %.9f, %g, %g, %g]", i ? ", " : "", pixel[0], pixel[1], points[i][0],
                    points[i][1], points[i][2]);
    }
    sprintf(at, "]}\n");
    must_edit(dir, text);

    loomScene* scene = NULL;
    loomError err = {0};
    if (loom_scene_open(&scene, dir, NULL, &err)) fail_msg("%s", err.message);
    int id = mj_name2id(scene->model, mjOBJ_CAMERA, name);
    assert_int_equal(scene->model->ncam, 2 + turn + cameras_of_robots(scene->model));
    assert_true(mju_dist3(scene->model->cam_pos + 3 * id, is.pos) < 1e-6);
    assert_true(fabs(mju_dot(scene->model->cam_quat + 4 * id, unit.quat, 4)) > 1 - 1e-9);
    assert_true(fabs(scene->model->cam_fovy[id] - 48) < 1e-4);
    loom_scene_destroy(scene);
  }
}

// What its owner has written stays: comments, and lines of the task.
static void what_others_wrote_stays(void** state) {
  (void)state;
  make_chest(dir);
  change("scene.xml", "<worldbody>", "<!-- mine -->\n<worldbody>");
  must_edit(dir, "- place: {body: chest, at: [0.2, 0.02, 0.801]}\n");
  assert_true(file_says(dir, "scene.xml", "<!-- mine -->"));
  assert_true(file_says(dir, "task.yaml", "about: FILL IN what is to be done, in one sentence.\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_drawer_is_cut_out),
      cmocka_unit_test(what_jams_is_told),
      cmocka_unit_test(a_door_is_hung),
      cmocka_unit_test(friction_holds),
      cmocka_unit_test(pieces_keep_how_they_rub),
      cmocka_unit_test(the_folder_is_a_task_after_each),
      cmocka_unit_test(what_is_wrong_is_named),
      cmocka_unit_test(the_same_twice),
      cmocka_unit_test(a_task_is_filled_in),
      cmocka_unit_test(what_others_wrote_stays),
      cmocka_unit_test(a_camera_sees_known_points),
  };

  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
