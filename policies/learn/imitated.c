#include "policies/learn/imitated.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/data/dataset.h"
#include "engine/task/agree.h"

// ---- room

void loom_imitated_destroy(loomImitated* e) {
  free(e->state);
  free(e->action);
  free(e->next);
  free(e->known);
  free(e->last);
  free(e->demo);
  free(e->length);
  free(e->rows);
  free(e->ended);
  *e = (loomImitated){0};
}

// For at most n rows.
static int make_room(loomImitated* e, int n, loomError* err) {
  size_t rows = (size_t)n + 1, obs = (size_t)e->obs, actions = (size_t)e->actions, demos = (size_t)e->demos;

  e->state = calloc(rows * obs, sizeof *e->state);
  e->action = calloc(rows * actions, sizeof *e->action);
  e->next = calloc(rows * obs, sizeof *e->next);
  e->known = calloc(rows, sizeof *e->known);
  e->last = calloc(rows, sizeof *e->last);
  e->demo = calloc(rows, sizeof *e->demo);
  e->length = calloc(demos, sizeof *e->length);
  e->rows = calloc(demos, sizeof *e->rows);
  e->ended = calloc(demos, sizeof *e->ended);
  return e->state && e->action && e->next && e->known && e->last && e->demo && e->length && e->rows &&
                 e->ended
             ? LOOM_OK
             : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an expert's %d rows", n);
}

// One more row of a demo, to be filled; its number.
static ptrdiff_t add_row(loomImitated* e, int demo, bool known, bool last) {
  e->known[e->n] = known;
  e->last[e->n] = last;
  e->demo[e->n] = demo;
  e->rows[demo]++;
  return e->n++;
}

// Which of a demo's rows is the first that is taken.
static int first_row(const loomImitatedPick* pick, int demo) {
  loomRandom random = loom_random(pick->seed, (uint64_t)demo, LOOM_PURPOSE_DEMO);
  return pick->every > 1 ? loom_random_index(&random, pick->every) : 0;
}

static int demos_of(const loomImitatedPick* pick, int all) {
  return pick->demos && pick->demos < all ? pick->demos : all;
}

// Whether nothing followed the demo's last row.
static int read_end(bool* out, const loomDataset* set, int demo, loomError* err) {
  const char* object = loom_dataset_demo_path(set, demo);
  loomArray dones;
  *out = true;
  if (!loom_dataset_has(set, object, "dones")) return LOOM_OK;

  int code = loom_dataset_doubles(&dones, set, object, "dones", err);
  if (code) return code;

  if (dones.count) *out = ((const double*)dones.data)[dones.count - 1] > 0;
  loom_array_destroy(&dones);
  return LOOM_OK;
}

static int refuse_empty(const loomImitated* e, const char* path, loomError* err) {
  if (e->n) return LOOM_OK;
  if (!e->demos) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", path);
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: no row is left to learn from; take more demos, or a smaller --every", path);
}

// ---- plain control tasks

static double rate_of(const cJSON* root) {
  const cJSON* kwargs = cJSON_GetObjectItemCaseSensitive(root, "env_kwargs");
  const cJSON* rate = cJSON_GetObjectItemCaseSensitive(kwargs, "control_freq");
  return cJSON_IsNumber(rate) ? rate->valuedouble : 0;
}

// What the file says of its task, where it does.
static int check_task(const loomDataset* set, const loomControlScene* scene, loomError* err) {
  const char* path = loom_dataset_path(set);
  char* text = NULL;
  if (!loom_dataset_has_env_args(set)) return LOOM_OK;
  int code = loom_dataset_env_args(&text, set, err);
  if (code) return code;

  cJSON* root = loom_json_read(text);
  const cJSON* name = cJSON_GetObjectItemCaseSensitive(root, "env_name");
  double rate = rate_of(root), own = 1 / scene->dt;
  if (cJSON_IsString(name) && strcmp(name->valuestring, scene->task->name) != 0)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is of the task %s, not of %s (%s)", path,
                          name->valuestring, scene->task->name, scene->task->path);
  else if (rate > 0 && fabs(rate - own) > 1e-6 * own)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has %g control steps a second, where %s has %g", path,
                          rate, scene->task->path, own);

  cJSON_Delete(root);
  free(text);
  return code;
}

// An array (T x dim) of numbers that networks can take; rows: T that others have, or -1.
static int read_matrix(loomArray* out, const loomDataset* set, int demo, const char* name, int64_t rows,
                       int dim, const char* task, loomError* err) {
  const char* object = loom_dataset_demo_path(set, demo);
  int code = loom_dataset_doubles(out, set, object, name, err);
  if (code) return code;

  if (out->rank != 2 || out->shape[1] != dim)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s/%s has %lld rows of %lld numbers, where %s has %d a row",
                       loom_dataset_path(set), object, name, (long long)out->shape[0],
                       (long long)(out->rank > 1 ? out->shape[1] : 1), task, dim);
  else if (rows >= 0 && out->shape[0] != rows)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s/%s has %lld rows, where obs/%s has %lld",
                          loom_dataset_path(set), object, name, (long long)out->shape[0], LOOM_CONTROL_KEY,
                          (long long)rows);

  for (int64_t i = 0; !code && i < out->count; i++)
    if (!isfinite((float)((const double*)out->data)[i]))
      code = loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: %s/%s: row %lld has a number that is not finite, or too large",
                            loom_dataset_path(set), object, name, (long long)(i / dim));
  if (code) loom_array_destroy(out);
  return code;
}

static void to_reals(loomReal* out, const double* from, int n) {
  for (int i = 0; i < n; i++) out[i] = (loomReal)from[i];
}

// What the simulator makes of actions beyond its range.
static void hold_to_range(loomReal* action, const double* range, int n) {
  for (int j = 0; range && j < n; j++)
    action[j] = (loomReal)fmin(fmax((double)action[j], range[2 * j]), range[2 * j + 1]);
}

// Of a demo's arrays; next NULL: what is seen a row later, but for the last one.
static void take_rows(loomImitated* e, int demo, const loomArray* obs, const loomArray* actions,
                      const loomArray* next, const double* range, const loomImitatedPick* pick) {
  const double *seen = obs->data, *done = actions->data, *after = next ? next->data : NULL;
  ptrdiff_t dim = e->obs, actions_dim = e->actions;
  int rows = (int)obs->shape[0];

  e->length[demo] = rows;
  for (int t = first_row(pick, demo); t < rows; t += pick->every) {
    bool known = after || t + 1 < rows;
    ptrdiff_t k = add_row(e, demo, known, t + 1 == rows);
    to_reals(e->state + k * dim, seen + t * dim, e->obs);
    to_reals(e->action + k * actions_dim, done + t * actions_dim, e->actions);
    hold_to_range(e->action + k * actions_dim, range, e->actions);
    if (known) to_reals(e->next + k * dim, after ? after + t * dim : seen + (t + 1) * dim, e->obs);
  }
}

static int read_control_demo(loomImitated* e, const loomDataset* set, int demo, const loomControlScene* scene,
                             const loomImitatedPick* pick, loomError* err) {
  static const char key[] = "obs/" LOOM_CONTROL_KEY, later[] = "next_obs/" LOOM_CONTROL_KEY;
  const char *object = loom_dataset_demo_path(set, demo), *task = scene->task->name;
  loomArray obs = {0}, actions = {0}, next = {0};
  bool has_next = loom_dataset_has(set, object, later);
  if (!loom_dataset_has(set, object, key))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s has no %s, under which demos of plain control tasks have what is seen "
                          "(demoloom rollout POLICY -o FILE records such)",
                          loom_dataset_path(set), object, key);

  int code = read_matrix(&obs, set, demo, key, -1, e->obs, task, err);
  if (!code) code = read_matrix(&actions, set, demo, "actions", obs.shape[0], e->actions, task, err);
  if (!code && has_next) code = read_matrix(&next, set, demo, later, obs.shape[0], e->obs, task, err);
  if (!code) code = read_end(&e->ended[demo], set, demo, err);

  if (!code) take_rows(e, demo, &obs, &actions, has_next ? &next : NULL, scene->range, pick);
  loom_array_destroy(&obs);
  loom_array_destroy(&actions);
  loom_array_destroy(&next);
  return code;
}

// Rows of a demo, for which room is made.
static int count_rows(int* out, const loomDataset* set, int demos, loomError* err) {
  int64_t n = 0;
  int code = LOOM_OK;
  for (int d = 0; !code && d < demos; d++) {
    loomArray actions;
    code = loom_dataset_describe(&actions, set, loom_dataset_demo_path(set, d), "actions", err);
    if (!code) n += actions.shape[0];
  }

  if (!code && n > 1 << 26)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: more than %d rows; take fewer demos (--demos)",
                          loom_dataset_path(set), 1 << 26);
  *out = (int)n;
  return code;
}

int loom_imitated_of_control(loomImitated* out, const char* path, const loomControlScene* scene,
                             const loomImitatedPick* pick, loomError* err) {
  loomDataset* set;
  int rows = 0;
  *out = (loomImitated){.obs = scene->obs, .actions = scene->actions, .horizon = scene->task->max_steps};
  int code = loom_dataset_open(&set, path, err);
  if (code) return code;

  out->demos = demos_of(pick, loom_dataset_demo_count(set));
  code = check_task(set, scene, err);
  if (!code) code = count_rows(&rows, set, out->demos, err);
  if (!code) code = make_room(out, rows, err);
  for (int d = 0; !code && d < out->demos; d++) code = read_control_demo(out, set, d, scene, pick, err);
  if (!code) code = refuse_empty(out, path, err);

  loom_dataset_close(set);
  if (code) loom_imitated_destroy(out);
  return code;
}

// ---- trained policies

static int open_data(loomData** out, const char* path, const loomTrained* policy,
                     const loomImitatedPick* pick, loomError* err) {
  const loomDataConfig* c = &policy->config.data;
  const char* key[LOOM_DATA_KEYS];
  loomDataFile file = {.path = path, .first = pick->demos};
  loomDataDef def = loom_data_config_def(key, c);
  for (int i = 0; i < c->key_count; i++)
    if (loom_trained_visual(policy, i))
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "a discriminator is for policies without pictures and point clouds yet");

  def.file = &file;
  def.file_count = 1;
  def.prefetch = false;
  return loom_data_open(out, &def, err);
}

static int check_data(const loomData* data, const loomTrained* policy, const loomScene* scene,
                      const char* path, loomError* err) {
  bool by_goals = loom_data_config_form(&policy->config.data).absolute;
  int code = loom_trained_check_rows(policy, data, path, err);
  if (code) return code;

  char* driven = loom_data_driven(data, 0);
  code = loom_task_agrees_policy(scene->task, scene->control, driven, by_goals, path, err);
  free(driven);
  return code;
}

static void from_floats(loomReal* out, const float* from, int n) {
  for (int i = 0; i < n; i++) out[i] = (loomReal)from[i];
}

// Rows of a demo, normalized: out (rows x dim).
static float* normalized(const float* from, int rows, const loomNormal* normal) {
  size_t count = (size_t)rows * (size_t)normal->dim;
  float* out = malloc((count + 1) * sizeof *out);
  if (!out) return NULL;

  memcpy(out, from, count * sizeof *out);
  loom_normal_apply(out, rows, normal);
  return out;
}

// At every row the actions of a decision from there on, as long as the demo has them.
static int read_policy_demo(loomImitated* e, loomData* data, int demo, const loomTrained* policy, int decided,
                            const loomImitatedPick* pick, loomError* err) {
  loomDataRows rows;
  int code = loom_data_rows(&rows, data, demo, err);
  if (code) return code;

  float *obs = normalized(rows.low, rows.rows, &policy->obs),
        *actions = normalized(rows.actions, rows.rows, &policy->actions);
  ptrdiff_t width = policy->actions.dim;

  if (!obs || !actions) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a demo");

  e->length[demo] = (rows.rows + decided - 1) / decided;
  for (int t = first_row(pick, demo); !code && t + decided <= rows.rows; t += pick->every) {
    bool known = t + decided < rows.rows;
    ptrdiff_t k = add_row(e, demo, known, !known), dim = e->obs;
    from_floats(e->state + k * dim, obs + t * dim, e->obs);
    from_floats(e->action + k * e->actions, actions + t * width, e->actions);
    if (known) from_floats(e->next + k * dim, obs + (t + decided) * dim, e->obs);
  }
  free(obs);
  free(actions);
  return code;
}

// How demos ended, by their names there.
static int read_ends(loomImitated* e, const loomData* data, const char* path, loomError* err) {
  loomDataset* set;
  int code = loom_dataset_open(&set, path, err);
  if (code) return code;

  for (int d = 0; !code && d < e->demos; d++) {
    int index = loom_dataset_demo_index(set, loom_data_demo_name(data, d));
    e->ended[d] = true;
    if (index >= 0) code = read_end(&e->ended[d], set, index, err);
  }
  loom_dataset_close(set);
  return code;
}

int loom_imitated_of_policy(loomImitated* out, const char* path, const loomTrained* policy,
                            const loomScene* scene, const loomImitatedPick* pick, loomError* err) {
  int decided = loom_network_decided(&policy->network.def);
  loomData* data = NULL;
  *out = (loomImitated){.obs = policy->obs.dim, .actions = decided * policy->actions.dim};
  int code = open_data(&data, path, policy, pick, err);
  if (code) return code;

  out->demos = loom_data_info(data)->demos;
  code = check_data(data, policy, scene, path, err);
  if (!code) code = make_room(out, (int)loom_data_info(data)->rows, err);
  if (!code) code = read_ends(out, data, path, err);
  for (int d = 0; !code && d < out->demos; d++)
    code = read_policy_demo(out, data, d, policy, decided, pick, err);
  if (!code) code = refuse_empty(out, path, err);
  loom_data_close(data);
  if (code) loom_imitated_destroy(out);
  return code;
}
