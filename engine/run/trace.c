#include "engine/run/trace.h"

#include <stdlib.h>
#include <string.h>

int loom_trace_create(loomTrace* t, const loomEpisode* e, int capacity, loomError* err) {
  memset(t, 0, sizeof *t);
  size_t rows = (size_t)capacity, arms = (size_t)e->arm_count, objects = (size_t)e->scene->task->object_count;
  t->capacity = capacity;
  t->action_dim = e->action_dim;
  t->state_dim = e->state_dim;
  int code = loom_observer_create_all(&t->observer, e, err);
  if (code) return code;
  t->obs_dim = loom_observer_dim(t->observer);

  t->arm_count = e->arm_count;
  t->object_count = e->scene->task->object_count;

  // Objects last and arms side by side, as the arrays of a dataset lie.
  t->actions = calloc(rows * (size_t)e->action_dim, sizeof(double));
  t->states = calloc(rows * (size_t)e->state_dim, sizeof(double));
  t->obs = calloc((rows + 1) * (size_t)t->obs_dim, sizeof(double));
  t->eef = calloc(rows * arms * 16, sizeof(double));
  t->target = calloc(rows * arms * 16, sizeof(double));
  t->grip = calloc(rows * arms, sizeof(double));
  t->object = calloc(rows * (objects + 1) * 16, sizeof(double));
  t->reward = calloc(rows, sizeof(double));
  t->subtask = calloc(rows * arms, sizeof(int64_t));
  t->source = calloc(rows * arms, sizeof(int64_t));

  if (t->actions && t->states && t->obs && t->eef && t->target && t->grip && t->object && t->reward &&
      t->subtask && t->source) {
    return 0;
  }
  loom_trace_destroy(t);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a trace of %d rows", capacity);
}

void loom_trace_destroy(loomTrace* t) {
  if (!t) return;
  loom_observer_destroy(t->observer);
  free(t->actions);
  free(t->states);
  free(t->obs);
  free(t->eef);
  free(t->target);
  free(t->grip);
  free(t->object);
  free(t->reward);
  free(t->subtask);
  free(t->source);
  memset(t, 0, sizeof *t);
}

void loom_trace_add(loomTrace* t, loomEpisode* e, const double* action) {
  size_t row = (size_t)t->rows++, arms = (size_t)t->arm_count;
  memcpy(t->actions + row * (size_t)t->action_dim, action, sizeof(double) * (size_t)t->action_dim);
  loom_episode_state(t->states + row * (size_t)t->state_dim, e);
  loom_observer_see_doubles(t->obs + row * (size_t)t->obs_dim, t->observer, e);

  for (size_t a = 0; a < arms; a++) {
    loom_pose_to_matrix(t->eef + 16 * (row * arms + a), loom_episode_eef(e, (int)a));
  }

  for (int o = 0; o < t->object_count; o++) {
    loom_pose_to_matrix(t->object + 16 * ((size_t)o * (size_t)t->capacity + row), loom_episode_object(e, o));
  }
  t->reward[row] = 0;
}

void loom_trace_end(loomTrace* t, loomEpisode* e) {
  loom_observer_see_doubles(t->obs + (size_t)t->rows * (size_t)t->obs_dim, t->observer, e);
}

void loom_trace_put_grippers(loomTrace* t, const loomEpisode* e) {
  double room[LOOM_MAX_ACTION];
  for (int r = 0; r < t->rows; r++) {
    const double* action = loom_episode_own(room, e, t->actions + (ptrdiff_t)r * t->action_dim);
    for (int a = 0; a < t->arm_count; a++) {
      int hand = e->arms[a].robot->gripper_dim;
      double sum = 0;
      for (int i = 0; i < hand; i++) sum += action[e->arms[a].pose_dim + i];
      t->grip[r * t->arm_count + a] = hand ? sum / hand : 0;
      action += loom_arm_action_dim(&e->arms[a]);
    }
  }
}
