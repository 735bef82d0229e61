#include "generators/attempt/select.h"

#include <math.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "engine/sim/reach.h"
#include "generators/attempt/grip.h"
#include "generators/attempt/keypoint.h"
#include "generators/attempt/stage.h"
#include "generators/source/segment.h"

static const double least_reach = 0.01;  // m: of two arms together, along the line between them
static const double same_angle = 1e-6;   // rad: of orientations as near the first is taken

static bool has_bounds(const loomSubtaskDef* s) {
  return s->between[0] != s->between[1];
}

static double variable_ratio(const loomEpisode* e, const loomReplay* source, int object, const char* name) {
  const loomObjectDef* def = &e->scene->task->objects[object];
  for (int v = 0; v < def->variable_count; v++) {
    if (strcmp(def->variables[v].name, name)) continue;
    double ratio = e->variables[object][v] / source->variables[object][v];
    return isfinite(ratio) && ratio > 0 ? ratio : 1;
  }
  return 1;
}

// Of the equivalent orientations of the object in the hand the one nearest to how the source held it: by
// which of them it was grasped does not matter, nor from which source.
static int held_turn(const loomEpisode* e, int object, loomPose held, loomPose held_src) {
  const loomObjectDef* def = &e->scene->task->objects[object];
  int best = 0;

  double least = INFINITY;
  for (int i = 0; i < loom_symmetry_count(def); i++) {
    double angle = loom_quat_angle(loom_pose_mul(held, loom_symmetry(def, i)).quat, held_src.quat);
    if (angle >= least - same_angle) continue;
    least = angle;
    best = i;
  }
  return best;
}

static loomPose held_object(const loomEpisode* e, int object, loomPose eef_now, loomPose held_src) {
  loomPose held = loom_pose_mul(loom_pose_inverse(eef_now), loom_episode_object(e, object));
  int turn = held_turn(e, object, held, held_src);
  return loom_pose_mul(held, loom_symmetry(&e->scene->task->objects[object], turn));
}

int loom_held_turn(const loomEpisode* e, const loomReplay* source, int a, int object, int row) {
  loomPose held = loom_pose_mul(loom_pose_inverse(loom_episode_eef(e, a)), loom_episode_object(e, object));
  loomPose then = loom_pose_mul(loom_pose_inverse(source->eef[a][row]), source->object[object][row]);
  return held_turn(e, object, held, then);
}

// A held object's measured pose in the hand becomes the right factor, so that the object, not the hand, goes
// where the source's went. Where the object held is itself the reference, the hand carries on from where it
// is on it.
static void correct_for_held(loomTransform* t, const loomEpisode* e, const loomReplay* source, int a,
                             const loomSubtaskDef* s, int row) {
  loomPose eef_now = loom_episode_eef(e, a), eef_src = source->eef[a][row];
  if (s->reference == s->carried) {
    loomTransform bare = *t;
    bare.hand = loom_pose_identity();
    t->hand = loom_pose_mul(loom_pose_inverse(loom_transform_apply(&bare, eef_src)), eef_now);
    return;
  }

  // The object as the source held it, and as it is held now.
  loomPose held_src = loom_pose_mul(loom_pose_inverse(eef_src), source->object[s->carried][row]);
  loomPose held_now = held_object(e, s->carried, eef_now, held_src);

  // Of another shape, its keypoints are to be where the source's were.
  if (s->keypoint_count[1]) {
    loomPose reshape = loom_keypoint_reshape(e->scene->task, source, e->variables[s->carried], s->carried,
                                             s->keypoints[1], s->keypoint_count[1]);
    held_src = loom_pose_mul(held_src, loom_pose_inverse(reshape));
  }

  // And where the source held it beyond its present ends, the hand is where it was. Bounds are of the
  // reference where there is one.
  if (has_bounds(s) && s->reference < 0) {
    loomPose grip = loom_pose_inverse(held_src), reshape = loom_pose_identity();
    loom_keypoint_bring_between(reshape.pos, grip.pos, e->scene->task, source, e->variables[s->carried],
                                s->carried, s->between);
    held_src = loom_pose_mul(held_src, loom_pose_inverse(reshape));
  }

  // With this on the right, eef * held_now is where the source had eef * held_src.
  t->scale = 1;
  t->hand = loom_pose_mul(held_src, loom_pose_inverse(held_now));
}

loomPose loom_reference_reshape(const loomEpisode* e, const loomReplay* source, int a, int k) {
  const loomTask* task = e->scene->task;
  const loomSubtaskDef* s = &task->subtasks[a][k];
  const double* now = e->variables[s->reference];
  loomPose reshape =
      loom_keypoint_reshape(task, source, now, s->reference, s->keypoints[0], s->keypoint_count[0]);

  // Where the hand then takes hold, it must find what can be held.
  loomGrip grip;
  if (!has_bounds(s) || !loom_grip_find(&grip, source, a, s->reference, task->robots[a].finger_count,
                                        loom_segment_start(source, a, k), source->end[a][k]))
    return reshape;
  double at[3], shift[3];
  loom_grip_point(at, &grip, source, a, s->reference);
  mju_rotVecQuat(shift, at, reshape.quat);
  mju_add3(at, shift, reshape.pos);
  loom_keypoint_bring_between(shift, at, task, source, now, s->reference, s->between);
  mju_addTo3(reshape.pos, shift);
  return reshape;
}

loomPose loom_reference_pose(const loomEpisode* e, const loomSubtaskDef* s, loomFit fit) {
  loomPose now = loom_pose_mul(loom_episode_object(e, s->reference),
                               loom_symmetry(&e->scene->task->objects[s->reference], fit.object_symmetry));
  return s->keypoint_count[0] || has_bounds(s) ? loom_pose_mul(now, fit.reshape) : now;
}

// Where an arm begins: a point on the axis of its first joint, world frame, m.
static const double* shoulder(const loomEpisode* e, int a) {
  return e->d->xanchor + 3 * e->m->dof_jntid[e->arms[a].dof[0]];
}

// Move two arms that meet along the line between their shoulders until, at the segment's end, neither reaches
// farther than the other: one that is all but straight turns small differences into large ones.
// |hand_a + s line - shoulder_a| = |hand_b + s line - shoulder_b| is linear in s.
static void bring_midway(double pos[3], const loomEpisode* e, const loomReplay* source, int a, int k) {
  int b, other, last = source->end[a][k] - 1;
  loom_task_partner(e->scene->task, a, k, &b, &other);

  double line[3], reach_a[3], reach_b[3], apart[3];
  mju_sub3(line, shoulder(e, b), shoulder(e, a));
  mju_normalize3(line);
  mju_sub3(reach_a, source->eef[a][last].pos, shoulder(e, a));
  mju_sub3(reach_b, source->eef[b][last].pos, shoulder(e, b));

  // Hands as far apart as shoulders are alike wherever they go.
  mju_sub3(apart, reach_a, reach_b);
  double along = 2 * mju_dot3(apart, line);
  if (fabs(along) < least_reach) return;
  mju_addToScl3(pos, line, (mju_dot3(reach_b, reach_b) - mju_dot3(reach_a, reach_a)) / along);
}

loomTransform loom_segment_transform(const loomEpisode* e, const loomReplay* source, int a, int k,
                                     loomFit fit, int row) {
  const loomTask* task = e->scene->task;

  const loomSubtaskDef* s = &task->subtasks[a][k];
  loomTransform t = loom_transform_identity();

  if (s->reference >= 0) {
    t.source = source->object[s->reference][row];
    t.world = loom_transform_world(s->transform, loom_reference_pose(e, s, fit), t.source);
    if (s->scale_by[0]) {
      memcpy(t.axis, s->scale_axis, sizeof t.axis);
      t.scale = variable_ratio(e, source, s->reference, s->scale_by);
    }
  }

  if (s->midway) bring_midway(t.world.pos, e, source, a, k);

  t.hand = loom_hand_symmetry(&task->robots[a], fit.hand_symmetry);
  if (s->carried >= 0) correct_for_held(&t, e, source, a, s, row);
  return t;
}

// What fit_cost asks inverse kinematics for. A pose on the way needs more iterations than the one after it,
// which starts from its joints.
enum { WAY_ITERATIONS = 30, END_ITERATIONS = 20 };
static const double reached = 0.01;           // m that inverse kinematics may leave over
static const double unreachable_cost = 1000;  // per m beyond that: far above what any choice of pose can win
static const double cost_sharpness = 4;  // a source is exp(-4) times as likely for each unit of cost more
static const double same_tilt = 0.02;    // rad: things at rest on a table tilt so much by chance
static const double other_way = 1;       // rad: an object so far from how a source held it is held otherwise
static const double unlike_cost = 10;    // per rad beyond that
static const double retry_cost = 1;      // for each try at this start in which the source failed

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
  loomPose at_mid = loom_transform_apply(&t, source->target[a][mid]);
  loomPose at_end = loom_transform_apply(&t, source->target[a][end]);

  double q[LOOM_MAX_JOINTS];
  arm_joints(q, e, a);
  double to_mid = loom_episode_reach(q, e, a, q, at_mid, WAY_ITERATIONS);
  double to_end = loom_episode_reach(q, e, a, q, at_end, END_ITERATIONS);
  fit->reach = fmax(to_mid, to_end);

  // How far the object has moved, turned and changed since the source.
  double turn = loom_quat_angle(t.world.quat, loom_pose_identity().quat), moved[3];
  for (int i = 0; i < 3; i++) moved[i] = loom_episode_object(e, s->reference).pos[i] - t.source.pos[i];
  double size = s->scale_by[0] ? fabs(log(t.scale)) : 0;

  double out_of_reach = fit->reach > reached ? unreachable_cost * (fit->reach - reached) : 0;
  return s->select.position_weight * sqrt(moved[0] * moved[0] + moved[1] * moved[1] + moved[2] * moved[2]) +
         s->select.rotation_weight * turn + s->select.size_weight * size + out_of_reach;
}

// How far the i-th of the object's equivalent orientations tilts the source's motion, rad.
static double tilt_of_turn(const loomObjectDef* object, int i, loomPose now, loomPose then) {
  return loom_transform_tilt(
      loom_pose_mul(loom_pose_mul(now, loom_symmetry(object, i)), loom_pose_inverse(then)));
}

loomFit loom_fit_source(loomEpisode* e, const loomReplay* source, int a, int k, int turn) {
  const loomTask* task = e->scene->task;
  const loomSubtaskDef* s = &task->subtasks[a][k];
  loomFit best = {.object_symmetry = turn < 0 ? 0 : turn};
  if (s->reference < 0 || s->transform == LOOM_TRANSFORM_WORLD) return best;

  const loomObjectDef* object = &task->objects[s->reference];
  int start = loom_segment_start(source, a, k), turns = s->symmetric ? loom_symmetry_count(object) : 1;
  int hands = s->symmetric && task->robots[a].symmetry_turns > 1 ? task->robots[a].symmetry_turns : 1;

  // How little the object can be tilted: which of its faces lies up does not matter.
  loomPose now = loom_episode_object(e, s->reference), then = source->object[s->reference][start];
  double least = INFINITY;
  for (int i = 0; i < turns; i++) least = fmin(least, tilt_of_turn(object, i, now, then));

  // Of all pairs that tilt as little the one that costs least: upright things are turned about the vertical.
  loomPose reshape = loom_reference_reshape(e, source, a, k);
  best.cost = INFINITY;
  for (int i = 0; i < turns; i++) {
    if (turn < 0 ? tilt_of_turn(object, i, now, then) > least + same_tilt : i != turn) continue;

    for (int j = 0; j < hands; j++) {
      loomFit tried = {.object_symmetry = i, .hand_symmetry = j, .reshape = reshape};
      tried.cost = fit_cost(&tried, e, source, a, k);
      if (tried.cost < best.cost) best = tried;
    }
  }
  return best;
}

static double eef_distance(const loomEpisode* e, const loomReplay* source, int a, int k,
                           const loomSelectDef* def) {
  loomPose now = loom_episode_eef(e, a), then = source->eef[a][loom_segment_start(source, a, k)];
  return def->position_weight * loom_pose_distance(now, then) +
         def->rotation_weight * loom_quat_angle(now.quat, then.quat);
}

// Each source at a start once before any a second time.
static double failed_here(const loomSourceStats* stats, int i) {
  return stats && stats->failed ? retry_cost * stats->failed[i] : 0;
}

// How far what the hand of a later stage holds is from how the source held it: that is what its motion is
// for. What is held the other way round does not fit at all.
static double held_cost(const loomEpisode* e, const loomReplay* source, int a, int k) {
  const loomSubtaskDef* s = &e->scene->task->subtasks[a][k];
  if (s->carried < 0 || !loom_stage_of(e->scene->task, a, k)) return 0;

  int row = loom_segment_start(source, a, k);
  loomPose then = loom_pose_mul(loom_pose_inverse(source->eef[a][row]), source->object[s->carried][row]);
  loomPose now = held_object(e, s->carried, loom_episode_eef(e, a), then);
  double angle = loom_quat_angle(now.quat, then.quat);
  return s->select.position_weight * loom_pose_distance(now, then) + s->select.rotation_weight * angle +
         (angle > other_way ? unlike_cost * (angle - other_way) : 0);
}

// By quota, and within it each source where it fits: one that a start suits is likelier to be the one it
// gets.
static int balanced_source(loomEpisode* e, const loomSourceSet* sources, const loomSourceStats* stats,
                           const bool* barred, int a, int k, loomRandom* random) {
  double cost[LOOM_MAX_SOURCES], weight[LOOM_MAX_SOURCES], least = INFINITY;
  int n = sources->n;
  const double* share = stats && stats->share ? stats->share + loom_stage_of(e->scene->task, a, k) * n : NULL;

  for (int i = 0; i < n; i++) {
    cost[i] = loom_fit_source(e, &sources->replay[i], a, k, -1).cost + failed_here(stats, i) +
              held_cost(e, &sources->replay[i], a, k);
    if (barred && barred[i]) cost[i] = INFINITY;
    least = fmin(least, cost[i]);
  }

  // What fit takes from a source now its quota gives back in later batches.
  for (int i = 0; i < n; i++)
    weight[i] = (share ? share[i] : 1.0 / n) * exp(-cost_sharpness * (cost[i] - least));
  return loom_random_weighted(random, weight, n);
}

int loom_select_source(loomEpisode* e, const loomSourceSet* sources, const loomSourceStats* stats,
                       const bool* barred, int a, int k, loomRandom* random) {
  const loomSelectDef* def = &e->scene->task->subtasks[a][k].select;
  double cost[LOOM_MAX_SOURCES] = {0}, weight[LOOM_MAX_SOURCES];

  int n = sources->n, order[LOOM_MAX_SOURCES] = {0};
  bool again = stats && stats->failed;
  if (def->strategy == LOOM_SELECT_RANDOM && !again && !barred) return loom_random_index(random, sources->n);
  if (def->strategy == LOOM_SELECT_BALANCED) return balanced_source(e, sources, stats, barred, a, k, random);

  // Lower is better: how well the source fits what is here, less what it has proved.
  for (int i = 0; i < n; i++) {
    // The upper end of the confidence interval: a source that failed once or twice is not written off yet.
    double worst, past = 1;
    if (stats) loom_wilson(&worst, &past, stats->successes[i], stats->tries[i]);

    cost[i] = def->strategy == LOOM_SELECT_NEAREST ? loom_fit_source(e, &sources->replay[i], a, k, -1).cost
              : def->strategy == LOOM_SELECT_ROBOT_DISTANCE ? eef_distance(e, &sources->replay[i], a, k, def)
                                                            : 0;
    cost[i] -= def->success_weight * log(past);
    if (def->strategy == LOOM_SELECT_WEIGHTED) cost[i] = -log(past);
    if (def->strategy == LOOM_SELECT_RANDOM) cost[i] = 0;
    if (def->strategy == LOOM_SELECT_ORDERED) cost[i] = (double)i / n;  // less than a try costs
    cost[i] += failed_here(stats, i);
    if (barred && barred[i]) cost[i] = INFINITY;

    order[i] = i;
  }

  for (int i = 1; i < n; i++) {  // insertion sort: a handful of sources
    int o = order[i], j = i;
    for (; j > 0 && cost[order[j - 1]] > cost[o]; j--) order[j] = order[j - 1];
    order[j] = o;
  }

  int top = def->top_k < n ? def->top_k : n;
  if (def->strategy == LOOM_SELECT_WEIGHTED || def->strategy == LOOM_SELECT_RANDOM) top = n;
  if (def->strategy == LOOM_SELECT_ORDERED) top = 1;
  if (top < 1) top = 1;
  while (top < n && cost[order[top]] <= cost[order[top - 1]]) top++;  // as good: not left out by its number

  // A better one is likelier, not certain: the dataset is to use them all.
  for (int i = 0; i < top; i++) weight[i] = exp(-cost_sharpness * (cost[order[i]] - cost[order[0]]));
  return order[loom_random_weighted(random, weight, top)];
}
