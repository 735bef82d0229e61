#include "engine/sim/episode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/trap.h"
#include "engine/sim/air.h"
#include "engine/sim/body_part.h"
#include "engine/sim/composite_ik.h"
#include "engine/sim/near.h"

// ---- construction

static bool whole_body(const loomEpisode* e) {
  return e->scene->control[0].type == LOOM_WHOLE_BODY_IK;
}

// What there is one of for each geom of an object.
static int take_lists(loomEpisode* e, loomError* err) {
  const loomTask* task = e->scene->task;
  bool ok = true;
  for (int o = 0; o < task->object_count; o++) {
    e->edits[o] = loom_heap_take(&e->heap, (size_t)task->objects[o].shape_count, sizeof *e->edits[o]);
    ok = ok && e->edits[o];
  }
  return ok ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an episode");
}

static bool on_wheels(const loomTask* task, int arm) {
  while (arm > 0 && task->robots[arm - 1].index == task->robots[arm].index) arm--;
  for (int i = 0; i < task->robots[arm].body_count; i++)
    if (task->robots[arm].body[i].kind == LOOM_BODY_BASE) return true;
  return false;
}

// What a composite controller drives besides, and how it has its actions.
static int bind_composite(loomEpisode* e, loomError* err) {
  const loomComposite* c = e->scene->composite;
  if (!c) return 0;

  e->action_dim = c->action_dim;
  for (int a = 0; a < e->arm_count; a++) {
    e->arms[a].base_moves = e->arms[a].base_moves || (c->mode[a] >= 0 && e->arms[a].control.in_base);
    e->arms[a].looks_first = !on_wheels(e->scene->task, a);
  }

  e->parts = loom_heap_take(&e->heap, (size_t)c->part_count, sizeof *e->parts);
  e->iks = loom_heap_take(&e->heap, (size_t)c->ik_count, sizeof *e->iks);
  if (!e->parts || !e->iks) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an episode");
  e->part_count = c->part_count;
  int code = 0;
  for (int i = 0; !code && i < e->part_count; i++)
    code = loom_body_part_bind(&e->parts[i], &c->part[i], e->m, err);
  for (int i = 0; !code && i < c->ik_count; i++)
    code = loom_ik_bind(&e->iks[i], &c->ik[i], e->arms, e->parts, e->part_count, e->m, err);
  return code;
}

const double* loom_episode_own(double* room, const loomEpisode* e, const double* action) {
  const loomComposite* c = e->scene->composite;
  if (!c) return action;

  int n = 0;
  for (int a = 0; a < e->arm_count; a++) n += loom_arm_action_dim(&e->arms[a]);
  for (int i = 0; i < n; i++) room[i] = c->own[i] < 0 ? 0 : action[c->own[i]];
  return room;
}

int loom_episode_create(loomEpisode** out, const loomScene* scene, loomError* err) {
  *out = NULL;
  loomEpisode* e = calloc(1, sizeof *e);
  if (!e) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an episode");

  e->scene = scene;
  e->m = mj_copyModel(NULL, scene->model);
  e->d = e->m ? mj_makeData(e->m) : NULL;
  e->scratch = e->m ? mj_makeData(e->m) : NULL;
  e->ghost = e->m ? mj_makeData(e->m) : NULL;
  e->jacobian = e->m ? malloc(sizeof(double) * 6 * (size_t)e->m->nv + 1) : NULL;
  e->marks = e->m ? malloc((size_t)e->m->nbody) : NULL;
  bool made = e->d && e->scratch && e->ghost && e->jacobian && e->marks;
  int code = made ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");
  if (!code) code = take_lists(e, err);
  if (!code) code = loom_near_create(&e->near, e->m, err);
  if (!code) code = loom_air_create(&e->air, e->m, err);

  e->arm_count = scene->task->arm_count;
  for (int a = 0; !code && a < e->arm_count; a++) {
    code = loom_arm_bind(&e->arms[a], &scene->task->robots[a], &scene->control[a], e->m, err);
    e->action_dim += loom_arm_action_dim(&e->arms[a]);
  }

  if (!code) code = bind_composite(e, err);
  if (!code && whole_body(e)) code = loom_whole_body_bind(&e->body, e->arms, e->arm_count, e->m, err);
  if (!code) code = loom_conditions_create(&e->conditions, scene->task, e->m, err);
  if (code) {
    loom_episode_destroy(e);
    return code;
  }

  e->state_dim = 1 + (int)e->m->nq + (int)e->m->nv;
  *out = e;
  return 0;
}

void loom_episode_destroy(loomEpisode* e) {
  if (!e) return;
  loom_conditions_destroy(e->conditions);
  loom_heap_destroy(&e->heap);
  loom_near_destroy(e->near);
  loom_air_destroy(e->air);
  free(e->jacobian);
  free(e->marks);
  mj_deleteData(e->ghost);
  mj_deleteData(e->scratch);
  mj_deleteData(e->d);
  mj_deleteModel(e->undisturbed);
  mj_deleteModel(e->m);
  free(e);
}

// ---- starting

static int check_warnings(const loomEpisode* e, loomError* err) {
  static const struct {
    int id;
    const char* text;
  } fatal[] = {{mjWARN_BADQPOS, "a position diverged"},
               {mjWARN_BADQVEL, "a velocity diverged"},
               {mjWARN_BADQACC, "an acceleration diverged"},
               {mjWARN_INERTIA, "the inertia matrix is singular"},
               {mjWARN_CONTACTFULL, "the contact buffer is full"},
               {mjWARN_CNSTRFULL, "the constraint buffer is full"},
               {mjWARN_BADCTRL, "a control is not finite"}};

  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    if (e->d->warning[fatal[i].id].number) {
      return loom_error_set(err, LOOM_ERR_SIM, "MuJoCo at control step %d: %s", e->steps, fatal[i].text);
    }
  }
  return 0;
}

static int run_step1(void* arg) {
  loomEpisode* e = arg;
  mj_step1(e->m, e->d);
  return 0;
}

static void update_conditions(loomEpisode* e) {
  double grip[LOOM_MAX_ARMS];
  for (int a = 0; a < e->arm_count; a++) grip[a] = e->arms[a].state.grip_action;
  loom_conditions_update(e->conditions, e->m, e->d, grip);
}

static void measure_objects(loomEpisode* e) {
  const loomTask* task = e->scene->task;
  for (int o = 0; o < task->object_count; o++) {
    for (int v = 0; v < task->objects[o].variable_count; v++) {
      e->variables[o][v] = loom_variable_measure(&task->objects[o], task->objects[o].variables[v].name, e->m);
    }
  }
}

int loom_episode_restore_sizes(loomEpisode* e, loomError* err) {
  bool changed = e->disturbance || e->shapes;
  for (int o = 0; o < LOOM_MAX_OBJECTS; o++) changed = changed || e->edit_count[o];
  if (!changed) return 0;

  if (!mj_copyModel(e->m, e->scene->model))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  memset(e->edit_count, 0, sizeof e->edit_count);
  e->shapes = NULL;

  // What a disturbance has changed goes with it.
  for (int a = 0; e->disturbance && a < e->arm_count; a++) e->arms[a].control = e->scene->control[a];
  if (whole_body(e)) e->body.control = e->arms[0].control;
  e->disturbance = NULL;
  return 0;
}

int loom_shapes_create(loomShapes** out, const loomScene* scene, const char* xml, const char* label,
                       loomError* err) {
  *out = NULL;
  loomShapes* s = calloc(1, sizeof *s);
  if (s) s->xml = strdup(xml);
  int code = s && s->xml ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  if (s) snprintf(s->label, sizeof s->label, "%s", label);

  for (int o = 0; !code && o < scene->task->object_count; o++) {
    if (!scene->variations[o]) continue;
    code = loom_variation_bind(&s->variations[o], xml, s->label, scene->task->objects[o].body, err);
  }
  if (code)
    loom_shapes_destroy(s);
  else
    *out = s;
  return code;
}

void loom_shapes_destroy(loomShapes* s) {
  if (!s) return;
  for (int o = 0; o < LOOM_MAX_OBJECTS; o++) loom_variation_destroy(s->variations[o]);
  free(s->xml);
  free(s);
}

// Without edits a variation puts its text's own object in.
static int take_shapes(loomEpisode* e, const loomShapes* shapes, loomError* err) {
  if (shapes == e->shapes && shapes && !e->disturbance) return 0;
  int code = loom_episode_restore_sizes(e, err);
  for (int o = 0; !code && shapes && o < e->scene->task->object_count; o++) {
    if (!shapes->variations[o]) continue;
    code = loom_variation_apply(shapes->variations[o], NULL, 0, e->m, e->scratch, NULL, err);

    // From the first on it is no longer the scene's model.
    e->shapes = shapes;
  }

  // All of them, or none.
  if (code && e->shapes) loom_episode_restore_sizes(e, NULL);
  return code;
}

static void set_state(mjModel* m, mjData* d, const double* state) {
  d->time = state[0];
  memcpy(d->qpos, state + 1, sizeof(double) * (size_t)m->nq);
  memcpy(d->qvel, state + 1 + m->nq, sizeof(double) * (size_t)m->nv);
}

// An episode begins the same way whether it was drawn, recorded or verified: nothing but time, qpos and qvel
// is carried over, so a demo's first state is all that a replay needs.
int loom_episode_begin(loomEpisode* e, loomError* err) {
  e->steps = 0;
  memset(e->action, 0, sizeof e->action);
  loom_near_forget(e->near);
  int code = loom_trap_run(run_step1, e, err);
  if (code) return code;

  // Controllers hold the arms where they are, until they are told otherwise.
  for (int a = 0; a < e->arm_count; a++) loom_arm_reset(&e->arms[a], e->m, e->d);
  for (int i = 0; i < e->part_count; i++) loom_body_part_reset(&e->parts[i], e->d);
  loom_whole_body_reset(&e->body, e->d);

  // Conditions take their measures of this model, and forget what they saw before.
  code = loom_conditions_measure(e->conditions, e->m, err);
  if (code) return code;
  loom_conditions_reset(e->conditions);
  update_conditions(e);
  return check_warnings(e, err);
}

int loom_episode_start_as(loomEpisode* e, const loomShapes* shapes, const double* state, loomError* err) {
  int code = take_shapes(e, shapes, err);
  if (code) return code;

  measure_objects(e);
  return loom_episode_again(e, state, err);
}

int loom_episode_again(loomEpisode* e, const double* state, loomError* err) {
  mj_resetData(e->m, e->d);
  set_state(e->m, e->d, state);
  return loom_episode_begin(e, err);
}

int loom_episode_start(loomEpisode* e, const double* state, loomError* err) {
  return loom_episode_start_as(e, NULL, state, err);
}

int loom_episode_show(loomEpisode* e, const double* state, const double* gripper_action, loomError* err) {
  set_state(e->m, e->d, state);
  int code = loom_trap_run(run_step1, e, err);
  for (int a = 0; !code && a < e->arm_count; a++) loom_arm_look(&e->arms[a], e->m, e->d);
  if (!code) loom_conditions_update(e->conditions, e->m, e->d, gripper_action);
  return code;
}

// ---- step

typedef struct stepCall {
  loomEpisode* episode;
  const double* action;
} stepCall;

// robosuite makes its controllers at the canonical joints and only then puts the recorded state in, and they
// look again after one physics step: the first goal, and the first torques, are those of an arm at its
// canonical joints. Recordings and their playback carry this, so episodes begin the same way, but for those
// that begin in the midst of one, where it was long past. 1.5 makes them before anything else is put in, too:
// fingers stand where the model has them.
static const mjData* canonical_view(loomEpisode* e) {
  mjData* d = e->scratch;
  bool all = e->arms[0].control.robosuite15;
  mju_copy(d->qpos, all ? e->m->qpos0 : e->d->qpos, (int)e->m->nq);
  mju_zero(d->qvel, (int)e->m->nv);
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    for (int i = 0; i < arm->n; i++) d->qpos[arm->qpos[i]] = arm->robot->arm.init_qpos[i];
  }
  for (int p = 0; p < e->part_count; p++) {
    const loomBodyPartDef* part = e->parts[p].control->part;
    for (int i = 0; i < part->count; i++) d->qpos[e->parts[p].qpos[i]] = part->init_qpos[i];
  }

  mj_fwdPosition(e->m, d);
  mj_fwdVelocity(e->m, d);
  return d;
}

// MuJoCo's first half of a physics step, but for what is known to come to nothing: the same bits.
static void run_first_half(loomEpisode* e) {
  mj_step1(e->m, e->d);
  if (loom_near_moved(e->near, e->m, e->d)) mj_step1(e->m, e->d);
  loom_air_add(e->air, e->m, e->d);
}

static int run_control_step(void* arg) {
  stepCall* call = arg;
  loomEpisode* e = call->episode;
  double room[LOOM_MAX_ACTION];
  const double* action = loom_episode_own(room, e, call->action);
  bool begun = e->steps || e->arms[0].state.midway;
  const mjData* seen = begun || whole_body(e) ? e->d : canonical_view(e);

  // Goals once a control step,
  for (int a = 0; a < e->arm_count; a++) {
    int mode = e->scene->composite ? e->scene->composite->mode[a] : -1;
    e->arms[a].goes_on = mode >= 0 && call->action[mode] > 0;
    if (seen != e->d) loom_arm_reset(&e->arms[a], e->m, seen);
    if (e->arms[a].looks_first) loom_arm_look(&e->arms[a], e->m, e->d);
    loom_arm_set_goal(&e->arms[a], e->m, seen, action);
    action += loom_arm_action_dim(&e->arms[a]);
  }

  for (int i = 0; i < e->part_count; i++)
    loom_body_part_set_goal(&e->parts[i], e->m, e->d, seen, call->action);
  for (int i = 0; e->scene->composite && i < e->scene->composite->ik_count; i++)
    loom_ik_plan(&e->iks[i], e->m, e->d, e->jacobian, call->action);

  // torques once a physics step.
  double start = loom_clock(), dt = 1.0 / e->scene->task->control_freq;
  int substeps = e->scene->substeps;
  if (whole_body(e)) loom_whole_body_plan(&e->body, e->arms, e->m, e->d, e->scratch, dt);
  loom_near_begin(e->near, e->m, e->d);
  loom_air_begin(e->air, e->m);
  for (int k = 0; k < substeps; k++) {
    for (int a = 0; a < e->arm_count; a++) loom_arm_apply(&e->arms[a], e->m, e->d, k ? e->d : seen);
    for (int i = 0; i < e->part_count; i++) loom_body_part_apply(&e->parts[i], e->m, e->d, k ? e->d : seen);
    if (whole_body(e)) loom_whole_body_apply(&e->body, e->m, e->d, (k + 1.0) / substeps, dt);

    double applied = loom_clock();
    mj_step2(e->m, e->d);
    run_first_half(e);

    double stepped = loom_clock();
    e->times.control += applied - start;
    e->times.physics += stepped - applied;
    start = stepped;
  }
  return 0;
}

int loom_episode_step(loomEpisode* e, const double* action, loomError* err) {
  for (int i = 0; i < e->action_dim; i++) {
    if (!isfinite(action[i])) {
      return loom_error_set(err, LOOM_ERR_FORMAT, "action[%d] at control step %d is not a finite number", i,
                            e->steps);
    }
  }

  // MuJoCo may give up in the middle of it, which is caught here.
  memcpy(e->action, action, sizeof *action * (size_t)e->action_dim);
  stepCall call = {e, action};
  int code = loom_trap_run(run_control_step, &call, err);
  loom_near_end(e->near, e->m);
  loom_air_end(e->air, e->m);
  if (code) return code;

  e->steps++;
  e->physics_steps += e->scene->substeps;

  // Conditions look once a control step, at its end.
  double start = loom_clock();
  update_conditions(e);
  e->times.observe += loom_clock() - start;
  return check_warnings(e, err);
}

// ---- reading

void loom_episode_state(double* out, const loomEpisode* e) {
  out[0] = e->d->time;
  memcpy(out + 1, e->d->qpos, sizeof(double) * (size_t)e->m->nq);
  memcpy(out + 1 + e->m->nq, e->d->qvel, sizeof(double) * (size_t)e->m->nv);
}

loomPose loom_episode_object(const loomEpisode* e, int object) {
  int body = e->scene->object_body[object];
  return loom_pose_from_quat(e->d->xpos + 3 * body, e->d->xquat + 4 * body);
}

loomPose loom_episode_eef(const loomEpisode* e, int arm) {
  return loom_arm_eef(&e->arms[arm], e->d);
}

bool loom_episode_success(const loomEpisode* e) {
  return loom_condition_true(e->conditions, e->scene->task->success);
}

// A delta of nothing leaves the goal where it is, to the bit.
void loom_episode_keep_still(double* action, const loomEpisode* e) {
  const loomComposite* c = e->scene->composite;
  for (int a = 0, own = 0; a < e->arm_count; own += loom_arm_action_dim(&e->arms[a++])) {
    const loomArm* arm = &e->arms[a];
    for (int i = own; arm->control.delta && i < own + arm->pose_dim; i++) action[c ? c->own[i] : i] = 0;
  }

  // Of other parts, too.
  for (int p = 0; p < e->part_count; p++) {
    const loomBodyControl* part = e->parts[p].control;
    bool moves = part->first >= 0 && (part->velocity || part->control.delta);
    for (int i = 0; moves && i < part->part->count; i++) action[part->first + i] = 0;
  }
}

// ---- snapshots

size_t loom_episode_snapshot_size(const loomEpisode* e) {
  return sizeof(double) * (size_t)mj_stateSize(e->m, mjSTATE_INTEGRATION) +
         (size_t)e->arm_count * sizeof(struct loomArmState) + sizeof e->body.state +
         (size_t)e->part_count * sizeof e->parts->goal + loom_conditions_state_size(e->conditions) +
         sizeof(int);
}

void loom_episode_snapshot(void* out, const loomEpisode* e) {
  char* at = out;
  mj_getState(e->m, e->d, (mjtNum*)out, mjSTATE_INTEGRATION);
  at += sizeof(double) * (size_t)mj_stateSize(e->m, mjSTATE_INTEGRATION);

  // MuJoCo's part first, since it must be aligned, then ours.
  for (int a = 0; a < e->arm_count; a++, at += sizeof(struct loomArmState)) {
    memcpy(at, &e->arms[a].state, sizeof(struct loomArmState));
  }

  for (int i = 0; i < e->part_count; i++, at += sizeof e->parts->goal)
    memcpy(at, e->parts[i].goal, sizeof e->parts->goal);
  memcpy(at, &e->body.state, sizeof e->body.state);
  at += sizeof e->body.state;
  memcpy(at, &e->steps, sizeof e->steps);
  loom_conditions_get_state(e->conditions, at + sizeof e->steps);
}

int loom_episode_restore(loomEpisode* e, const void* snapshot, loomError* err) {
  const char* at = snapshot;
  mj_setState(e->m, e->d, (const mjtNum*)snapshot, mjSTATE_INTEGRATION);
  at += sizeof(double) * (size_t)mj_stateSize(e->m, mjSTATE_INTEGRATION);

  for (int a = 0; a < e->arm_count; a++, at += sizeof(struct loomArmState)) {
    memcpy(&e->arms[a].state, at, sizeof(struct loomArmState));
    if (e->arms[a].base_moves) e->arms[a].base = e->arms[a].state.base;
  }

  for (int i = 0; i < e->part_count; i++, at += sizeof e->parts->goal)
    memcpy(e->parts[i].goal, at, sizeof e->parts->goal);
  memcpy(&e->body.state, at, sizeof e->body.state);
  at += sizeof e->body.state;
  memcpy(&e->steps, at, sizeof e->steps);

  // Kinematics, contacts and velocities are those of the state again.
  int code = loom_trap_run(run_step1, e, err);
  loom_conditions_set_state(e->conditions, at + sizeof e->steps);
  return code;
}
