// demoloom relabel: what demos show without their actions.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/observe/observer.h"
#include "tools/command/relabel.h"

static int find_rows(int* rows, const loomDataset* dataset, int demo, loomError* err) {
  int64_t n = 0;
  int code = loom_dataset_attr_int(&n, dataset, loom_dataset_demo_path(dataset, demo), "num_samples", err);

  if (code) return code;
  *rows = n > 0 && n < INT32_MAX ? (int)n : 0;
  if (*rows > 1) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: %s: num_samples says %lld; an action lies between two rows, so there must be two",
      loom_dataset_path(dataset), loom_dataset_demo_name(dataset, demo), (long long)n);
}

// All rows of a matrix that must be (rows x dim). loom_obs_numbers says what is no finite number.
static int read_matrix(loomArray* out, const loomDataset* dataset, int demo, const char* path, int rows,
                       int dim, const char* why, loomError* err) {
  loomArray a;
  int code = loom_dataset_describe(&a, dataset, loom_dataset_demo_path(dataset, demo), path, err);

  if (!code && (a.rank != 2 || a.shape[0] != rows || a.shape[1] != dim))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s is not (%d x %d), %s; is it another task's?",
                          loom_dataset_path(dataset), loom_dataset_demo_name(dataset, demo), path, rows, dim,
                          why);
  return code ? code : loom_obs_numbers(out, path, dim, dataset, demo, rows, err);
}

static int show(relabelDemo* d, int t, const double* state, const loomMotionLayout* layout, loomEpisode* e,
                loomError* err) {
  double grip[LOOM_MAX_ARMS] = {0};
  int code = loom_episode_show(e, state, grip, err);
  if (!code) loom_motion_see(d->motion.row + (ptrdiff_t)t * layout->dim, layout, e);
  return code;
}

// ---- by states

static int read_states(relabelDemo* d, const loomDataset* dataset, int demo, const loomMotionLayout* layout,
                       loomEpisode* e, loomError* err) {
  loomArray a = {0};
  char label[LOOM_PATH_MAX];
  snprintf(label, sizeof label, "%.900s: %.100s", loom_dataset_path(dataset),
           loom_dataset_demo_name(dataset, demo));
  int code =
      read_matrix(&a, dataset, demo, "states", d->rows, e->state_dim, "as the task's model has them", err);
  if (code) return code;

  const double* state = a.data;
  code = loom_scene_period(e->scene, state, d->rows, e->state_dim, label, err);
  if (!code) code = loom_episode_start(e, state, err);
  for (int t = 0; !code && t < d->rows; t++)
    code = show(d, t, state + (ptrdiff_t)t * e->state_dim, layout, e, err);

  d->state = code ? NULL : malloc((size_t)e->state_dim * sizeof *d->state);
  if (d->state) memcpy(d->state, state, (size_t)e->state_dim * sizeof *d->state);
  if (!code && !d->state) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a state");
  loom_array_destroy(&a);
  return code;
}

// ---- by observations

enum { KEYS = 4 };

static const char* const arm_keys[KEYS] = {"joint_pos", "joint_vel", "gripper_qpos", "gripper_qvel"};

static void key_path(char* path, size_t size, const loomArm* arm, int key) {
  const char* prefix = arm->robot->prefix;
  snprintf(path, size, "obs/%s%s%s", prefix, *prefix ? "_" : "", arm_keys[key]);
}

static int check_keys(const loomDataset* dataset, int demo, const loomEpisode* e, loomError* err) {
  for (int a = 0; a < e->arm_count; a++) {
    char path[2 * LOOM_NAME_MAX];
    for (int k = 0; k < KEYS; k++) {
      key_path(path, sizeof path, &e->arms[a], k);
      if (!loom_dataset_has(dataset, loom_dataset_demo_path(dataset, demo), path))
        return loom_error_set(
            err, LOOM_ERR_FORMAT,
            "%s: %s: neither states nor %s; actions are inferred from states, or from joints and "
            "gripper of each arm",
            loom_dataset_path(dataset), loom_dataset_demo_name(dataset, demo), path);
    }
    if (e->arms[a].robot->torso.count)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "%s: %s: no states, and observations do not tell of the torso of robot '%s'",
                            loom_dataset_path(dataset), loom_dataset_demo_name(dataset, demo),
                            e->arms[a].robot->robot);
  }

  return 0;
}

// One key's numbers into each row's state: they lie there as `address` says.
static int fill_states(double* state, const relabelDemo* d, const loomDataset* dataset, int demo,
                       const loomEpisode* e, const loomArm* arm, int key, loomError* err) {
  const int* const address[KEYS] = {arm->qpos, arm->dof, arm->hand_qpos, arm->hand_dof};
  int dim = key < 2 ? arm->n : arm->hand_n, first = key % 2 ? 1 + (int)e->m->nq : 1;
  char path[2 * LOOM_NAME_MAX];
  loomArray a;
  key_path(path, sizeof path, arm, key);
  int code = read_matrix(&a, dataset, demo, path, d->rows, dim, "as the task's robots have them", err);
  if (code) return code;

  const double* x = a.data;
  for (int t = 0; t < d->rows; t++)
    for (int i = 0; i < dim; i++)
      state[(ptrdiff_t)t * e->state_dim + first + address[key][i]] = x[(ptrdiff_t)t * dim + i];
  loom_array_destroy(&a);
  return 0;
}

// Objects stay where the model has them: nothing of them is looked at.
static int read_observations(relabelDemo* d, const loomDataset* dataset, int demo,
                             const loomMotionLayout* layout, loomEpisode* e, loomError* err) {
  int code = check_keys(dataset, demo, e, err);
  if (code) return code;
  size_t dim = (size_t)e->state_dim;
  double* state = calloc((size_t)d->rows * dim, sizeof *state);
  if (!state) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for states");

  for (int t = 0; t < d->rows; t++) mju_copy(state + (size_t)t * dim + 1, e->m->qpos0, (int)e->m->nq);
  for (int a = 0; !code && a < e->arm_count; a++)
    for (int k = 0; !code && k < KEYS; k++)
      code = fill_states(state, d, dataset, demo, e, &e->arms[a], k, err);
  if (!code) code = loom_episode_start(e, state, err);
  for (int t = 0; !code && t < d->rows; t++) code = show(d, t, state + (size_t)t * dim, layout, e, err);
  free(state);
  return code;
}

// ----

static int read_truth(relabelDemo* d, const loomDataset* dataset, int demo, const loomEpisode* e,
                      loomError* err) {
  loomArray a = {0};

  if (!loom_dataset_has(dataset, loom_dataset_demo_path(dataset, demo), "actions")) return 0;
  int code = read_matrix(&a, dataset, demo, "actions", d->rows, e->action_dim,
                         "as the task's robots take them", err);
  d->truth = a.data;
  return code;
}

int relabel_read(relabelDemo* out, const loomDataset* dataset, int demo, const loomMotionLayout* layout,
                 loomEpisode* e, loomError* err) {
  *out = (relabelDemo){0};
  int code = find_rows(&out->rows, dataset, demo, err);
  if (!code) code = loom_motion_create(&out->motion, layout, out->rows, 0, err);
  if (!code) out->actions = calloc((size_t)out->rows * (size_t)e->action_dim, sizeof *out->actions);
  if (!code && !out->actions) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for actions");

  bool states = loom_dataset_has(dataset, loom_dataset_demo_path(dataset, demo), "states");
  if (!code) code = (states ? read_states : read_observations)(out, dataset, demo, layout, e, err);
  return code ? code : read_truth(out, dataset, demo, e, err);
}

void relabel_demo_destroy(relabelDemo* d) {
  loom_motion_destroy(&d->motion);
  free(d->state);
  free(d->truth);
  free(d->actions);
  *d = (relabelDemo){0};
}
