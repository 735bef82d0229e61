#include "policies/learn/self_play.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"
#include "engine/base/random.h"

const char* const loom_self_play_names[] = {[LOOM_PLAY_CHASE] = "chase", [LOOM_PLAY_WANDER] = "wander", NULL};

// How far goals are off, slowly and from row to row: m, rad, rad of joints. Each episode has a share of it.
static const double slow[3] = {0.015, 0.08, 0.06}, quick[3] = {0.004, 0.02, 0.015};
static const double pushed[3] = {0.06, 0.3, 0.2};  // now and then, which sends commands to their ends
static const double around[3] = {0.12, 0.4, 0.3};  // goals of those that wander, from where they began
static const double most_share = 1.5, calm = 0.3;  // of episodes; those below `calm` are not pushed either
static const double drift = 0.15;                  // of what is slow, a control step

enum {
  AHEAD = 8,
  PUSH_EVERY = 80,
  PUSH_LEAST = 4,
  PUSH_MOST = 20,
  FLIP_EVERY = 120,
  GOAL_LEAST = 8,
  GOAL_MOST = 40
};

/// An arm at play.
typedef struct playArm {
  double slow[LOOM_MAX_JOINTS], push[LOOM_MAX_JOINTS], goal[LOOM_MAX_JOINTS];
  double grip[LOOM_MAX_HAND], other[LOOM_MAX_HAND];  // what it is told, and while it is told otherwise
  int push_left, flip_left, goal_left;               // control steps
} playArm;

typedef struct playRun {
  const loomSelfPlayDef* def;
  const loomMotionLayout* layout;
  const loomScene* scene;
  loomSelfPlay* out;
  int* steps;             // (episodes) to take at most
  loomEpisode** episode;  // of each worker
  int64_t done;
} playRun;

/// One episode of it.
typedef struct player {
  const playRun* p;
  loomEpisode* e;
  loomRandom random;
  const loomPlayed* demo;
  loomMotion* motion;
  double share;  // of the noise
  int ahead;     // rows
  playArm arm[LOOM_MAX_ARMS];
  double *first, *goal;  // (dim) rows: where it began; where it is to go
} player;

// ---- goals

// The size of the i-th number of a move: a place's, a rotation's, a joint's.
static double size_of(const double sizes[3], const loomArm* arm, int i) {
  return sizes[arm->control.type == LOOM_JOINT_POSITION ? 2 : i < 3 ? 0 : 1];
}

static void draw_move(double* out, const double sizes[3], const loomArm* arm, double share,
                      loomRandom* random) {
  for (int i = 0; i < arm->pose_dim; i++)
    out[i] = share * size_of(sizes, arm, i) * loom_random_normal(random);
}

static bool comes_up(loomRandom* random, int every) {
  return loom_random_uniform(random) * every < 1;
}

static int draw_length(loomRandom* random, int least, int most) {
  return least + loom_random_index(random, most - least + 1);
}

// Move the goal's hand, or its joints.
static void shift_goal(double* goal, const loomMotionLayout* layout, int a, const loomArm* arm,
                       const double* move) {
  double* at = goal + layout->arm[a].at;
  if (arm->control.type == LOOM_JOINT_POSITION) {
    mju_addTo(goal + (loom_motion_joints(layout, a, goal) - goal), move, arm->pose_dim);
    return;
  }

  double turn[4], quat[4];
  mju_addTo3(at, move);
  loom_quat_exp(turn, move + 3);
  loom_quat_mul(quat, turn, at + 3);
  mju_copy4(at + 3, quat);
}

static void disturb_goal(player* y, int a) {
  const loomArm* arm = &y->e->arms[a];
  playArm* p = &y->arm[a];
  double move[LOOM_MAX_JOINTS], step[LOOM_MAX_JOINTS];

  // An Ornstein-Uhlenbeck process of unit share, and noise on top.
  draw_move(step, slow, arm, sqrt(drift * (2 - drift)), &y->random);
  for (int i = 0; i < arm->pose_dim; i++) p->slow[i] += step[i] - drift * p->slow[i];
  draw_move(step, quick, arm, 1, &y->random);
  for (int i = 0; i < arm->pose_dim; i++) move[i] = y->share * (p->slow[i] + step[i]);

  if (!p->push_left && y->share > calm && comes_up(&y->random, PUSH_EVERY)) {
    p->push_left = draw_length(&y->random, PUSH_LEAST, PUSH_MOST);
    draw_move(p->push, pushed, arm, 1, &y->random);
  }
  if (p->push_left) {
    p->push_left--;
    mju_addTo(move, p->push, arm->pose_dim);
  }
  shift_goal(y->goal, y->p->layout, a, arm, move);
}

static void wander_goal(player* y, int a) {
  const loomArm* arm = &y->e->arms[a];
  playArm* p = &y->arm[a];
  if (!p->goal_left--) {
    p->goal_left = draw_length(&y->random, GOAL_LEAST, GOAL_MOST);
    draw_move(p->goal, around, arm, 1, &y->random);
  }
  shift_goal(y->goal, y->p->layout, a, arm, p->goal);
}

// ---- grippers

// As the demo's fingers go, but otherwise for a while now and then. Those that wander turn at random.
static void command_grip(double* grip, player* y, int a, const double* from, const double* to) {
  const loomArm* arm = &y->e->arms[a];
  playArm* p = &y->arm[a];
  if (to) loom_motion_grip(p->grip, y->p->layout, a, arm, from, to);

  if (p->flip_left)
    p->flip_left--;
  else if (y->share > calm && comes_up(&y->random, FLIP_EVERY)) {
    p->flip_left = draw_length(&y->random, PUSH_LEAST, to ? PUSH_MOST : FLIP_EVERY);
    for (int k = 0; k < LOOM_MAX_HAND; k++) p->other[k] = loom_random_range(&y->random, -1, 1);
  }
  bool absolute = arm->robot->gripper_absolute;
  for (int k = 0; k < arm->robot->gripper_dim; k++)
    grip[k] = !p->flip_left ? p->grip[k] : absolute ? p->other[k] : -p->grip[k];
}

// ---- episodes

static void choose_action(double* action, player* y, int t, const double* now) {
  const loomMotionLayout* layout = y->p->layout;
  const loomMotion* demo = y->demo->motion;
  bool chase = y->p->def->kind == LOOM_PLAY_CHASE;
  int last = demo->rows - 1, goal = t + y->ahead < last ? t + y->ahead : last;
  const double* from = demo->row + (ptrdiff_t)(t < last ? t : last) * demo->dim;
  const double* to = demo->row + (ptrdiff_t)(t + 2 < last ? t + 2 : last) * demo->dim;

  memcpy(y->goal, chase ? demo->row + (ptrdiff_t)goal * demo->dim : y->first,
         (size_t)layout->dim * sizeof *y->goal);
  for (int a = 0; a < layout->arm_count; a++) {
    const loomArm* arm = &y->e->arms[a];
    if (!chase) wander_goal(y, a);
    disturb_goal(y, a);
    loom_motion_difference(action, layout, a, arm, now, y->goal);
    command_grip(action + arm->pose_dim, y, a, from, chase ? to : NULL);
    action += loom_arm_action_dim(arm);
  }
}

static int start_episode(player* y, int i, loomError* err) {
  const loomSelfPlayDef* def = y->p->def;
  if (y->demo->start) return loom_episode_start(y->e, y->demo->start, err);
  return loom_episode_reset(y->e, def->reset, def->seed, (uint64_t)i, err);
}

static int play_steps(player* y, int steps, loomError* err) {
  int action_dim = y->e->action_dim, code = 0, t = 0;
  double* row = y->motion->row;
  loom_motion_see(row, y->p->layout, y->e);
  memcpy(y->first, row, (size_t)y->motion->dim * sizeof *row);

  for (; !code && t < steps; t++, row += y->motion->dim) {
    double* action = y->motion->actions + (ptrdiff_t)t * action_dim;
    choose_action(action, y, t, row);
    code = loom_episode_step(y->e, action, err);
    if (!code) loom_motion_see(row + y->motion->dim, y->p->layout, y->e);
  }

  // What MuJoCo gives up on ends there.
  y->motion->rows = code ? t : t + 1;
  return code == LOOM_ERR_SIM ? 0 : code;
}

static int play_episode(void* user, int worker, int i, loomError* err) {
  playRun* p = user;
  const loomSelfPlayDef* def = p->def;
  player y = {.p = p, .e = p->episode[worker], .motion = &p->out->episode[i]};
  y.random = loom_random(def->seed, (uint64_t)i, LOOM_PURPOSE_SELF_PLAY);
  y.demo = &def->demo[i % def->n];
  double noise = loom_random_uniform(&y.random);
  y.share = most_share * noise * noise;
  y.ahead = 1 + loom_random_index(&y.random, AHEAD);
  for (int a = 0; a < p->layout->arm_count; a++)
    for (int k = 0; k < LOOM_MAX_HAND; k++) y.arm[a].grip[k] = -1;

  int code = loom_motion_create(y.motion, p->layout, p->steps[i] + 1, y.e->action_dim, err);
  y.first = calloc(2 * (size_t)p->layout->dim + 1, sizeof *y.first);
  y.goal = y.first ? y.first + p->layout->dim : NULL;
  if (!code && !y.first) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for self-play");
  if (!code) code = start_episode(&y, i, err);
  if (!code) code = play_steps(&y, p->steps[i], err);
  free(y.first);
  return code;
}

static int create_player(void* user, int worker, loomError* err) {
  playRun* p = user;
  return loom_episode_create(&p->episode[worker], p->scene, err);
}

static void destroy_player(void* user, int worker) {
  playRun* p = user;
  loom_episode_destroy(p->episode[worker]);
}

static int tell_played(void* user, int worker, int i, int prefix, loomError* err) {
  playRun* p = user;
  (void)worker, (void)prefix, (void)err;
  p->done += p->steps[i];
  if (p->def->progress) p->def->progress(p->def->user, p->done, p->def->steps);
  return 0;
}

// How long each episode is, until all steps are shared out.
static int share_out(playRun* p, loomError* err) {
  const loomSelfPlayDef* def = p->def;
  int64_t left = def->steps;
  int room = 0;
  while (left > 0) {
    int i = p->out->n;
    if (i == room) {
      room = 2 * room + 64;
      int* more = realloc(p->steps, (size_t)room * sizeof *more);
      if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for self-play");
      p->steps = more;
    }
    int rows = def->demo[i % def->n].motion->rows;
    int64_t length = def->kind == LOOM_PLAY_CHASE && rows > 1 ? rows : def->length;
    p->steps[i] = (int)(length < left ? length : left);
    left -= p->steps[i];
    p->out->n++;
  }

  p->out->episode = calloc((size_t)p->out->n + 1, sizeof *p->out->episode);
  return p->out->episode ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for self-play");
}

int loom_self_play(loomSelfPlay* out, const loomScene* scene, const loomMotionLayout* layout,
                   const loomSelfPlayDef* def, loomError* err) {
  playRun p = {.def = def, .layout = layout, .scene = scene, .out = out};
  *out = (loomSelfPlay){0};
  int code = share_out(&p, err);

  int workers = loom_pool_workers(def->threads, out->n);
  p.episode = calloc((size_t)workers + 1, sizeof(loomEpisode*));
  if (!code && !p.episode) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for self-play");

  loomPoolDef pool = {.n = out->n,
                      .threads = workers,
                      .user = &p,
                      .item = play_episode,
                      .create = create_player,
                      .destroy = destroy_player,
                      .finished = tell_played,
                      .stop = def->stop};
  if (!code) code = loom_pool_run(&pool, err);
  if (!code && def->stop && *def->stop) code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");

  for (int i = 0; !code && i < out->n; i++) out->steps += out->episode[i].rows - 1;
  free(p.episode);
  free(p.steps);
  if (code) loom_self_play_destroy(out);
  return code;
}

void loom_self_play_destroy(loomSelfPlay* play) {
  for (int i = 0; play->episode && i < play->n; i++) loom_motion_destroy(&play->episode[i]);
  free(play->episode);
  *play = (loomSelfPlay){0};
}
