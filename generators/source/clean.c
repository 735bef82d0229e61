#include "generators/source/clean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/clean_path.h"
#include "generators/source/segment.h"

static const double comfortable = 0.7;  // share of limits: what keeps to it is not tried otherwise
static const double integral = 0.15;    // of the error, a control step
static const double most_error = 0.03;  // m, along each axis

enum { MORE_STEPS = 20 };  // control steps beyond success_hold in which success may still come about

// From settings that change little to those that change much: a demo that is good stays much as it is, and one whose
// hands feel their way is mended more. The gentlest are the last resort of those whose path must not be touched.
bool loom_clean_step(loomCleanDef* out, int i, int grasps) {
  static const loomCleanDef smooth[] = {
      {.tolerance = 0.02, .turn = 0.15, .window = 0.3, .pace = 1, .margin = 0.85},
      {.tolerance = 0.05, .turn = 0.3, .window = 0.5, .pace = 1, .margin = 0.85},
  };
  static const loomCleanDef gentle[] = {
      {.tolerance = 0.003, .turn = 0.03, .window = 0.15, .pace = 1, .margin = 0.85},
      {.tolerance = 0.003, .turn = 0.03, .window = 0.15, .pace = 0.8, .margin = 0.7},
  };

  static const loomCleanApproach ways[] = {LOOM_CLEAN_RECORDED, LOOM_CLEAN_EARLY, LOOM_CLEAN_LATE};

  // As it is; each way of coming to the first grasp with each of coming to the second, smoothed much or little.
  int anew = grasps == 0 ? 0 : grasps == 1 ? 2 * 2 : 2 * 8;
  if (i > anew + 2) return false;
  if (i == 0 || i > anew) {
    *out = i ? gentle[i - anew - 1] : smooth[0];
    return true;
  }

  static const int both[] = {4, 8, 7, 5, 1, 2, 3, 6};
  int k = (i - 1) / 2, pair = grasps == 1 ? k + 1 : both[k];
  *out = smooth[i % 2];
  out->approach[0] = ways[pair % 3];
  out->approach[1] = ways[pair / 3];
  return true;
}

// ---- replay

// How far beyond limits a demo goes: 1 is just within.
static double roughness(double penetration, double joint_speed, const loomTask* task) {
  double press = task->limit_penetration > 0 ? task->limit_penetration : LOOM_PENETRATION_LIMIT;
  double speed = task->limit_joint_speed > 0 ? task->limit_joint_speed : LOOM_JOINT_SPEED_LIMIT;
  return fmax(penetration / press, joint_speed / speed);
}

static double rough(const loomCleanFigures* f, const loomTask* task) {
  return roughness(f->penetration, f->joint_speed, task);
}

/// A cleaned path as a policy.
typedef struct follower {
  loomQuality quality;
  double most;  // roughness beyond which nothing good comes of it
  const loomCleanPath* path;
  const loomCleanInput* in;
  loomTrace* trace;                // that gets targets and gripper commands
  double error[LOOM_MAX_ARMS][3];  // m the arm's targets are shifted by, for what the controller leaves
  loomPose moved[LOOM_MAX_ARMS];   // how the object of the arm's grasp lies otherwise than recorded
  int held;                        // control steps in a row in which success has held
  int hold;                        // that it must
  bool broken_off;
} follower;

// How much of its object's being elsewhere an arm goes along with at a row: all of it from the approach on to the grasp,
// and then ever less.
static double share_at(const loomCleanGrasp* g, double row, int freq) {
  if (row <= g->hold) return row < g->start ? fmax(0, 1 - (g->start - row) / freq) : 1;
  return fmax(0, 1 - (row - g->hold) / freq);
}

// An object that is grasped may lie otherwise than it did, since the hand has not bumped into it.
static loomPose put_right(follower* f, loomEpisode* e, int a, int k) {
  const loomCleanInput* in = f->in;
  double row = f->path->row[k];
  loomPose target = f->path->target[a][k];

  for (int i = 0; i < in->grasp_count; i++) {
    const loomCleanGrasp* g = &in->grasp[i];
    bool anew = f->path->def->approach[i % 2] != LOOM_CLEAN_RECORDED;
    double share = anew && g->arm == a ? share_at(g, row, e->scene->task->control_freq) : 0;
    if (share <= 0) continue;

    loomPose recorded = in->replay->object[g->object][(int)row];
    if (row <= g->hold)
      f->moved[a] = loom_pose_mul(loom_episode_object(e, g->object), loom_pose_inverse(recorded));
    target = loom_pose_interpolate(target, loom_pose_mul(f->moved[a], target), share);

    // The controller leaves an error at rest, which a person sees and makes up for.
    loomPose now = loom_episode_eef(e, a), wanted = loom_pose_mul(f->moved[a], f->path->pose[a][k]);
    for (int c = 0; c < 3; c++) {
      if (row <= g->close) f->error[a][c] += integral * (wanted.pos[c] - now.pos[c]);
      f->error[a][c] = fmax(-most_error, fmin(f->error[a][c], most_error));
      target.pos[c] += share * f->error[a][c];
    }
  }
  return target;
}

static int follow_path(double* action, void* self, loomEpisode* e, loomError* err) {
  follower* f = self;
  const loomCleanPath* p = f->path;
  int k = e->steps < p->steps ? e->steps : p->steps - 1;
  (void)err;

  // No further than what is worth keeping.
  loom_quality_state(&f->quality, e);
  if (roughness(f->quality.penetration, f->quality.joint_speed, e->scene->task) > f->most) {
    f->broken_off = true;
    return LOOM_POLICY_DONE;
  }

  // To the end of the path, and then until success has held.
  f->held = e->steps && loom_episode_success(e) ? f->held + 1 : 0;
  if (e->steps >= p->steps && f->held >= f->hold) return LOOM_POLICY_DONE;

  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    loomPose target = put_right(f, e, a, k);
    loom_arm_action_towards(action, arm, loom_episode_eef(e, a), target);
    memcpy(action + arm->pose_dim, p->hand[a] + k * LOOM_MAX_HAND,
           sizeof *action * (size_t)arm->robot->gripper_dim);

    // As a generated demo has them.
    ptrdiff_t at = (ptrdiff_t)f->trace->rows * e->arm_count + a;
    loom_pose_to_matrix(f->trace->target + 16 * at, target);
    f->trace->grip[at] = 0;
    for (int i = 0; i < arm->robot->gripper_dim; i++)
      f->trace->grip[at] += action[arm->pose_dim + i] / arm->robot->gripper_dim;
    action += loom_arm_action_dim(arm);
  }
  return 0;
}

// From the demo's own start. *held: success was there for as long as the task asks, at the end.
static int run_path(bool* held, char why[200], double most, loomTrace* trace, loomEpisode* e,
                    const loomCleanPath* path, const loomCleanInput* in, const loomDemo* demo,
                    loomError* err) {
  const loomTask* task = e->scene->task;
  follower f = {.path = path, .in = in, .trace = trace, .most = most, .hold = task->success_hold};
  loomPolicy policy = {&f, NULL, follow_path};
  loomRunDef def = {.max_steps = path->steps + task->success_hold + MORE_STEPS, .stop_at_lost = true};
  loomRunResult run;

  int code = loom_trace_create(trace, e, def.max_steps, err);
  if (!code) code = loom_episode_start(e, demo->states, err);
  if (!code) code = loom_policy_run(&run, e, &policy, &def, trace, err);
  if (!code && run.end == LOOM_RUN_SIMULATOR) code = loom_error_set(err, LOOM_ERR_SIM, "%s", run.message);

  *held = !code && !f.broken_off && run.end != LOOM_RUN_LOST && run.success_steps >= task->success_hold;
  if (!code && f.broken_off)
    snprintf(why, 200, "it would go beyond limits: %.1f mm deep, joints at %.2f of their speed",
             1e3 * f.quality.penetration, f.quality.joint_speed);
  else if (!code && !*held)
    snprintf(why, 200, "its actions do not succeed any more");
  return code;
}

// ---- subtasks

static bool by_rows(const loomTask* task, const loomDataset* dataset, const loomSegmentFile* given) {
  bool rows = (given && given->n) || (dataset && loom_dataset_has_attr(dataset, "data", LOOM_ANNOTATED));
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k < task->subtask_count[a]; k++)
      rows = rows || task->subtasks[a][k].until == LOOM_UNTIL_SIGNAL;
  return rows;
}

// The control step at which the path passes a row of the recorded demo.
static int step_of_row(const loomCleanPath* path, int row) {
  int k = 0;
  while (k + 1 < path->steps && path->row[k] < row) k++;
  return k;
}

// Where the subtasks end: as the task says, found anew; ends that were given as rows move with their rows.
static int segment_again(loomReplay* fresh, const loomReplay* old, const loomTask* task,
                         const loomDataset* dataset, const loomSegmentFile* given, const loomCleanPath* path,
                         loomError* err) {
  if (!by_rows(task, dataset, given)) return loom_segment(fresh, task, NULL, 0, NULL, err);

  loomSegmentFile moved = {0};
  moved.end = calloc((size_t)LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS, sizeof *moved.end);
  if (!moved.end) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for segments");
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k + 1 < task->subtask_count[a]; k++)
      moved.end[moved.n++] = (loomSegmentEnd){0, a, k, step_of_row(path, old->end[a][k]), 0};

  int code = loom_segment(fresh, task, NULL, 0, &moved, err);
  loom_segment_file_destroy(&moved);
  return code;
}

// ---- the ladder

/// A demo that is being cleaned.
typedef struct cleaning {
  loomCleanResult* result;
  loomReplay* replay;
  loomTrace* trace;
  loomEpisode* e;
  const loomDemo* demo;
  const loomDataset* dataset;
  const loomSegmentFile* given;
  loomCleanInput in;
} cleaning;

// One step of the ladder, not rougher than `most`: *fresh is what came of it, when it is better than nothing.
static int try_step(bool* good, loomReplay* fresh, loomTrace* trace, const cleaning* c,
                    const loomCleanDef* def, double most, loomError* err) {
  loomHeap heap = {0};
  loomCleanPath path = {0};
  const loomTask* task = c->e->scene->task;
  loomCleanResult* r = c->result;
  bool held = false;
  *good = false;

  int code = loom_clean_path(&path, &heap, c->e, &c->in, c->demo, def, err);
  if (!code) code = run_path(&held, r->reason, most, trace, c->e, &path, &c->in, c->demo, err);

  // The new rows, as any recording is looked at.
  if (!code && held) {
    loomDemo made = {c->demo->name,  trace->rows,   trace->action_dim, trace->state_dim,
                     trace->actions, trace->states, c->demo->model_xml};
    loomError why = {0, ""};
    code = loom_replay_states(fresh, c->e, &made, err);
    if (!code) code = loom_clean_measure(&r->after, c->e, &made, err);
    int cut = code ? 0 : segment_again(fresh, c->replay, task, c->dataset, c->given, &path, &why);
    if (cut)
      snprintf(r->reason, sizeof r->reason, "its subtasks are not found any more: %.140s", why.message);

    bool worse = rough(&r->after, task) > fmax(1, rough(&r->before, task));
    if (!cut && worse)
      snprintf(r->reason, sizeof r->reason, "it would go beyond limits: %.1f mm deep, joints at %.2f",
               1e3 * r->after.penetration, r->after.joint_speed);
    *good = !code && !cut && !worse;
  }

  loom_heap_destroy(&heap);
  return code;
}

// Kept is what succeeds well within limits first; else what keeps furthest from them.
static int climb(cleaning* c, loomError* err) {
  int code = 0;
  loomCleanDef def;
  const loomTask* task = c->e->scene->task;
  loomReplay best = {0};
  loomTrace best_trace = {0};
  loomCleanFigures after = {0};
  bool any = false, done = false;

  for (int i = 0; !code && !done && loom_clean_step(&def, i, c->in.grasp_count); i++) {
    loomReplay fresh = {0};
    loomTrace trace = {0};
    bool good;
    code = try_step(&good, &fresh, &trace, c, &def,
                    any ? rough(&after, task) : fmax(1, rough(&c->result->before, task)), err);
    c->result->tries++;

    // After a simulation that failed the episode is not to be trusted with another.
    if (code == LOOM_ERR_SIM) done = true, code = 0;

    done = done || (good && rough(&c->result->after, task) <= comfortable);
    if (good && (!any || rough(&c->result->after, task) < rough(&after, task))) {
      loom_replay_destroy(&best);
      loom_trace_destroy(&best_trace);
      best = fresh, best_trace = trace, after = c->result->after;
      c->result->def = def;
      any = true;
    } else {
      loom_replay_destroy(&fresh);
      loom_trace_destroy(&trace);
    }
  }

  if (any && !code) {
    best.number = c->replay->number;
    loom_replay_destroy(c->replay);
    *c->replay = best;
    c->result->after = after;
    c->result->cleaned = true;
    c->result->reason[0] = '\0';
    if (c->trace)
      *c->trace = best_trace;
    else
      loom_trace_destroy(&best_trace);
    return 0;
  }

  loom_replay_destroy(&best);
  loom_trace_destroy(&best_trace);
  return code;
}

static int clean(cleaning* c, loomError* err) {
  loomHeap heap = {0};
  for (int a = 0; a < c->e->arm_count; a++) {
    if (c->e->arms[a].control.type != LOOM_JOINT_POSITION) continue;
    snprintf(c->result->reason, sizeof c->result->reason, "its controller takes no poses");
    return 0;
  }
  if (c->replay->rows < 3) {
    snprintf(c->result->reason, sizeof c->result->reason, "it has %d rows", c->replay->rows);
    return 0;
  }

  int code = loom_clean_look(&c->in, &c->result->before, &heap, c->e, c->replay, c->demo, err);
  if (!code) code = climb(c, err);
  free(c->in.event);
  loom_heap_destroy(&heap);
  return code;
}

int loom_clean_load(loomCleanResult* result, loomReplay* out, loomTrace* trace, loomScene** scene,
                    const loomTask* task, const loomDataset* dataset, int number, const loomAssetRoots* roots,
                    const loomSegmentFile* given, loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  *result = (loomCleanResult){0};
  int code = loom_source_load(out, scene, task, dataset, number, roots, given, err);
  if (code) return code;

  // Once more as it lies in the file; its model is compiled already.
  code = loom_demo_load(&demo, dataset, number, err);
  if (code) return code;
  code = loom_replay_open(scene, &episode, task, dataset, &demo, roots, err);

  cleaning c = {.result = result,
                .replay = out,
                .trace = trace,
                .e = episode,
                .demo = &demo,
                .dataset = dataset,
                .given = given};
  if (!code) code = clean(&c, err);
  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}
