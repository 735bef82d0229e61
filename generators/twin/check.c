#include "generators/twin/check.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/trap.h"
#include "engine/sim/episode.h"
#include "engine/sim/part.h"
#include "generators/twin/check_joints.h"

static const double slow = 0.01, slow_turn = 0.1;  // m/s, rad/s

loomTwinCheckDef loom_default_twin_check_def(void) {
  return (loomTwinCheckDef){.drop = 0.01,
                            .seconds = 4,
                            .rest = 2,
                            .deepest = 0.002,
                            .gain = 0.01,
                            .fall = 0.05,
                            .force = 20,
                            .push_seconds = 10,
                            .still_seconds = 5};
}

typedef struct trial {
  const loomTwinCheckDef* def;
  loomTwinCheck* out;
  const loomScene* scene;
  loomEpisode* e;
  mjModel* m;  // whose robots stay where they are without anybody's help
  mjData* d;
  int body[LOOM_MAX_OBJECTS];
  double start_energy[LOOM_MAX_OBJECTS], start_z[LOOM_MAX_OBJECTS];
  bool fallen_in[LOOM_MAX_OBJECTS];
} trial;

// ---- objects let fall

static int object_of_geom(const trial* c, int geom) {
  return loom_object_of_geom(c->m, c->body, c->out->n, geom);
}

static bool free_object(const trial* c, int o) {
  int q = c->scene->object_qpos[o], joint = c->m->body_jntadr[c->body[o]];
  return q >= 0 && joint >= 0 && c->m->jnt_type[joint] == mjJNT_FREE;
}

// Of one rigid body: kinetic, and potential from z = 0.
static double energy_of(const trial* c, int o) {
  int b = c->body[o];
  double v[6], turn[3], mass = c->m->body_mass[b], sum;
  mj_objectVelocity(c->m, c->d, mjOBJ_BODY, b, v, 0);
  mju_mulMatTVec(turn, c->d->ximat + 9 * b, v, 3, 3);

  sum = mass * mju_dot3(v + 3, v + 3) / 2 - mass * c->m->opt.gravity[2] * c->d->xipos[3 * b + 2];
  for (int k = 0; k < 3; k++) sum += c->m->body_inertia[3 * b + k] * turn[k] * turn[k] / 2;

  return sum;
}

static void note_step(trial* c) {
  for (int i = 0; i < c->d->ncon; i++) {
    const mjContact* con = &c->d->contact[i];
    for (int k = 0; k < 2; k++) {
      int o = con->geom[k] >= 0 ? object_of_geom(c, con->geom[k]) : -1;
      if (o >= 0) c->out->fell[o].deepest = fmax(c->out->fell[o].deepest, -con->dist);
    }
  }

  // Slower for good from the last moment on at which it was not.
  for (int o = 0; o < c->out->n; o++) {
    loomTwinFell* f = &c->out->fell[o];
    double v[6];
    mj_objectVelocity(c->m, c->d, mjOBJ_BODY, c->body[o], v, 0);
    if (mju_norm3(v + 3) > slow || mju_norm3(v) > slow_turn) f->rest_seconds = c->d->time;
    if (free_object(c, o)) f->energy_gain = fmax(f->energy_gain, energy_of(c, o) - c->start_energy[o]);
  }
}

static int fall(void* arg) {
  trial* c = arg;
  int steps = (int)(c->def->seconds / c->m->opt.timestep);
  mj_forward(c->m, c->d);
  for (int o = 0; o < c->out->n; o++) {
    c->start_energy[o] = energy_of(c, o);
    c->out->fell[o].energy_gain = free_object(c, o) ? -INFINITY : 0;
  }

  for (int i = 0; i < steps; i++) {
    mj_step(c->m, c->d);
    note_step(c);
  }

  return 0;
}

// How fast, now that all has come to rest.
static int run_on(void* arg) {
  enum { STEPS = 1000 };
  trial* c = arg;
  double begun = loom_thread_cpu();
  for (int i = 0; i < STEPS; i++) mj_step(c->m, c->d);
  c->out->steps_per_second = STEPS / fmax(loom_thread_cpu() - begun, 1e-9);

  return 0;
}

static int check_diverged(const trial* c, loomError* err) {
  static const int fatal[] = {mjWARN_BADQPOS,     mjWARN_BADQVEL,   mjWARN_BADQACC,
                              mjWARN_CONTACTFULL, mjWARN_CNSTRFULL, mjWARN_INERTIA};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
    if (c->d->warning[fatal[i]].number)
      return loom_error_set(err, LOOM_ERR_SIM, "%s: it does not simulate: MuJoCo warns (%s)",
                            c->scene->task->path, mju_warningText(fatal[i], 0));

  return 0;
}

// The robots hang in the air: only objects fall.
static int make_still(trial* c, loomError* err) {
  c->m = mj_copyModel(NULL, c->e->m);
  c->d = c->m ? mj_makeData(c->m) : NULL;
  if (!c->d) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");

  for (int b = 1; b < c->m->nbody; b++) {
    if (loom_object_of_body(c->m, c->body, c->out->n, b) >= 0) continue;
    c->m->body_gravcomp[b] = 1;
  }
  c->m->ngravcomp = c->m->nbody - 1;
  mju_copy(c->d->qpos, c->e->d->qpos, (int)c->m->nq);
  for (int o = 0; o < c->out->n; o++) {
    int q = c->scene->object_qpos[o];
    if (!free_object(c, o)) continue;
    c->d->qpos[q + 2] += c->def->drop;
    c->start_z[o] = c->d->qpos[q + 2];
  }

  return 0;
}

// ---- a hand on an object

// The point of a geom that is nearest to another: of a mesh a vertex, of others one of the box around it.
static double nearest_of_geom(double out[3], const loomEpisode* e, int geom, const double from[3]) {
  const double *at = e->d->geom_xpos + 3 * geom, *turn = e->d->geom_xmat + 9 * geom;
  const double *aabb = e->m->geom_aabb + 6 * geom, *half = aabb + 3;
  double off[3], in[3], best = INFINITY;
  mju_sub3(off, from, at);
  mju_mulMatTVec3(in, turn, off);

  int mesh = e->m->geom_type[geom] == mjGEOM_MESH ? e->m->geom_dataid[geom] : -1;
  for (int v = 0; v < (mesh >= 0 ? e->m->mesh_vertnum[mesh] : 1); v++) {
    double p[3], away[3];
    for (int k = 0; k < 3; k++)
      p[k] = mesh >= 0 ? (double)e->m->mesh_vert[3 * (e->m->mesh_vertadr[mesh] + v) + k]
                       : fmin(fmax(in[k], aabb[k] - half[k]), aabb[k] + half[k]);
    mju_sub3(away, p, in);
    if (mju_norm3(away) >= best) continue;
    best = mju_norm3(away);
    mju_mulMatVec3(out, turn, p);
  }
  mju_addTo3(out, at);
  return best;
}

// The same of all geoms of an object that collide.
static double nearest_point(double out[3], const trial* c, int object, const double from[3]) {
  double best = INFINITY, p[3];
  for (int g = 0; g < c->e->m->ngeom; g++) {
    if (object_of_geom(c, g) != object || (!c->e->m->geom_contype[g] && !c->e->m->geom_conaffinity[g]))
      continue;
    double away = nearest_of_geom(p, c->e, g, from);
    if (away >= best) continue;
    best = away;
    mju_copy3(out, p);
  }
  return best;
}

static bool hand_touches(const loomEpisode* e, const trial* c, int object) {
  for (int i = 0; i < e->d->ncon; i++) {
    const mjContact* con = &e->d->contact[i];
    for (int k = 0; k < 2; k++) {
      int a = con->geom[k], b = con->geom[1 - k];
      if (a < 0 || b < 0 || object_of_geom(c, a) != object || object_of_geom(c, b) >= 0) continue;
      if (e->m->body_weldid[e->m->geom_bodyid[b]]) return true;
    }
  }

  return false;
}

// One control step of an arm towards a point, its gripper closed, the other arm still.
static int step_towards(loomEpisode* e, int arm, const double goal[3], loomError* err) {
  double action[LOOM_MAX_ACTION] = {0};
  loom_episode_keep_still(action, e);
  int at = 0;
  for (int a = 0; a < arm; a++) at += loom_arm_action_dim(&e->arms[a]);

  loomPose eef = loom_episode_eef(e, arm);
  const loomArm* moved = &e->arms[arm];
  for (int k = 0; k < 3; k++) {
    double most = moved->control.output_max[k];
    action[at + k] = most > 0 ? fmin(fmax((goal[k] - eef.pos[k]) / most, -1), 1) : 0;
  }
  for (int k = moved->pose_dim; k < loom_arm_action_dim(moved); k++) action[at + k] = 1;

  return loom_episode_step(e, action, err);
}

// The speed of the steps in which the hand is on it; 0: it does not get there.
static int push_object(trial* c, int arm, int object, loomError* err) {
  enum { WAY = 120, MEASURED = 15 };
  const double beyond = 0.03;  // m into it
  loomEpisode* e = c->e;
  double cpu = 0;
  int64_t steps = 0;
  int code = 0, on = 0;

  for (int i = 0; !code && i < WAY && on < MEASURED; i++) {
    loomPose eef = loom_episode_eef(e, arm);
    double goal[3], ahead[3];
    nearest_point(goal, c, object, eef.pos);
    mju_sub3(ahead, goal, eef.pos);
    if (mju_normalize3(ahead) > 0) mju_addToScl3(goal, ahead, beyond);

    double begun = loom_thread_cpu();
    int64_t before = e->physics_steps;
    code = step_towards(e, arm, goal, err);
    if (code || !hand_touches(e, c, object)) continue;
    cpu += loom_thread_cpu() - begun;
    steps += e->physics_steps - before;
    on++;
  }

  if (!code && steps) c->out->steps_per_second_hand = (double)steps / fmax(cpu, 1e-9);
  return code;
}

// The arm and object that are nearest each other.
static int push_nearest(trial* c, loomError* err) {
  double best = 0.8, p[3];
  int arm = -1, object = -1;
  for (int a = 0; a < c->e->arm_count; a++) {
    loomPose eef = loom_episode_eef(c->e, a);
    for (int o = 0; o < c->out->n; o++) {
      double away = nearest_point(p, c, o, eef.pos);
      if (away >= best) continue;
      best = away;
      arm = a;
      object = o;
    }
  }

  if (arm < 0 || c->e->arms[arm].control.type != LOOM_OSC_POSE) return 0;
  return push_object(c, arm, object, err);
}

// From where everything lies now.
static int push(trial* c, loomError* err) {
  double* state = malloc((size_t)c->e->state_dim * sizeof *state);
  if (!state) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a state");
  loom_episode_state(state, c->e);
  for (int o = 0; o < c->out->n; o++) {
    int q = c->scene->object_qpos[o];
    if (free_object(c, o)) mju_copy(state + 1 + q, c->d->qpos + q, 7);
  }

  int code = loom_episode_again(c->e, state, err);
  if (!code) code = push_nearest(c, err);

  free(state);
  return code;
}

// ---- all of it

static void judge(trial* c) {
  loomTwinCheck* out = c->out;
  out->ok = true;
  out->energy_gain = -INFINITY;
  for (int o = 0; o < out->n; o++) {
    loomTwinFell* f = &out->fell[o];
    int q = c->scene->object_qpos[o];
    if (free_object(c, o)) f->fall = c->start_z[o] - c->def->drop - c->d->qpos[q + 2];
    if (f->rest_seconds > c->def->seconds - 0.1) f->rest_seconds = INFINITY;

    double given = -c->m->body_mass[c->body[o]] * c->m->opt.gravity[2] * c->def->drop;
    f->ok = f->rest_seconds <= c->def->rest && f->deepest <= c->def->deepest &&
            f->energy_gain <= c->def->gain * given && f->fall <= c->def->fall;
    out->ok = out->ok && f->ok;
    out->rest_seconds = fmax(out->rest_seconds, f->rest_seconds);
    out->deepest = fmax(out->deepest, f->deepest);
    out->energy_gain = fmax(out->energy_gain, f->energy_gain);
  }
}

// Geoms that collide, but for the robots'.
static void count_pieces(trial* c) {
  for (int g = 0; g < c->m->ngeom; g++) {
    int o = object_of_geom(c, g), body = c->m->geom_bodyid[g];
    if (!c->m->geom_contype[g] && !c->m->geom_conaffinity[g]) continue;
    const char* name = mj_id2name(c->m, mjOBJ_BODY, body);
    if (o >= 0) c->out->fell[o].pieces++;
    if (o >= 0 || (name && !strcmp(name, "room"))) c->out->pieces++;
  }
}

static int run_check(trial* c, loomError* err) {
  int code = loom_episode_create(&c->e, c->scene, err);
  if (!code) code = loom_episode_reset(c->e, 0, c->def->seed, 0, err);
  if (!code) loom_object_bodies(c->body, c->scene->task, c->e->m);
  if (!code) code = make_still(c, err);
  if (!code) count_pieces(c);

  loom_trap_warnings_clear();
  if (!code) code = loom_trap_run(fall, c, err);
  if (!code) code = check_diverged(c, err);
  if (!code) judge(c);
  c->out->qpos = code ? NULL : malloc((size_t)c->m->nq * sizeof *c->out->qpos + 1);
  if (c->out->qpos) mju_copy(c->out->qpos, c->d->qpos, (int)c->m->nq);

  if (!code) code = loom_trap_run(run_on, c, err);
  if (!code) code = push(c, err);

  // Last: robots no longer touch anything then.
  if (!code) code = loom_check_joints(c->out, c->m, c->d, c->body, c->out->n, c->def, err);
  return code ? code : check_diverged(c, err);
}

int loom_twin_check(loomTwinCheck* out, const loomScene* scene, const loomTwinCheckDef* def, loomError* err) {
  loomTwinCheckDef usual = loom_default_twin_check_def();
  trial c = {.def = def ? def : &usual, .out = out, .scene = scene};
  *out = (loomTwinCheck){.n = scene->task->object_count};
  for (int o = 0; o < out->n; o++)
    snprintf(out->fell[o].name, sizeof out->fell[o].name, "%.60s", scene->task->objects[o].name);

  int code = run_check(&c, err);
  loom_episode_destroy(c.e);
  mj_deleteData(c.d);
  mj_deleteModel(c.m);
  if (code) loom_twin_check_destroy(out);

  return code;
}

void loom_twin_check_destroy(loomTwinCheck* check) {
  free(check->qpos);
  check->qpos = NULL;
}
