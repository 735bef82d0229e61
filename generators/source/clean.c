#include "generators/source/clean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/clean_path.h"
#include "generators/source/segment.h"

static const double integral = 0.15;    // of the error, a control step
static const double most_error = 0.03;  // m, along each axis

enum { MORE_STEPS = 20 };  // control steps beyond success_hold in which success may still come about

bool loom_clean_step(loomCleanDef* out, int i, int grasps) {
  static const bool straight[][2] = {{false, false}, {true, true}, {true, false}, {false, true}};

  // One grasp has no second one, and none no first.
  static const int count[] = {1, 2, 4};
  if (i >= count[grasps < 2 ? grasps : 2]) return false;
  *out = (loomCleanDef){.tolerance = 0.02, .turn = 0.15, .window = 0.3, .margin = 0.85};
  memcpy(out->straight, straight[i], sizeof out->straight);
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

// How much of its object's being elsewhere an arm goes along with at a row: all of it from the approach on to
// the grasp, and then ever less.
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
    bool anew = f->path->def->straight[i % 2];
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
    snprintf(why, 200,
             "it would go beyond limits: %.1f mm deep (%.60s), joints at %.2f of their speed (%.60s)",
             1e3 * f.quality.penetration, f.quality.penetrating, f.quality.joint_speed, f.quality.fastest);
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
  loomCleaned* out;
  const loomReplay* replay;
  loomEpisode* e;
  const loomDemo* demo;
  const loomDataset* dataset;
  const loomSegmentFile* given;
  loomCleanInput in;
} cleaning;

// One of the settings, not rougher than `most`. made->def says which; *good: something came of it.
static int try_step(bool* good, loomCleanTry* made, const cleaning* c, double most, loomError* err) {
  loomHeap heap = {0};
  loomCleanPath path = {0};
  const loomTask* task = c->e->scene->task;
  char* reason = c->out->reason;
  bool held = false;
  *good = false;

  int code = loom_clean_path(&path, &heap, c->e, &c->in, c->demo, &made->def, err);
  if (!code) code = run_path(&held, reason, most, &made->trace, c->e, &path, &c->in, c->demo, err);

  // The new rows, as any recording is looked at.
  if (!code && held) {
    const loomTrace* t = &made->trace;
    loomDemo demo = {.name = c->demo->name,
                     .rows = t->rows,
                     .action_dim = t->action_dim,
                     .state_dim = t->state_dim,
                     .actions = t->actions,
                     .states = t->states,
                     .model_xml = c->demo->model_xml};
    loomError why = {0, ""};
    code = loom_replay_states(&made->replay, c->e, &demo, err);
    if (!code) code = loom_clean_measure(&made->figures, c->e, &demo, err);
    int cut = code ? 0 : segment_again(&made->replay, c->replay, task, c->dataset, c->given, &path, &why);
    if (cut) snprintf(reason, 200, "its subtasks are not found any more: %.140s", why.message);

    bool worse = rough(&made->figures, task) > most;
    if (!cut && worse)
      snprintf(reason, 200, "it would go beyond limits: %.1f mm deep, joints at %.2f",
               1e3 * made->figures.penetration, made->figures.joint_speed);
    made->replay.number = c->replay->number;
    *good = !code && !cut && !worse;
  }

  loom_heap_destroy(&heap);
  return code;
}

static void destroy_try(loomCleanTry* made) {
  loom_replay_destroy(&made->replay);
  loom_trace_destroy(&made->trace);
}

// Other settings may come to the same: where hands never bump into anything, say.
static bool is_known(const loomCleaned* out, const loomCleanTry* made) {
  const loomTrace* t = &made->trace;
  size_t bytes = sizeof *t->actions * (size_t)t->rows * (size_t)t->action_dim;
  for (int i = 0; i < out->n; i++) {
    const loomTrace* other = &out->made[i].trace;
    if (other->rows == t->rows && !memcmp(other->actions, t->actions, bytes)) return true;
  }
  return false;
}

// Those furthest from limits first.
static void sort_tries(loomCleaned* out, const loomTask* task) {
  for (int i = 1; i < out->n; i++) {
    loomCleanTry made = out->made[i];
    int k = i;
    for (; k > 0 && rough(&made.figures, task) < rough(&out->made[k - 1].figures, task); k--)
      out->made[k] = out->made[k - 1];
    out->made[k] = made;
  }
}

static int try_all(cleaning* c, loomError* err) {
  int code = 0;
  loomCleaned* out = c->out;
  loomCleanDef def;
  double most = fmax(1, rough(&out->before, c->e->scene->task));
  while (loom_clean_step(&def, out->tries, c->in.grasp_count)) out->tries++;
  out->made = calloc((size_t)out->tries, sizeof *out->made);
  if (!out->made) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for cleaned demos");

  bool broken = false;
  for (int i = 0; !code && !broken && i < out->tries; i++) {
    loomCleanTry* made = &out->made[out->n];
    bool good;
    loom_clean_step(&made->def, i, c->in.grasp_count);
    code = try_step(&good, made, c, most, err);

    // After a simulation that failed the episode is not to be trusted with another.
    if (code == LOOM_ERR_SIM) broken = true, code = 0;
    if (good && !is_known(out, made)) {
      out->n++;
    } else {
      destroy_try(made);
      *made = (loomCleanTry){0};
    }
  }
  sort_tries(out, c->e->scene->task);
  if (out->n) out->reason[0] = '\0';
  return code;
}

static int clean(cleaning* c, loomError* err) {
  loomHeap heap = {0};
  for (int a = 0; a < c->e->arm_count; a++) {
    if (c->e->arms[a].control.type != LOOM_JOINT_POSITION) continue;
    snprintf(c->out->reason, sizeof c->out->reason, "its controller takes no poses");
    return 0;
  }
  if (c->replay->rows < 3) {
    snprintf(c->out->reason, sizeof c->out->reason, "it has %d rows", c->replay->rows);
    return 0;
  }

  int code = loom_clean_look(&c->in, &c->out->before, &heap, c->e, c->replay, c->demo, err);
  if (!code) code = try_all(c, err);
  free(c->in.event);
  loom_heap_destroy(&heap);
  return code;
}

int loom_clean_demo(loomCleaned* out, loomScene** scene, const loomTask* task, const loomDataset* dataset,
                    const loomReplay* replay, const loomAssetRoots* roots, const loomSegmentFile* given,
                    loomError* err) {
  loomDemo demo;
  loomEpisode* episode = NULL;
  *out = (loomCleaned){0};
  int code = loom_demo_load(&demo, dataset, replay->number, err);
  if (code) return code;
  code = loom_replay_open(scene, &episode, task, dataset, &demo, roots, err);

  cleaning c = {
      .out = out, .replay = replay, .e = episode, .demo = &demo, .dataset = dataset, .given = given};
  if (!code) code = clean(&c, err);
  loom_episode_destroy(episode);
  loom_demo_destroy(&demo);
  return code;
}

void loom_cleaned_destroy(loomCleaned* cleaned) {
  for (int i = 0; i < cleaned->n; i++) destroy_try(&cleaned->made[i]);
  free(cleaned->made);
  *cleaned = (loomCleaned){0};
}
