#include "generators/attempt/select.h"

#include <math.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "engine/sim/reach.h"
#include "generators/source/segment.h"

static double variable_ratio(const loomEpisode* e, const loomReplay* source, int object, const char* name) {
  const loomObjectDef* def = &e->scene->task->objects[object];
  for (int v = 0; v < def->variable_count; v++) {
    if (strcmp(def->variables[v].name, name)) continue;
    double ratio = e->variables[object][v] / source->variables[object][v];
    return isfinite(ratio) && ratio > 0 ? ratio : 1;
  }
  return 1;
}

loomTransform loom_segment_transform(const loomEpisode* e, const loomReplay* source, int a, int k,
                                     loomFit fit, int row) {
  const loomTask* task = e->scene->task;

  const loomSubtaskDef* s = &task->subtasks[a][k];
  loomTransform t = loom_transform_identity();

  int object = s->reference >= 0 ? s->reference : s->carried;
  if (object >= 0) {
    loomPose now = loom_pose_mul(loom_episode_object(e, object),
                                 loom_symmetry(&task->objects[object], fit.object_symmetry));
    t.source = source->object[object][row];
    if (s->reference >= 0) t.world = loom_transform_world(s->transform, now, t.source);
    if (s->scale_by[0]) {
      memcpy(t.axis, s->scale_axis, sizeof t.axis);
      t.scale = variable_ratio(e, source, object, s->scale_by);
    }
  }

  t.hand = loom_hand_symmetry(&task->robots[a], fit.hand_symmetry);
  return t;
}

// What fit_cost asks inverse kinematics for. A pose on the way needs more iterations than the one after it,
// which starts from its joints.
enum { WAY_ITERATIONS = 30, END_ITERATIONS = 20 };
static const double reached = 0.01;         // m that inverse kinematics may leave over
static const double unreachable_cost = 10;  // per m beyond that: far above what any choice of pose can win
static const double cost_sharpness = 4;     // a source is exp(-4) times as likely for each unit of cost more
static const double same_tilt = 1e-6;  // rad: orientations that tilt as much are the same, the first is taken

static void arm_joints(double* q, const loomEpisode* e, int a) {
  for (int i = 0; i < e->arms[a].n; i++) q[i] = e->d->qpos[e->arms[a].qpos[i]];
}

// Cost of one pair of equivalent poses: where the segment goes, how far that is from the source's motion,
// whether the arm gets there.
static double fit_cost(loomFit* fit, loomEpisode* e, const loomReplay* source, int a, int k) {
  const loomSubtaskDef* s = &e->scene->task->subtasks[a][k];
  int start = loom_segment_start(source, a, k), end = source->end[a][k] - 1;

  // Two rows say whether the arm gets there: one on the way, and the last.
  int mid = start + 2 * (end - start) / 3;  // the hand is mostly where it works by then
  loomTransform t = loom_segment_transform(e, source, a, k, *fit, start);
  double q[LOOM_MAX_JOINTS], home[4] = {1, 0, 0, 0};
  double turn = loom_quat_angle(t.world.quat, home);

  arm_joints(q, e, a);
  double to_mid =
      loom_episode_reach(q, e, a, q, loom_transform_apply(&t, source->target[a][mid]), WAY_ITERATIONS);
  double to_end =
      loom_episode_reach(q, e, a, q, loom_transform_apply(&t, source->target[a][end]), END_ITERATIONS);
  fit->reach = fmax(to_mid, to_end);

  // How far the object has moved and changed since the source.
  double moved[3];
  for (int i = 0; i < 3; i++) moved[i] = loom_episode_object(e, s->reference).pos[i] - t.source.pos[i];
  double size = s->scale_by[0] ? fabs(log(t.scale)) : 0;

  double out_of_reach = fit->reach > reached ? unreachable_cost * (fit->reach - reached) : 0;
  return s->select.position_weight * sqrt(moved[0] * moved[0] + moved[1] * moved[1] + moved[2] * moved[2]) +
         s->select.rotation_weight * turn + s->select.size_weight * size + out_of_reach;
}

loomFit loom_fit_source(loomEpisode* e, const loomReplay* source, int a, int k) {
  const loomTask* task = e->scene->task;
  const loomSubtaskDef* s = &task->subtasks[a][k];
  loomFit best = {0, 0, 0, 0};
  if (s->reference < 0 || s->transform == LOOM_TRANSFORM_WORLD) return best;

  const loomObjectDef* object = &task->objects[s->reference];
  int start = loom_segment_start(source, a, k), turns = s->symmetric ? loom_symmetry_count(object) : 1;
  // The object's equivalent orientation that tilts the motion least: which face lies up does not matter.
  double least = INFINITY;
  for (int i = 0; i < turns; i++) {
    loomPose now = loom_pose_mul(loom_episode_object(e, s->reference), loom_symmetry(object, i));
    double tilt =
        loom_transform_tilt(loom_pose_mul(now, loom_pose_inverse(source->object[s->reference][start])));
    if (tilt < least - same_tilt) {
      least = tilt;
      best.object_symmetry = i;
    }
  }

  // Of the hand's equivalent poses the one that costs least.
  best.cost = INFINITY;
  int hands = s->symmetric && task->robots[a].symmetry_turns > 1 ? task->robots[a].symmetry_turns : 1;
  loomFit tried = best;
  for (int j = 0; j < hands; j++) {
    tried.hand_symmetry = j;
    tried.cost = fit_cost(&tried, e, source, a, k);
    if (tried.cost < best.cost) best = tried;
  }
  return best;
}

static double eef_distance(const loomEpisode* e, const loomReplay* source, int a, int k,
                           const loomSelectDef* def) {
  loomPose now = loom_episode_eef(e, a), then = source->eef[a][loom_segment_start(source, a, k)];
  return def->position_weight * loom_pose_distance(now, then) +
         def->rotation_weight * loom_quat_angle(now.quat, then.quat);
}

int loom_select_source(loomEpisode* e, const loomSourceSet* sources, const loomSourceStats* stats, int a,
                       int k, loomRandom* random) {
  const loomSelectDef* def = &e->scene->task->subtasks[a][k].select;
  double cost[LOOM_MAX_SOURCES] = {0}, weight[LOOM_MAX_SOURCES];

  int n = sources->n, order[LOOM_MAX_SOURCES] = {0};
  if (def->strategy == LOOM_SELECT_RANDOM) return loom_random_index(random, sources->n);

  // Lower is better: how well the source fits what is here, less what it has proved.
  for (int i = 0; i < n; i++) {
    // The upper end of the confidence interval: a source that failed once or twice is not written off yet.
    double worst, past = 1;
    if (stats) loom_wilson(&worst, &past, stats->successes[i], stats->tries[i]);

    cost[i] = def->strategy == LOOM_SELECT_NEAREST ? loom_fit_source(e, &sources->replay[i], a, k).cost
              : def->strategy == LOOM_SELECT_ROBOT_DISTANCE ? eef_distance(e, &sources->replay[i], a, k, def)
                                                            : 0;
    cost[i] -= def->success_weight * log(past);
    if (def->strategy == LOOM_SELECT_WEIGHTED) cost[i] = -log(past);

    order[i] = i;
  }

  for (int i = 1; i < n; i++) {  // insertion sort: a handful of sources
    int o = order[i], j = i;
    for (; j > 0 && cost[order[j - 1]] > cost[o]; j--) order[j] = order[j - 1];
    order[j] = o;
  }

  int top = def->strategy == LOOM_SELECT_WEIGHTED ? n : def->top_k < n ? def->top_k : n;
  if (top < 1) top = 1;
  while (top < n && cost[order[top]] <= cost[order[top - 1]]) top++;  // as good: not left out by its number

  // A better one is likelier, not certain: the dataset is to use them all.
  for (int i = 0; i < top; i++) weight[i] = exp(-cost_sharpness * (cost[order[i]] - cost[order[0]]));
  return order[loom_random_weighted(random, weight, top)];
}
