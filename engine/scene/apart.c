#include "engine/scene/apart.h"

#include "engine/base/random.h"
#include "engine/model/trap.h"

// Draws for a pair, and distances of meshes measured in all: a stranger's file may name any number of pairs.
enum { DRAWS = 12, MOST_DISTANCES = 20000 };

typedef struct search {
  const loomTask* task;
  const mjModel* m;
  mjData* d;
  int left;  // distances that may still be measured
  loomRandom random;
  loomError* err;
} search;

// Geoms of the two bodies are in each other.
static bool touch(search* s, int a, int b) {
  const mjModel* m = s->m;
  for (int i = m->body_geomadr[a]; i < m->body_geomadr[a] + m->body_geomnum[a]; i++) {
    for (int j = m->body_geomadr[b]; j < m->body_geomadr[b] + m->body_geomnum[b]; j++) {
      double between = mju_dist3(s->d->geom_xpos + 3 * i, s->d->geom_xpos + 3 * j);
      bool planes = m->geom_rbound[i] <= 0 || m->geom_rbound[j] <= 0;  // have no sphere around them
      if (s->left <= 0 || (!planes && between > m->geom_rbound[i] + m->geom_rbound[j])) continue;

      // Near enough to be looked at closely.
      s->left--;
      if (mj_geomDistance(m, s->d, i, j, 1e-6, NULL) <= 0) return true;
    }
  }
  return false;
}

// A body's joints, and those it hangs on, anywhere within their limits.
static void draw_joints(search* s, int body) {
  const mjModel* m = s->m;

  for (int at = body; at > 0; at = m->body_parentid[at]) {
    for (int k = m->body_jntadr[at]; k < m->body_jntadr[at] + m->body_jntnum[at]; k++) {
      if (m->jnt_limited[k] && m->jnt_type[k] >= mjJNT_SLIDE)
        s->d->qpos[m->jnt_qposadr[k]] =
            loom_random_range(&s->random, m->jnt_range[2 * k], m->jnt_range[2 * k + 1]);
    }
  }
}

// Free bodies go wherever they like.
static bool is_free(const mjModel* m, int body) {
  for (int at = body; at > 0; at = m->body_parentid[at])
    if (m->body_jntnum[at] && m->jnt_type[m->body_jntadr[at]] == mjJNT_FREE) return true;
  return false;
}

static void start_joints(search* s, const loomRobotDef* robot) {
  for (int i = 0; i < robot->arm.count; i++) {
    int joint = mj_name2id(s->m, mjOBJ_JOINT, robot->arm.joints[i]);
    if (joint >= 0) s->d->qpos[s->m->jnt_qposadr[joint]] = robot->arm.init_qpos[i];
  }
}

static int check_pair(search* s, const loomRobotDef* robot, loomName pair[2]) {
  int a = mj_name2id(s->m, mjOBJ_BODY, pair[0]), b = mj_name2id(s->m, mjOBJ_BODY, pair[1]);
  if (a < 0 || b < 0) return 0;
  bool free = s->m->body_rootid[a] != s->m->body_rootid[b] && (is_free(s->m, a) || is_free(s->m, b));
  const char* why = free ? "one of them moves freely" : NULL;

  // As the model is, as the robot begins, and wherever its joints may be.
  mj_resetData(s->m, s->d);
  for (int i = 0; !why && i < DRAWS + 2; i++) {
    if (i == 1) start_joints(s, robot);
    if (i > 1) draw_joints(s, a);
    if (i > 1) draw_joints(s, b);
    mj_kinematics(s->m, s->d);
    if (touch(s, a, b))
      why =
          i ? "they touch at joint positions within limits" : "they touch at the model's own joint positions";
  }

  if (!why) return 0;
  return loom_error_set(s->err, LOOM_ERR_FORMAT,
                        "%s: robot %s: `apart:` names [%s, %s], but %s: contacts between them would be "
                        "missed; take the pair out",
                        s->task->path, robot->type, pair[0], pair[1], why);
}

static int check_all(void* arg) {
  search* s = arg;
  int code = 0;

  for (int a = 0; a < s->task->arm_count; a++) {
    const loomRobotDef* robot = &s->task->robots[a];
    for (int i = 0; !code && i < robot->apart_count; i++) code = check_pair(s, robot, robot->apart[i]);
  }
  return code;
}

int loom_scene_check_apart(const loomTask* task, const mjModel* model, loomError* err) {
  search s = {.task = task, .m = model, .left = MOST_DISTANCES, .err = err};
  int pairs = 0;

  // Most robots' files name none.
  for (int a = 0; a < task->arm_count; a++) pairs += task->robots[a].apart_count;
  if (!pairs) return 0;

  // The same draws each time.
  s.random = loom_random(0, 0, LOOM_PURPOSE_RESET);
  s.d = mj_makeData(model);
  if (!s.d) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");
  int code = loom_trap_run(check_all, &s, err);
  mj_deleteData(s.d);
  return code;
}
