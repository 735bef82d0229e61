// Bodies that robots' files call apart: no positions of the joints between them bring them together, which is
// proved and not only sampled, so that leaving their contacts out changes no state.
#include "tests/scene_fixture.h"

#include <math.h>

#include "engine/base/random.h"

enum { MOST_JOINTS = 4, MOST_BOXES = 30000 };

static const double beyond = 0.1;   // rad past a joint's limits, which are soft
static const double margin = 1e-4;  // m between the bodies, far above what the distance rounds by

static const char* const files[] = {"scenes/threading/task.yaml", "scenes/tray/task.yaml",
                                    "scenes/pouring/task.yaml"};

// Opened by name, so that models compiled before are at hand.
static void open_scene(loomTask** task, loomScene** scene, const loomAssetRoots* roots, const char* file) {
  loomError err = {0, ""};
  must(loom_task_load(task, file, "scenes/robots", &err), &err);
  must(loom_scene_of_task(scene, *task, roots, &err), &err);
}

// Two bodies and the joints between them.
typedef struct proof {
  const mjModel* m;
  mjData* d;
  int body[2], n, joint[MOST_JOINTS], boxes;
  double reach[MOST_JOINTS];  // m or m/rad: no point of body[1] moves further with this joint
} proof;

// Distance of the two bodies' geoms (m), no more than `most`.
static double distance(const proof* p, double most) {
  const mjModel* m = p->m;
  const int *adr = m->body_geomadr, *num = m->body_geomnum, a = p->body[0], b = p->body[1];
  for (int i = adr[a]; i < adr[a] + num[a]; i++)
    for (int j = adr[b]; j < adr[b] + num[b]; j++)
      most = fmin(most, mj_geomDistance(m, p->d, i, j, most, NULL));
  return most;
}

// Apart in the whole box of joint positions, mid +- half: they are further apart in its middle than any point
// of it can bring them closer, or are apart in both halves.
static bool is_apart(proof* p, const double* mid, const double* half) {
  double most = margin, m2[MOST_JOINTS], h2[MOST_JOINTS];
  int widest = 0;
  for (int k = 0; k < p->n; k++) {
    p->d->qpos[p->m->jnt_qposadr[p->joint[k]]] = mid[k];
    most += p->reach[k] * half[k];
    if (p->reach[k] * half[k] > p->reach[widest] * half[widest]) widest = k;
    m2[k] = mid[k];
    h2[k] = half[k];
  }

  mj_kinematics(p->m, p->d);
  double away = distance(p, 2 * most);
  if (away > most) return true;
  if (away <= margin || p->boxes++ > MOST_BOXES) return false;

  h2[widest] /= 2;
  m2[widest] = mid[widest] - h2[widest];
  if (!is_apart(p, m2, h2)) return false;
  m2[widest] = mid[widest] + h2[widest];
  return is_apart(p, m2, h2);
}

// The joints between a body and one further out, from there inwards; false where it is not further out.
static bool find_joints(proof* p, int inner, int outer) {
  const mjModel* m = p->m;
  p->body[0] = inner;
  p->body[1] = outer;
  p->n = 0;

  int at = outer;
  for (; at && m->body_weldid[at] != m->body_weldid[inner]; at = m->body_parentid[at]) {
    for (int k = m->body_jntnum[at] - 1; k >= 0; k--) {
      assert_true(p->n < MOST_JOINTS);
      p->joint[p->n++] = m->body_jntadr[at] + k;
    }
  }
  return p->n && m->body_weldid[at] == m->body_weldid[inner];
}

// How far each joint moves the outer body: from its axis by way of the joints further out, whose distances
// stay, to the far side of the geoms.
static void measure_reach(proof* p) {
  const mjModel* m = p->m;
  double far = 0;
  mj_resetData(m, p->d);
  mj_kinematics(m, p->d);

  for (int g = 0; g < m->body_geomnum[p->body[1]]; g++) {
    int geom = m->body_geomadr[p->body[1]] + g;
    double away = mju_dist3(p->d->xanchor + 3 * p->joint[0], p->d->geom_xpos + 3 * geom);
    far = fmax(far, away + m->geom_rbound[geom]);
  }

  for (int k = 0; k < p->n; k++) {
    int joint = p->joint[k];
    bool turns = m->jnt_type[joint] == mjJNT_HINGE;
    assert_true(turns || m->jnt_type[joint] == mjJNT_SLIDE);
    assert_true(m->jnt_limited[joint]);

    if (k) far += mju_dist3(p->d->xanchor + 3 * joint, p->d->xanchor + 3 * p->joint[k - 1]);
    p->reach[k] = turns ? far : 1;
    if (!turns) far += m->jnt_range[2 * joint + 1] - m->jnt_range[2 * joint];
  }
}

static void limits(double* low, double* high, const proof* p, int k) {
  const double* range = p->m->jnt_range + 2 * p->joint[k];
  double more = p->m->jnt_type[p->joint[k]] == mjJNT_HINGE ? beyond : 0.005;
  *low = range[0] - more;
  *high = range[1] + more;
}

static void must_be_apart(const loomScene* scene, mjData* d, loomName pair[2], loomRandom* random) {
  const mjModel* m = scene->model;
  proof p = {.m = m, .d = d};
  double mid[MOST_JOINTS], half[MOST_JOINTS], low, high;
  int a = mj_name2id(m, mjOBJ_BODY, pair[0]), b = mj_name2id(m, mjOBJ_BODY, pair[1]);
  if (a < 0 || b < 0) fail_msg("no %s or %s", pair[0], pair[1]);
  assert_true(m->body_geomnum[a] && m->body_geomnum[b]);
  if (!find_joints(&p, a, b) && !find_joints(&p, b, a))
    fail_msg("%s and %s: no joints between", pair[0], pair[1]);

  // Proved,
  measure_reach(&p);
  for (int k = 0; k < p.n; k++) {
    limits(&low, &high, &p, k);
    mid[k] = (low + high) / 2;
    half[k] = (high - low) / 2;
  }
  if (!is_apart(&p, mid, half))
    fail_msg("%s and %s may meet, or %d boxes are too few", pair[0], pair[1], MOST_BOXES);

  // and, without any of the above, sampled.
  for (int i = 0; i < 200; i++) {
    for (int k = 0; k < p.n; k++) {
      limits(&low, &high, &p, k);
      d->qpos[m->jnt_qposadr[p.joint[k]]] = loom_random_range(random, low, high);
    }
    mj_kinematics(m, d);
    if (distance(&p, 1) <= margin) fail_msg("%s and %s meet", pair[0], pair[1]);
  }
}

static void no_joint_positions_bring_them_together(void** state) {
  loomRandom random = loom_random(7, 0, LOOM_PURPOSE_RESET);
  size_t n = getenv("LOOM_QUICK") ? 1 : sizeof files / sizeof *files;
  for (size_t f = 0; f < n; f++) {
    loomTask* task;
    loomScene* scene;
    open_scene(&task, &scene, *state, files[f]);
    mjData* d = mj_makeData(scene->model);
    assert_true(scene->model->nexclude > 0);

    for (int a = 0; a < task->arm_count; a++) {
      assert_true(task->robots[a].apart_count > 0);
      for (int i = 0; i < task->robots[a].apart_count; i++)
        must_be_apart(scene, d, task->robots[a].apart[i], &random);
    }

    mj_deleteData(d);
    loom_scene_destroy(scene);
    loom_task_destroy(task);
  }
}

// The proof finds what is wrong: a link and the hand that it can touch.
static void bodies_that_may_meet_are_not_apart(void** state) {
  loomTask* task;
  loomScene* scene;
  open_scene(&task, &scene, *state, files[0]);
  mjData* d = mj_makeData(scene->model);
  proof p = {.m = scene->model, .d = d};
  double mid[MOST_JOINTS], half[MOST_JOINTS], low, high;

  assert_true(find_joints(&p, mj_name2id(p.m, mjOBJ_BODY, "robot0_link5"),
                          mj_name2id(p.m, mjOBJ_BODY, "gripper0_right_gripper")));
  measure_reach(&p);
  for (int k = 0; k < p.n; k++) {
    limits(&low, &high, &p, k);
    mid[k] = (low + high) / 2;
    half[k] = (high - low) / 2;
  }
  assert_false(is_apart(&p, mid, half));

  mj_deleteData(d);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
}

// A robot's file that calls bodies apart which touch is refused when a scene is opened.
static void bodies_that_touch_are_told(void** state) {
  static const struct {
    const char *inner, *outer, *says;
  } wrong[] = {{"gripper0_leftfinger", "gripper0_finger_joint1_tip", "they touch at"},
               {"robot0_link5", "gripper0_right_gripper", "they touch at"},
               {"needle", "robot0_link0", "moves freely"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loomTask* task;
    loomScene* scene;
    loomError err = {0, ""};
    must(loom_task_load(&task, files[0], "scenes/robots", &err), &err);
    loomName* pair = task->robots[0].apart[0];
    strcpy(pair[0], wrong[i].inner);
    strcpy(pair[1], wrong[i].outer);

    assert_int_equal(loom_scene_of_task(&scene, task, *state, &err), LOOM_ERR_FORMAT);
    if (!strstr(err.message, wrong[i].says) || !strstr(err.message, "robot panda"))
      fail_msg("%s", err.message);
    loom_task_destroy(task);
  }
}

// Arms flung about until they hit what they can hit: the same states with and without.
static void states_stay_as_they_are(void** state) {
  int steps = getenv("LOOM_QUICK") ? 11 : 30;
  size_t n = getenv("LOOM_QUICK") ? 1 : sizeof files / sizeof *files;
  loomError err = {0, ""};
  for (size_t f = 0; f < n; f++) {
    loomTask* task;
    loomScene* scene[2];
    loomEpisode* e[2];
    open_scene(&task, &scene[0], *state, files[f]);
    for (int a = 0; a < task->arm_count; a++) task->robots[a].apart_count = 0;
    must(loom_scene_of_task(&scene[1], task, *state, &err), &err);
    assert_true(scene[1]->model->nexclude < scene[0]->model->nexclude);
    for (int i = 0; i < 2; i++) must(loom_episode_create(&e[i], scene[i], &err), &err);

    int contacts = 0;
    size_t bytes = sizeof(double) * (size_t)e[0]->state_dim;
    double *one = malloc(bytes), *other = malloc(bytes),
           *action = calloc((size_t)e[0]->action_dim, sizeof *action);
    for (int i = 0; i < 2; i++) must(loom_episode_reset(e[i], 0, 31, 5, &err), &err);
    loomRandom random = loom_random(31, 5, LOOM_PURPOSE_RESET);

    for (int t = 0; t < steps; t++) {
      for (int k = 0; t % 10 == 0 && k < e[0]->action_dim; k++) action[k] += loom_random_normal(&random);
      for (int i = 0; i < 2; i++) must(loom_episode_step(e[i], action, &err), &err);
      loom_episode_state(one, e[0]);
      loom_episode_state(other, e[1]);
      assert_memory_equal(one, other, bytes);
      assert_int_equal(e[0]->d->ncon, e[1]->d->ncon);
      contacts += e[0]->d->ncon;
    }
    assert_true(contacts > 0);

    free(one);
    free(other);
    free(action);
    for (int i = 0; i < 2; i++) loom_episode_destroy(e[i]);
    for (int i = 0; i < 2; i++) loom_scene_destroy(scene[i]);
    loom_task_destroy(task);
  }
}

static int open_assets(void** state) {
  static loomAssetRoots roots;
  add_assets(&roots, "robosuite-1.4.1");
  add_assets(&roots, "robosuite-1.5.2");
  *state = &roots;
  return 0;
}

static int close_assets(void** state) {
  loom_asset_roots_destroy(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_joint_positions_bring_them_together),
                                     cmocka_unit_test(bodies_that_may_meet_are_not_apart),
                                     cmocka_unit_test(bodies_that_touch_are_told),
                                     cmocka_unit_test(states_stay_as_they_are)};
  return cmocka_run_group_tests(tests, open_assets, close_assets);
}
