// Demos in Isaac Lab Mimic's layout: what is there has the shapes and the meaning that its documentation
// says, what comes back is what went, and what does not fit is refused by file and array.
#include <math.h>

#include "generators/source/isaac_model.h"
#include "generators/source/segment.h"
#include "tests/own_fixture.h"

// Other names, another world, other frames, Isaac Lab 3's quaternions.
static const char moved[] =
    "quaternion: xyzw\n"
    "actions: same\n"
    "world: {pos: [0.1, -0.2, 0.3], quat: [0.7, 0, 0, 0.7]}\n"
    "arms:\n"
    "  - {eef: left, frame: {pos: [0, 0, 0.1], quat: [0, 1, 0, 0]}, signals: {reach: grasp_1}}\n"
    "  - {eef: right, frame: {quat: [0.5, 0.5, 0.5, 0.5]}}\n"
    "objects:\n"
    "  box: {name: cube_1, frame: {pos: [0, 0, -0.02]}}\n"
    "  rod: stick\n";

// Poses alone: the hand closes by -1 at entries of its own.
static const char poses[] =
    "arms:\n"
    "  - {eef: arm0, gripper: [6], close: -1}\n"
    "  - {eef: arm1, gripper: [13]}\n";

/// A demo of theirs as it will be written, whose fields may be changed.
typedef struct theirs {
  loomReplay replay;
  loomDemo demo;
  loomDemoRecord record;
} theirs;

// Arm 0 has two subtasks, so that there is a signal.
static int open_isaac(void** state) {
  open_own(state);
  own* o = *state;
  loomSubtaskDef* s = o->task->subtasks[0];

  s[1] = s[0];
  snprintf(s[0].name, sizeof s[0].name, "reach");
  s[0].until = LOOM_UNTIL_AUTO;
  o->task->subtask_count[0] = 2;

  return 0;
}

static void make_map(loomIsaacMap* map, const own* o, const char* text, bool trees) {
  loomError err = {0, ""};
  loom_isaac_map_default(map, o->task);
  map->same_actions = true;
  if (text) must(loom_isaac_map_load(map, "map.yaml", text, o->task, &err), &err);
  if (trees) must(loom_isaac_map_trees(map, o->scene, &err), &err);
}

static void make_theirs(theirs* t, const own* o, const loomIsaacMap* map, int number) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomDataset* dataset;
  loomScene* scene = NULL;
  loomEpisode* e;
  loomNames left_out = {0, NULL};
  *t = (theirs){0};
  must(loom_dataset_open(&dataset, o->path, &err), &err);
  must(loom_source_load(&t->replay, &scene, o->task, dataset, number, &roots, NULL, &err), &err);
  must(loom_demo_load(&t->demo, dataset, number, &err), &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_isaac_write(&t->record, map, e, &t->replay, &t->demo, dataset, &left_out, &err), &err);
  loom_names_destroy(&left_out);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_dataset_close(dataset);
}

static void drop_theirs(theirs* t) {
  loom_demo_record_destroy(&t->record);
  loom_demo_destroy(&t->demo);
  loom_replay_destroy(&t->replay);
}

static const char* isaac_path(void) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/loom_isaac_%d.hdf5", (int)getpid());
  return path;
}

static loomDataset* open_theirs(const theirs* t) {
  loomError err = {0, ""};
  loomDataset* dataset;
  loomRecord record;
  must(loom_demo_record_finish(&record, &t->record, "demo_0", &err), &err);
  must(loom_shard_write(isaac_path(), &record, 1, NULL, &err), &err);
  must(loom_dataset_open_trusted(&dataset, isaac_path(), &err), &err);

  return dataset;
}

static const loomField* field_of(const loomDemoRecord* r, const char* path) {
  for (int i = 0; i < r->nfield; i++)
    if (!strcmp(r->field[i].path, path)) return &r->field[i];
  fail_msg("no %s", path);
  return NULL;
}

// Read in an episode of the demo's own model.
static int read_back(loomDemoRecord* out, loomIsaacTold* told, const own* o, const theirs* t,
                     const loomIsaacMap* map, loomError* err) {
  loomAssetRoots roots = {0};
  loomScene* scene;
  loomEpisode* e;
  loomDataset* dataset = open_theirs(t);
  loomError failed = {0, ""};
  assert_true(loom_isaac_is(dataset));
  must(loom_scene_create(&scene, o->task, t->demo.model_xml, "demo", NULL, &roots, &failed), &failed);
  must(loom_episode_create(&e, scene, &failed), &failed);
  int code = loom_isaac_read(out, told, map, e, dataset, 0, err);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_dataset_close(dataset);
  unlink(isaac_path());
  return code;
}

static double furthest(const double* a, const double* b, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(a[i] - b[i]));
  return most;
}

static double pose_gap(const loomDemoRecord* r, const char* path, const loomPose* pose, int rows, int arms,
                       int a) {
  const double* m = field_of(r, path)->data;
  double most = 0, want[16];
  for (int t = 0; t < rows; t++) {
    loom_pose_to_matrix(want, pose[t]);
    most = fmax(most, furthest(m + 16 * (size_t)(t * arms + a), want, 16));
  }
  return most;
}

// ---- there and back

static void what_comes_back_is_what_went(void** state) {
  own* o = *state;
  static const struct {
    const char *out, *in;  // mappings; NULL = names as here
    bool trees;            // joints are known
    double actions, states;
  } rows[] = {
      {NULL, NULL, true, 1e-6, 2e-6},
      {moved, moved, true, 1e-6, 2e-6},
      {NULL, poses, false, 1e-4, INFINITY},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomIsaacMap out, in;
    loomIsaacTold told;
    loomDemoRecord back = {0};
    loomError err = {0, ""};
    theirs t;

    make_map(&out, o, rows[i].out, true);
    make_map(&in, o, rows[i].in, rows[i].trees);
    make_theirs(&t, o, &out, (int)i);

    // Theirs close where the entry is negative.
    if (rows[i].in == poses) {
      float* actions = (float*)field_of(&t.record, "actions")->data;
      for (int k = 0; k < t.demo.rows; k++) actions[14 * k + 6] *= -1;
    }
    must(read_back(&back, &told, o, &t, &in, &err), &err);
    assert_true(told.by_joints == rows[i].trees && told.annotated && told.rows == t.demo.rows);
    assert_true(told.eef_error < (rows[i].trees ? 1e-5 : 2e-3) && told.object_error < 1e-5);

    // Poses, signals, actions, states.
    for (int a = 0; a < 2; a++) {
      assert_true(pose_gap(&back, "datagen_info/eef_pose", t.replay.eef[a], told.rows, 2, a) < 2e-6);
      assert_true(pose_gap(&back, "datagen_info/target_pose", t.replay.target[a], told.rows, 2, a) < 2e-6);
    }
    assert_true(pose_gap(&back, "datagen_info/object_poses/box", t.replay.object[0], told.rows, 1, 0) < 2e-6);
    assert_true(pose_gap(&back, "datagen_info/object_poses/rod", t.replay.object[1], told.rows, 1, 0) < 2e-6);
    const int64_t* signal = field_of(&back, "datagen_info/subtask_term_signals/arm0_reach")->data;
    for (int k = 0; k < told.rows; k++) assert_int_equal(signal[k], k >= t.replay.end[0][0] - 1);

    size_t n = (size_t)told.rows;
    double off = furthest(field_of(&back, "actions")->data, t.demo.actions, n * (size_t)t.demo.action_dim);
    if (!(off < rows[i].actions)) fail_msg("row %zu: actions are %g off", i, off);
    off = furthest(field_of(&back, "states")->data, t.demo.states, n * (size_t)t.demo.state_dim);
    if (!(off <= rows[i].states)) fail_msg("row %zu: states are %g off", i, off);

    loom_demo_record_destroy(&back);
    drop_theirs(&t);

    loom_isaac_map_destroy(&out);
    loom_isaac_map_destroy(&in);
  }
}

// By its signals it is cut where it was.
static void segments_end_where_they_did(void** state) {
  own* o = *state;
  loomIsaacMap map;
  loomIsaacTold told;
  loomDemoRecord back = {0};
  loomRecord record;
  loomReplay replay;
  loomScene* scene = NULL;
  loomDataset* dataset;
  loomAssetRoots roots = {0};
  loomError err = {0, ""};
  theirs t;

  make_map(&map, o, NULL, true);
  make_theirs(&t, o, &map, 1);
  must(read_back(&back, &told, o, &t, &map, &err), &err);

  char part[80];
  loom_demo_record_attr(&back, loom_attr_string("model_file", t.demo.model_xml));
  must(loom_demo_record_finish(&record, &back, "demo_0", &err), &err);
  snprintf(part, sizeof part, "%s.part", isaac_path());
  must(loom_shard_write(part, &record, 1, NULL, &err), &err);
  loomAttr annotated = loom_attr_int(LOOM_ANNOTATED, 1);
  loomAssembleDef def = loom_default_assemble_def();
  loomSource source = {part, NULL};
  def.attr = &annotated;
  def.nattr = 1;
  must(loom_dataset_assemble(isaac_path(), &source, 1, &def, &err), &err);

  must(loom_dataset_open(&dataset, isaac_path(), &err), &err);
  must(loom_source_load(&replay, &scene, o->task, dataset, 0, &roots, NULL, &err), &err);
  assert_int_equal(replay.end[0][0], t.replay.end[0][0]);
  assert_true(replay.success_end == t.replay.success_end);
  loom_replay_destroy(&replay);
  loom_scene_destroy(scene);
  loom_dataset_close(dataset);
  unlink(part);
  unlink(isaac_path());
  loom_demo_record_destroy(&back);
  drop_theirs(&t);
  loom_isaac_map_destroy(&map);
}

// ---- the layout

// What Isaac Lab's documentation says of a demo: InteractiveScene.get_state, the recorders' terms, and what
// annotate_demos adds. -1 is the demo's rows.
static void the_layout_is_theirs(void** state) {
  own* o = *state;
  static const struct {
    const char* path;
    int rank, shape[3];
    loomType type;
  } wanted[] = {
      {"actions", 2, {-1, 14}, LOOM_TYPE_F32},
      {"initial_state/articulation/robot0/root_pose", 2, {1, 7}, LOOM_TYPE_F32},
      {"initial_state/articulation/robot0/root_velocity", 2, {1, 6}, LOOM_TYPE_F32},
      {"initial_state/articulation/robot0/joint_position", 2, {1, 8}, LOOM_TYPE_F32},
      {"initial_state/articulation/robot1/joint_velocity", 2, {1, 8}, LOOM_TYPE_F32},
      {"initial_state/rigid_object/cube_1/root_pose", 2, {1, 7}, LOOM_TYPE_F32},
      {"initial_state/rigid_object/stick/root_velocity", 2, {1, 6}, LOOM_TYPE_F32},
      {"states/articulation/robot1/root_pose", 2, {-1, 7}, LOOM_TYPE_F32},
      {"states/articulation/robot1/joint_position", 2, {-1, 8}, LOOM_TYPE_F32},
      {"states/rigid_object/stick/root_pose", 2, {-1, 7}, LOOM_TYPE_F32},
      {"obs/datagen_info/eef_pose/left", 3, {-1, 4, 4}, LOOM_TYPE_F32},
      {"obs/datagen_info/target_eef_pose/right", 3, {-1, 4, 4}, LOOM_TYPE_F32},
      {"obs/datagen_info/object_pose/cube_1", 3, {-1, 4, 4}, LOOM_TYPE_F32},
      {"obs/datagen_info/subtask_term_signals/grasp_1", 1, {-1}, LOOM_TYPE_U8},
  };
  loomIsaacMap map;
  theirs t;

  make_map(&map, o, moved, true);
  make_theirs(&t, o, &map, 0);

  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    const loomField* f = field_of(&t.record, wanted[i].path);
    assert_int_equal(f->type, wanted[i].type);
    assert_int_equal(f->rank, wanted[i].rank);
    for (int d = 0; d < f->rank; d++)
      assert_int_equal(f->shape[d], wanted[i].shape[d] < 0 ? t.demo.rows : wanted[i].shape[d]);
  }

  // A subtask ends at the first row at which its signal is 1, and never begins with one.
  const unsigned char* signal = field_of(&t.record, "obs/datagen_info/subtask_term_signals/grasp_1")->data;
  assert_int_equal(signal[0], 0);
  assert_int_equal(signal[t.replay.end[0][0] - 1], 1);
  assert_int_equal(signal[t.replay.end[0][0] - 2], 0);
  drop_theirs(&t);
  loom_isaac_map_destroy(&map);
}

// Quaternions in the order that is asked for; velocities of centers of mass, as MuJoCo itself has them.
static void numbers_mean_what_they_say(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomIsaacMap map;
  theirs t;
  for (int xyzw = 0; xyzw < 2; xyzw++) {
    make_map(&map, o, NULL, true);
    map.xyzw = xyzw;
    make_theirs(&t, o, &map, 2);
    const float *pose = field_of(&t.record, "states/rigid_object/rod/root_pose")->data,
                *velocity = field_of(&t.record, "states/rigid_object/rod/root_velocity")->data;
    loomAssetRoots roots = {0};
    loomScene* scene;
    loomEpisode* e;
    must(loom_scene_create(&scene, o->task, t.demo.model_xml, "demo", NULL, &roots, &err), &err);
    must(loom_episode_create(&e, scene, &err), &err);
    int body = scene->object_body[1];
    assert_true(mju_norm3(e->m->body_ipos + 3 * body) > 1e-3);

    // Row t there is the state after action t.
    for (int k = 0; k + 1 < t.demo.rows; k += 7) {
      const double grip[LOOM_MAX_ARMS] = {0};
      double v[6];
      must(loom_episode_show(e, t.demo.states + (size_t)(k + 1) * (size_t)t.demo.state_dim, grip, &err),
           &err);
      const double *pos = e->d->xpos + 3 * body, *quat = e->d->xquat + 4 * body;
      for (int i = 0; i < 3; i++) assert_true(fabs(pose[7 * k + i] - pos[i]) < 1e-6);
      for (int i = 0; i < 4; i++)
        assert_true(fabs(pose[7 * k + 3 + i] - quat[xyzw ? (i + 1) % 4 : i]) < 1e-6);

      mj_objectVelocity(e->m, e->d, mjOBJ_BODY, body, v, 0);
      for (int i = 0; i < 3; i++) {
        assert_true(fabs(velocity[6 * k + i] - v[3 + i]) < 1e-5);
        assert_true(fabs(velocity[6 * k + 3 + i] - v[i]) < 1e-5);
      }
    }
    loom_episode_destroy(e);
    loom_scene_destroy(scene);
    drop_theirs(&t);
    loom_isaac_map_destroy(&map);
  }
}

// A root that is put there and taken back, wherever their world lies and in whatever order quaternions are.
static void roots_come_back(void** state) {
  own* o = *state;
  const mjModel* m = o->scene->model;
  loomIsaacMap map;
  isaacRoot roots[4];
  double* here = calloc((size_t)o->e->state_dim, sizeof *here);
  double* there = calloc((size_t)o->e->state_dim, sizeof *there);
  assert_true(here && there);

  for (int i = 0; i < 8; i++) {
    make_map(&map, o, moved, true);
    map.xyzw = i % 2;
    int n = isaac_free_roots(roots, 4, &map, o->scene), last = n - 1;
    assert_int_equal(n, 2);

    // Some pose and velocity of the rod, whose center of mass is not its origin.
    double *q = here + 1 + m->jnt_qposadr[roots[last].free_joint], pose[7], velocity[6];
    double* v = here + 1 + m->nq + m->jnt_dofadr[roots[last].free_joint];
    for (int k = 0; k < 3; k++) q[k] = 0.1 * k - 0.05 * i;
    loom_quat_exp(q + 3, (const double[]){0.3 * i, -0.7, 0.2 + 0.1 * i});
    for (int k = 0; k < 6; k++) v[k] = 0.5 - 0.3 * k + 0.1 * i;

    loomPose frame = {{0.01, 0.02, 0.03}, {0.5, 0.5, -0.5, 0.5}};
    isaac_put_root(pose, velocity, &map, frame, &roots[last], m, here);
    loomPose back = isaac_take_root(&map, frame, pose);
    assert_true(furthest(back.pos, q, 3) < 1e-12 && loom_quat_angle(back.quat, q + 3) < 1e-7);
    mju_copy(there, here, 1 + (int)m->nq);
    isaac_take_velocity(there, &map, &roots[last], m, velocity);
    assert_true(furthest(there + 1 + m->nq + m->jnt_dofadr[roots[last].free_joint], v, 6) < 1e-12);
    loom_isaac_map_destroy(&map);
  }
  free(here);
  free(there);
}

// ---- bad input

typedef enum damage { WHOLE, GONE, NAN_THERE, SHORTER, LARGER, ELSEWHERE } damage;

static void do_damage(loomDemoRecord* r, damage what, const char* path) {
  for (int i = 0; i < r->nfield; i++) {
    loomField* f = &r->field[i];
    if (strncmp(f->path, path, strlen(path))) continue;
    float* x = (float*)f->data;
    if (what == GONE) loom_demo_record_remove(r, i--);
    if (what == NAN_THERE) x[17] = NAN;
    if (what == SHORTER) f->shape[0]--;
    if (what == LARGER) x[0] *= 1.5F, x[5] *= 1.5F;
    for (int64_t t = 0; what == ELSEWHERE && t < f->shape[0]; t++) x[16 * t + 3] += 0.1F;
  }
}

static void what_does_not_fit_is_refused(void** state) {
  own* o = *state;
  static const char info[] = "obs/datagen_info", eef[] = "obs/datagen_info/eef_pose/arm0",
                    box[] = "obs/datagen_info/object_pose/box";
  static const struct {
    damage what;
    const char *path, *map, *says;  // map NULL: names as here
  } rows[] = {
      {GONE, info, NULL, "annotate_demos"},
      {GONE, "actions", NULL, "actions"},
      {SHORTER, "actions", NULL, eef},
      {NAN_THERE, "actions", NULL, "row 1 has a number that is not finite"},
      {GONE, eef, NULL, eef},
      {NAN_THERE, eef, NULL, "row 1 has a number that is not finite"},
      {SHORTER, eef, NULL, "expected"},
      {LARGER, eef, NULL, "row 0 is no pose"},
      {ELSEWHERE, eef, NULL, "eef_pose/arm0 at row"},
      {GONE, "obs/datagen_info/target_eef_pose/arm1", NULL, "target_eef_pose/arm1"},
      {GONE, box, NULL, box},
      {NAN_THERE, box, NULL, "not finite"},
      {WHOLE, "", "actions: same\narms: [{eef: arm0, signals: {reach: done}}, {eef: arm1}]\n",
       "subtask_term_signals/done"},
      {GONE, "obs/datagen_info/subtask_term_signals",
       "actions: same\narms: [{eef: arm0, signals: {reach: done}}, {eef: arm1}]\n",
       "subtask_term_signals/done"},
      {SHORTER, "obs/datagen_info/subtask_term_signals/arm0_reach", NULL, "expected"},
      {GONE, "initial_state", NULL, "initial_state/articulation/robot0/joint_position"},
      {SHORTER, "states/articulation/robot1/joint_velocity", NULL, "expected"},
      {NAN_THERE, "states/rigid_object/box/root_velocity", NULL, "not finite"},
      {WHOLE, "", "arms:\n  - {eef: arm0}\n  - {eef: arm1}\n", "`gripper:`"},
      {WHOLE, "", "arms:\n  - {eef: arm0, gripper: [6]}\n  - {eef: arm1, gripper: [14]}\n", "no entry 14"},
      {WHOLE, "", "actions: same\narticulations: {robot0: [x0, y0]}\n", "expected 1 rows of 2 numbers"},
      {WHOLE, "", "actions: same\narticulations: {robot0: [q, y0, z0, a0, b0, c0, left0, right0]}\n",
       "no joint 'q'"},
      {WHOLE, "", "actions: same\narticulations: {robot: [x0]}\n", "articulation/robot/joint_position"},
      {WHOLE, "", "actions: same\nworld: {pos: [0, 0, 5]}\n", "out of reach"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomIsaacMap out, in;
    loomIsaacTold told;
    loomDemoRecord back = {0};
    loomError err = {0, ""};
    theirs t;

    make_map(&out, o, NULL, true);
    make_map(&in, o, rows[i].map, !rows[i].map);
    make_theirs(&t, o, &out, 0);
    do_damage(&t.record, rows[i].what, rows[i].path);
    int code = read_back(&back, &told, o, &t, &in, &err);
    if (code != LOOM_ERR_FORMAT || !strstr(err.message, rows[i].says))
      fail_msg("row %zu: %d '%s' does not say '%s'", i, code, err.message, rows[i].says);
    assert_true(strstr(err.message, isaac_path()) || strstr(err.message, "map.yaml"));
    loom_demo_record_destroy(&back);
    drop_theirs(&t);

    loom_isaac_map_destroy(&out);
    loom_isaac_map_destroy(&in);
  }
}

static void a_mapping_is_read_whole_or_not_at_all(void** state) {
  own* o = *state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"- a\n", "expected keys"},
      {"arm: []\n", "arms"},
      {"arms: [{eef: a}]\n", "expected a list of 2"},
      {"arms: [{eef: a}, {eef: a}]\n", "arms 0 and 1 are both called 'a'"},
      {"arms: [{frame: {}}, {eef: b}]\n", "eef"},
      {"arms: [{eef: ../../etc}, {eef: b}]\n", "no name in a group"},
      {"arms: [{eef: ..}, {eef: b}]\n", "no name in a group"},
      {"arms: [{eef: ''}, {eef: b}]\n", "no name in a group"},
      {"arms: [{eef: a, gripper: [1, 2]}, {eef: b}]\n", "takes 1 numbers"},
      {"arms: [{eef: a, gripper: [-1]}, {eef: b}]\n", "0 and up"},
      {"arms: [{eef: a, gripper: [0.5]}, {eef: b}]\n", "0 and up"},
      {"arms: [{eef: a, close: 2}, {eef: b}]\n", "1 or -1"},
      {"arms: [{eef: a, signals: {grab: x}}, {eef: b}]\n", "no subtask 'grab'"},
      {"arms: [{eef: a, signals: {reach: x/y}}, {eef: b}]\n", "no name in a group"},
      {"objects: {ball: x}\n", "no object 'ball'"},
      {"objects: {box: x, rod: x}\n", "both called 'x'"},
      {"objects: {box: ../rod}\n", "no name in a group"},
      {"objects: {box: [x]}\n", "expected a name"},
      {"objects: {box: {frame: {quat: [0, 0, 0, 0]}}}\n", "no pose"},
      {"world: {pos: [.inf, 0, 0]}\n", "pos"},
      {"world: {quat: [1, 0, 0]}\n", "quat"},
      {"quaternion: zyxw\n", "wxyz or xyzw"},
      {"actions: other\n", "poses or same"},
      {"articulations: {../robot: [x0]}\n", "no name in a group"},
      {"articulations: {robot: x0}\n", "robot"},
      {"articulations: []\n", "expected {NAME"},
      {"articulations: {robot: []}\n", "expected joints"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomIsaacMap map;
    loomError err = {0, ""};
    int code = loom_isaac_map_load(&map, "map.yaml", rows[i].text, o->task, &err);
    if (code != LOOM_ERR_FORMAT || !strstr(err.message, rows[i].says) || !strstr(err.message, "map.yaml"))
      fail_msg("row %zu: %d '%s' does not say '%s'", i, code, err.message, rows[i].says);
  }
}

// Written as text and read again it is the same.
static void a_mapping_comes_back(void** state) {
  own* o = *state;
  loomIsaacMap map, again;
  loomError err = {0, ""};
  make_map(&map, o, moved, true);
  map.arm[1].gripper_count = 1;
  map.arm[1].gripper[0] = 13;
  char *text = loom_isaac_map_text(&map, o->task), *twice;
  assert_non_null(text);
  must(loom_isaac_map_load(&again, "again.yaml", text, o->task, &err), &err);
  twice = loom_isaac_map_text(&again, o->task);
  assert_string_equal(text, twice);
  assert_true(again.xyzw && again.same_actions && again.tree_count == 2 && again.tree[1].n == 8);
  assert_string_equal(again.arm[0].signal[0], "grasp_1");
  assert_string_equal(again.object[0].name, "cube_1");
  free(text);
  free(twice);
  loom_isaac_map_destroy(&map);
  loom_isaac_map_destroy(&again);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roots_come_back),
      cmocka_unit_test(what_comes_back_is_what_went),
      cmocka_unit_test(segments_end_where_they_did),
      cmocka_unit_test(the_layout_is_theirs),
      cmocka_unit_test(numbers_mean_what_they_say),
      cmocka_unit_test(what_does_not_fit_is_refused),
      cmocka_unit_test(a_mapping_is_read_whole_or_not_at_all),
      cmocka_unit_test(a_mapping_comes_back),
  };

  return cmocka_run_group_tests(tests, open_isaac, close_own);
}
