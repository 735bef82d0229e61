#include "generators/source/clean_path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sim/part.h"
#include "engine/sim/reach.h"
#include "generators/source/retime.h"
#include "generators/source/smooth.h"

enum { REACH_ITERATIONS = 30 };
enum { ALL_JOINTS = LOOM_MAX_ARMS * LOOM_MAX_JOINTS };

static const double pressed = 0.001;  // m deep: a hand bumps into something
static const double still = 0.01;     // m/s: a hand that is slower does not count for the pace
static const double m_per_rad = 0.1;  // how much of a way one rad of turning counts for, m
static const double reachable =
    0.9;  // share of the largest move of an action that the hand's speed may ask for
static const double skip_rows = 20;    // points a row, at most: pauses go by in no time
static const double along_hand = 0.7;  // cosine of a normal that lies along the hand's z axis

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a cleaned demo");
}

// ---- looking

static int arm_of_body(const loomEpisode* e, int body) {
  for (; body > 0; body = e->m->body_parentid[body]) {
    for (int a = 0; a < e->arm_count; a++) {
      const loomArm* arm = &e->arms[a];
      for (int i = 0; i < arm->n; i++)
        if (e->m->dof_bodyid[arm->dof[i]] == body) return a;
      for (int i = 0; i < arm->hand_n; i++)
        if (e->m->dof_bodyid[arm->hand_dof[i]] == body) return a;
    }
  }
  return -1;
}

static bool holds(const loomReplay* r, const loomTask* task, int arm, int object, int t) {
  unsigned all = (1u << task->robots[arm].finger_count) - 1;
  return object >= 0 && all && r->grip[arm][t] > 0 &&
         r->touch[(t * r->arm_count + arm) * r->object_count + object] == all;
}

// Which arms press on what they do not hold, and how deep along their hands' z axes, in the episode as it is
// shown at row t.
static void look_for_presses(loomCleanInput* in, const loomEpisode* e, const loomReplay* r, int t) {
  const loomTask* task = e->scene->task;
  bool* bump = in->bump + t * r->arm_count;
  double* press = in->press + t * r->arm_count;

  for (int c = 0; c < e->d->ncon; c++) {
    const mjContact* contact = &e->d->contact[c];
    if (contact->geom[0] < 0 || contact->geom[1] < 0 || contact->dist >= 0) continue;
    for (int side = 0; side < 2; side++) {
      int arm = arm_of_body(e, e->m->geom_bodyid[contact->geom[side]]), other = contact->geom[1 - side];
      int object = loom_object_of_geom(e->m, e->scene->object_body, task->object_count, other);
      if (arm < 0 || arm_of_body(e, e->m->geom_bodyid[other]) == arm) continue;
      if (-contact->dist >= pressed && !holds(r, task, arm, object, t)) bump[arm] = true;

      // The contact's normal is the first row of its frame; the site's z axis the last column of its matrix.
      const double* mat = e->d->site_xmat + 9 * e->arms[arm].site;
      double along = contact->frame[0] * mat[2] + contact->frame[1] * mat[5] + contact->frame[2] * mat[8];
      if (fabs(along) > along_hand) press[arm] = fmax(press[arm], -contact->dist);
    }
  }
}

static int grips_at(double grip[LOOM_MAX_ARMS], const loomEpisode* e, const double* action) {
  for (int a = 0; a < e->arm_count; a++) {
    int n = e->arms[a].robot->gripper_dim;
    grip[a] = 0;
    for (int i = 0; i < n; i++) grip[a] += action[e->arms[a].pose_dim + i] / n;
    action += loom_arm_action_dim(&e->arms[a]);
  }
  return 0;
}

/// One look through all rows of a demo; in and replay may be NULL.
static int look(loomCleanFigures* f, loomCleanInput* in, loomEpisode* e, const loomReplay* replay,
                const loomDemo* demo, loomError* err) {
  loomQuality quality = {0};
  double last[ALL_JOINTS] = {0}, grip[LOOM_MAX_ARMS];
  int code = loom_episode_start(e, demo->states, err);
  *f = (loomCleanFigures){.rows = demo->rows};

  for (int t = 0; !code && t < demo->rows; t++) {
    grips_at(grip, e, demo->actions + (size_t)t * (size_t)demo->action_dim);
    code = loom_episode_show(e, demo->states + (size_t)t * (size_t)demo->state_dim, grip, err);
    if (code) break;

    // Presses count once objects have settled, which the episode tells by its steps.
    e->steps = t;
    double before = quality.penetration;
    loom_quality_state(&quality, e);
    if (quality.penetration > before) f->pressed_row = t;
    f->success = loom_episode_success(e);
    for (int a = 0, k = 0; a < e->arm_count; a++) {
      for (int i = 0; i < e->arms[a].n; i++, k++) {
        double speed = e->d->qvel[e->arms[a].dof[i]];
        if (t) f->acceleration = fmax(f->acceleration, fabs(speed - last[k]) * e->scene->task->control_freq);
        last[k] = speed;
        if (in) in->q[t * in->joints + k] = e->d->qpos[e->arms[a].qpos[i]];
      }
    }
    if (in) look_for_presses(in, e, replay, t);
  }

  f->joint_speed = quality.joint_speed;
  f->penetration = quality.penetration;
  memcpy(f->pressed, quality.penetrating, sizeof f->pressed);
  return code;
}

int loom_clean_measure(loomCleanFigures* figures, loomEpisode* e, const loomDemo* demo, loomError* err) {
  return look(figures, NULL, e, NULL, demo, err);
}

int loom_clean_look(loomCleanInput* out, loomCleanFigures* figures, loomHeap* heap, loomEpisode* e,
                    const loomReplay* r, const loomDemo* demo, loomError* err) {
  size_t rows = (size_t)r->rows;
  *out = (loomCleanInput){.replay = r};
  for (int a = 0; a < e->arm_count; a++) out->joints += e->arms[a].n;
  out->q = loom_heap_take(heap, rows * (size_t)out->joints, sizeof(double));
  out->bump = loom_heap_take(heap, rows * (size_t)r->arm_count, sizeof(bool));
  out->press = loom_heap_take(heap, rows * (size_t)r->arm_count, sizeof(double));
  out->slack = loom_heap_take(heap, rows, sizeof(double));
  if (!out->q || !out->bump || !out->press || !out->slack) return no_memory(err);

  int code = look(figures, out, e, r, demo, err);
  if (!code) code = loom_events_find(&out->event, &out->event_count, r, e->scene->task, err);
  if (code) return code;

  loom_smooth_slack(out->slack, r, e->scene->task, out->event, out->event_count);
  out->grasp = loom_heap_take(heap, (size_t)out->event_count, sizeof *out->grasp);
  if (!out->grasp) return no_memory(err);

  // Joints are looked for an arm at a time, on a base that stands.
  if (e->arms[0].control.type != LOOM_OSC_POSE) return 0;
  out->grasp_count =
      loom_clean_grasps(out->grasp, r, e->scene->task, out->event, out->event_count, out->bump, out->press);
  return 0;
}

// ---- the way

/// A way on its way.
typedef struct way {
  loomEpisode* e;
  const loomCleanInput* in;
  const loomReplay* r;
  const loomDemo* demo;
  const loomCleanDef* def;
  int rows, joints, freq;
  double *q, *share, *cap, *time, *rate, *scratch;
  loomPose* pose[LOOM_MAX_ARMS];  // (rows) of the hands on it
  double* lead[LOOM_MAX_ARMS];    // (rows x 6) m and rad that targets lie ahead, beyond what speed asks for
  bool* vain[LOOM_MAX_ARMS];      // (rows) hands that close on nothing
} way;

static int take_way(way* w, loomHeap* heap, loomError* err) {
  size_t rows = (size_t)w->rows;
  w->q = loom_heap_take(heap, rows * (size_t)w->joints, sizeof(double));
  w->share = loom_heap_take(heap, rows, sizeof(double));
  w->cap = loom_heap_take(heap, rows, sizeof(double));
  w->time = loom_heap_take(heap, rows, sizeof(double));
  w->rate = loom_heap_take(heap, rows, sizeof(double));
  w->scratch = loom_heap_take(heap, rows * (size_t)(w->joints + 6), sizeof(double));
  bool ok = w->q && w->share && w->cap && w->time && w->rate && w->scratch;

  for (int a = 0; a < w->r->arm_count; a++) {
    w->pose[a] = loom_heap_take(heap, rows, sizeof(loomPose));
    w->lead[a] = loom_heap_take(heap, 6 * rows, sizeof(double));
    w->vain[a] = loom_heap_take(heap, rows, sizeof(bool));
    ok = ok && w->pose[a] && w->lead[a] && w->vain[a];
  }
  return ok ? 0 : no_memory(err);
}

// Seconds by which a hand follows its target (Khatib's spring and damper at a constant speed: kp lag = kd),
// and half a control step, in which targets stand still.
static double lag_of(const loomArm* arm, int entry, double freq) {
  const loomControllerDef* c = &arm->control;
  if (c->type != LOOM_OSC_POSE || c->kp[entry] <= 0) return 0;
  return 2 * c->damping_ratio[entry] / sqrt(c->kp[entry]) + 0.5 / freq;
}

// From one pose to another: (3) m, then (3) rotation vector in the world frame, rad.
static void pose_gap(double gap[6], loomPose from, loomPose to) {
  double inverse[4] = {from.quat[0], -from.quat[1], -from.quat[2], -from.quat[3]}, turn[4];
  for (int i = 0; i < 3; i++) gap[i] = to.pos[i] - from.pos[i];
  loom_quat_mul(turn, to.quat, inverse);
  loom_quat_log(gap + 3, turn);
}

static loomPose pose_moved(loomPose from, const double gap[6]) {
  double turn[4];
  for (int i = 0; i < 3; i++) from.pos[i] += gap[i];
  loom_quat_exp(turn, gap + 3);
  loom_quat_mul(from.quat, turn, from.quat);
  return from;
}

// What the recorded targets lead the hand by, beyond what its speed asks for: loads, presses and jitter.
static void find_leads(way* w) {
  for (int a = 0; a < w->r->arm_count; a++) {
    const loomPose* eef = w->r->eef[a];
    for (int t = 0; t < w->rows; t++) {
      int next = t + 1 < w->rows ? t + 1 : t;
      double speed[6], gap[6];
      pose_gap(speed, eef[next > t ? t : t - 1], eef[next]);
      pose_gap(gap, eef[t], w->r->target[a][t]);

      for (int i = 0; i < 6; i++)
        w->lead[a][6 * t + i] = gap[i] - speed[i] * w->freq * lag_of(&w->e->arms[a], i, w->freq);
    }
  }
}

static void bridge_rows(way* w, int arm, int first_joint, int n, int first, int last) {
  for (int k = first + 1; k < last; k++) {
    double part = (double)(k - first) / (last - first), share = part * part * (3 - 2 * part);
    for (int j = first_joint; j < first_joint + n; j++)
      w->q[k * w->joints + j] =
          (1 - share) * w->q[first * w->joints + j] + share * w->q[last * w->joints + j];
    memset(w->lead[arm] + 6 * k, 0, 6 * sizeof(double));
  }
}

// Joints that bring the arm's hand to a pose, from those it has at the row.
static void reach(way* w, int arm, int first_joint, int t, loomPose pose) {
  double q[LOOM_MAX_JOINTS], *at = w->q + t * w->joints + first_joint;
  loom_episode_reach(q, w->e, arm, at, pose, REACH_ITERATIONS);
  memcpy(at, q, sizeof *q * (size_t)w->e->arms[arm].n);
}

// A straight approach, the way to it, and what is left of the hand's being drawn back afterwards.
static void approach(way* w, const loomCleanGrasp* g) {
  int first_joint = 0;
  for (int a = 0; a < g->arm; a++) first_joint += w->e->arms[a].n;

  for (int t = g->start; t <= g->hold; t++) {
    reach(w, g->arm, first_joint, t, loom_clean_approach(g, w->r, t));
    memset(w->lead[g->arm] + 6 * t, 0, 6 * sizeof(double));
  }
  bridge_rows(w, g->arm, first_joint, w->e->arms[g->arm].n, g->begin, g->start);

  for (int t = g->hold + 1; t < w->rows && w->in->slack[t] < 1; t++) {
    loomPose back = loom_pose_identity();
    for (int k = 0; k < 3; k++) back.pos[k] = g->shift[k] * (1 - w->in->slack[t]);
    reach(w, g->arm, first_joint, t, loom_pose_mul(w->r->eef[g->arm][t], back));

    // The recorded hand was led by what it pressed on.
    for (int k = 0; k < 6; k++) w->lead[g->arm][6 * t + k] *= w->in->slack[t];
  }
}

static void show_joints(way* w, const double* q, int t) {
  mjData* d = w->e->scratch;
  const double* state = w->demo->states + (size_t)t * (size_t)w->demo->state_dim;
  mju_copy(d->qpos, state + 1, (int)w->e->m->nq);
  for (int a = 0, k = 0; a < w->r->arm_count; a++)
    for (int i = 0; i < w->e->arms[a].n; i++, k++) d->qpos[w->e->arms[a].qpos[i]] = q[k];
  mj_kinematics(w->e->m, d);
}

// How far the hands have left the recorded way, in tolerances.
static double strayed(way* w, const double* base, const double* q, int t) {
  loomPose before[LOOM_MAX_ARMS];
  double most = 0;
  show_joints(w, base, t);
  for (int a = 0; a < w->r->arm_count; a++) before[a] = loom_arm_eef(&w->e->arms[a], w->e->scratch);
  show_joints(w, q, t);
  for (int a = 0; a < w->r->arm_count; a++) {
    loomPose now = loom_arm_eef(&w->e->arms[a], w->e->scratch);
    most = fmax(most, loom_pose_distance(before[a], now) / w->def->tolerance);
    most = fmax(most, loom_quat_angle(before[a].quat, now.quat) / w->def->turn);
  }
  return most;
}

// Joints and leads smoothed where rows have slack, and drawn back to the recorded way where hands would leave
// it by more than they may.
static void smooth_way(way* w) {
  double sigma = w->def->window * w->freq, *out = w->scratch;
  loom_smooth_rows(out, w->q, w->rows, w->joints, w->in->slack, sigma);

  double* spare = w->scratch + w->rows * w->joints;
  for (int t = 0; t < w->rows; t++) {
    double off = strayed(w, w->q + t * w->joints, out + t * w->joints, t);
    w->share[t] = off > 1 ? 1 / off : 1;
  }
  loom_smooth_share(w->share, spare, w->rows, w->freq / 2);
  for (int t = 0; t < w->rows; t++)
    for (int j = 0; j < w->joints; j++)
      w->q[t * w->joints + j] += w->share[t] * (out[t * w->joints + j] - w->q[t * w->joints + j]);

  for (int a = 0; a < w->r->arm_count; a++) {
    loom_smooth_rows(out, w->lead[a], w->rows, 6, w->in->slack, sigma);
    memcpy(w->lead[a], out, 6 * sizeof(double) * (size_t)w->rows);
  }

  for (int t = 0; t < w->rows; t++) {
    show_joints(w, w->q + t * w->joints, t);
    for (int a = 0; a < w->r->arm_count; a++) w->pose[a][t] = loom_arm_eef(&w->e->arms[a], w->e->scratch);
  }
}

// ---- the pace

static double way_of(loomPose from, loomPose to) {
  return loom_pose_distance(from, to) + m_per_rad * loom_quat_angle(from.quat, to.quat);
}

// The speed at which the arm that moves most has been moved on average, while it was, m/s.
static double mean_speed(const way* w) {
  double most = 0;
  for (int a = 0; a < w->r->arm_count; a++) {
    double sum = 0;
    int n = 0;
    for (int t = 0; t + 1 < w->rows; t++) {
      double speed = way_of(w->r->eef[a][t], w->r->eef[a][t + 1]) * w->freq;
      if (speed > still) sum += speed, n++;
    }
    if (n) most = fmax(most, sum / n);
  }
  return most;
}

// The highest rate at row t: the recorded one, or where rows are free and slow, that of the mean speed; and
// never what asks for larger moves than actions can be.
static double rate_cap(const way* w, double mean, int t) {
  int next = t + 1 < w->rows ? t + 1 : t, before = next - 1;
  double fastest = 0, cap = skip_rows, most = skip_rows;

  for (int a = 0; a < w->r->arm_count; a++) {
    const loomArm* arm = &w->e->arms[a];
    double gap[6];
    pose_gap(gap, w->pose[a][before], w->pose[a][next]);
    fastest = fmax(fastest, way_of(w->pose[a][before], w->pose[a][next]) * w->freq);

    for (int i = 0; i < 6 && arm->control.delta; i++) {
      double lead = fabs(gap[i]) * w->freq * lag_of(arm, i, w->freq);
      if (lead > 0) most = fmin(most, reachable * arm->control.output_max[i] / lead);
    }
  }

  if (mean < cap * fastest) cap = mean / fastest;
  double free = cap > 1 ? cap : 1, kept = 1;
  double wanted = kept + w->in->slack[t] * (free - kept);
  return w->freq * fmax(0.05, fmin(wanted, most));
}

static int retime_way(way* w, loomError* err) {
  double velocity[ALL_JOINTS], acceleration[ALL_JOINTS], mean = mean_speed(w);
  int k = 0;
  for (int a = 0; a < w->r->arm_count; a++) {
    const loomJointsDef* j = &w->e->arms[a].robot->arm;
    for (int i = 0; i < w->e->arms[a].n; i++, k++) {
      velocity[k] = w->def->margin * j->velocity_limit[i];
      acceleration[k] = w->def->margin * j->acceleration_limit[i];
    }
  }

  for (int t = 0; t < w->rows; t++) w->cap[t] = rate_cap(w, mean, t);
  loomRetimeDef def = {w->joints, velocity, acceleration};
  return loom_retime(w->time, w->rate, w->q, w->cap, w->rows, &def, err);
}

// ---- control steps

// Which point of the way is passed at a time: between two points the rate changes evenly.
static double point_at(const way* w, double time) {
  int i = 0;
  while (i + 2 < w->rows && w->time[i + 1] <= time) i++;
  double whole = w->time[i + 1] - w->time[i], t = fmin(time - w->time[i], whole);
  double s = w->rate[i] * t + (w->rate[i + 1] - w->rate[i]) / whole * t * t / 2;
  return i + fmin(fmax(s, 0), 1);
}

static loomPose pose_at(const way* w, int arm, double s) {
  int i = (int)s < w->rows - 1 ? (int)s : w->rows - 2;
  return loom_pose_interpolate(w->pose[arm][i], w->pose[arm][i + 1], s - i);
}

static void put_step(loomCleanPath* out, const way* w, int k, double now, double next) {
  int i = (int)now < w->rows - 1 ? (int)now : w->rows - 2, row = (int)(now + 0.5);
  out->row[k] = now;

  for (int a = 0; a < w->r->arm_count; a++) {
    loomPose here = pose_at(w, a, now);
    double gap[6];
    pose_gap(gap, here, pose_at(w, a, next));
    for (int c = 0; c < 6; c++) {
      const double* lead = w->lead[a] + 6 * i + c;
      gap[c] =
          gap[c] * w->freq * lag_of(&w->e->arms[a], c, w->freq) + lead[0] + (now - i) * (lead[6] - lead[0]);
    }
    out->pose[a][k] = here;
    out->target[a][k] = pose_moved(here, gap);

    // A hand that would close on nothing stays as it was before.
    int from = row;
    while (from > 0 && w->vain[a][from]) from--;
    memcpy(out->hand[a] + k * LOOM_MAX_HAND, w->r->hand[a] + from * LOOM_MAX_HAND,
           LOOM_MAX_HAND * sizeof(double));
  }
}

static int resample(loomCleanPath* out, loomHeap* heap, const way* w, loomError* err) {
  int steps = (int)ceil(w->time[w->rows - 1] * w->freq) + 1;
  out->steps = steps;
  out->row = loom_heap_take(heap, (size_t)steps, sizeof(double));
  bool ok = out->row != NULL;
  for (int a = 0; a < w->r->arm_count; a++) {
    out->target[a] = loom_heap_take(heap, (size_t)steps, sizeof(loomPose));
    out->pose[a] = loom_heap_take(heap, (size_t)steps, sizeof(loomPose));
    out->hand[a] = loom_heap_take(heap, (size_t)steps * LOOM_MAX_HAND, sizeof(double));
    ok = ok && out->target[a] && out->pose[a] && out->hand[a];
  }
  if (!ok) return no_memory(err);

  for (int k = 0; k < steps; k++)
    put_step(out, w, k, point_at(w, (double)k / w->freq), point_at(w, (k + 1.0) / w->freq));
  return 0;
}

int loom_clean_path(loomCleanPath* out, loomHeap* heap, loomEpisode* e, const loomCleanInput* in,
                    const loomDemo* demo, const loomCleanDef* def, loomError* err) {
  const loomReplay* r = in->replay;
  way w = {.e = e,
           .in = in,
           .r = r,
           .demo = demo,
           .def = def,
           .rows = r->rows,
           .joints = in->joints,
           .freq = (int)e->scene->task->control_freq};
  int code = take_way(&w, heap, err);
  if (code) return code;

  memcpy(w.q, in->q, sizeof(double) * (size_t)(w.rows * w.joints));
  for (int a = 0; a < r->arm_count; a++) loom_smooth_vain(w.vain[a], r, a, in->event, in->event_count);
  find_leads(&w);

  for (int i = 0; i < in->grasp_count; i++)
    if (def->straight[i % 2]) approach(&w, &in->grasp[i]);

  out->def = def;
  smooth_way(&w);
  code = retime_way(&w, err);
  return code ? code : resample(out, heap, &w, err);
}
