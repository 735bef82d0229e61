// The log of a fit: what was done, what was seen, and how much of that is noise.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/heap.h"
#include "engine/model/trap.h"
#include "generators/twin/fit_work.h"

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
}

const loomFitColumns* loom_fit_columns(const loomFitWork* w, loomFitSeen kind, int of) {
  for (int i = 0; i < w->ncolumns; i++)
    if (w->columns[i].kind == kind && w->columns[i].of == of) return &w->columns[i];
  return NULL;
}

// ---- which numbers are compared

static int add_columns(loomFitWork* w, loomFitSeen kind, int of, int n, const char* name, const char* what,
                       loomError* err) {
  static const char* const units[] = {"m", "rad", "", "rad", ""};
  if (w->ncolumns == LOOM_FIT_GROUPS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "more than %d objects and arms are seen",
                          LOOM_FIT_GROUPS / 2);
  loomFitGroup* g = &w->out->group[w->ncolumns];
  snprintf(g->name, sizeof g->name, "%.60s %s", name, what);
  snprintf(g->unit, sizeof g->unit, "%s", units[kind]);
  w->columns[w->ncolumns++] = (loomFitColumns){kind, of, w->width, n, 1};
  w->out->ngroup = w->ncolumns;
  w->width += n;

  return 0;
}

static int choose_columns(loomFitWork* w, const loomEpisode* e, loomError* err) {
  const loomTask* task = w->scene->task;
  int code = 0;
  for (int o = 0; !code && o < task->object_count; o++) {
    const char* name = task->objects[o].name;
    code = add_columns(w, LOOM_FIT_POSITION, o, 3, name, "position", err);
    if (!code) code = add_columns(w, LOOM_FIT_ROTATION, o, 4, name, "rotation", err);
    if (!code && loom_fit_joint_of(w->scene, o) >= 0)
      code = add_columns(w, LOOM_FIT_JOINT, o, 1, name, "joint", err);
  }
  for (int a = 0; !code && a < e->arm_count; a++) {
    const char* name = task->robots[a].prefix;
    code = add_columns(w, LOOM_FIT_ARM, a, e->arms[a].n, name, "joints", err);
    if (!code && e->arms[a].hand_n)
      code = add_columns(w, LOOM_FIT_HAND, a, e->arms[a].hand_n, name, "gripper", err);
  }

  return code;
}

// ---- what is seen

// Numbers of an array of the demo, as many rows as it has actions: (rows x dim) of `all`.
static int read_array(loomArray* out, const loomDataset* set, const char* demo, const char* name, int rows,
                      int dim, loomError* err) {
  int code = loom_dataset_doubles(out, set, demo, name, err);
  if (code) return code;
  if (out->rank == 2 && out->shape[0] == rows && (dim < 0 || out->shape[1] == dim)) return 0;
  code =
      loom_error_set(err, LOOM_ERR_FORMAT, "%s:%s/%s: expected %d rows of %d numbers, as the task has them",
                     loom_dataset_path(set), demo, name, rows, dim);
  loom_array_destroy(out);
  return code;
}

// Columns of the demo from an array's, from column `at` of it on.
static void take(loomFitDemo* demo, const loomFitWork* w, const loomFitColumns* c, const loomArray* from,
                 int at) {
  const double* data = from->data;
  for (int t = 0; t < demo->rows; t++) {
    double* to = demo->seen + (size_t)t * (size_t)w->width + c->first;
    const double* row = data + (size_t)t * (size_t)from->shape[1] + at;
    memcpy(to, row, (size_t)c->n * sizeof *to);

    // x-y-z-w in files; what has no length says nothing.
    if (c->kind != LOOM_FIT_ROTATION) continue;
    to[0] = row[3];
    memcpy(to + 1, row, 3 * sizeof *to);
    double length = sqrt(to[0] * to[0] + to[1] * to[1] + to[2] * to[2] + to[3] * to[3]);
    for (int k = 0; k < 4; k++) to[k] = length > 0.1 && length < 10 ? to[k] / length : NAN;
  }
}

// `object`: the task's entries one after the other.
static int take_object(loomFitDemo* demo, loomFitWork* w, const loomDataset* set, const char* path,
                       loomError* err) {
  const loomTask* task = w->scene->task;
  static const int dims[] = {[LOOM_OBSERVE_POS] = 3, [LOOM_OBSERVE_QUAT] = 4, [LOOM_OBSERVE_JOINT] = 1};
  loomArray all = {0};
  int dim = 0, at = 0;
  for (int i = 0; i < task->observe_count; i++) dim += dims[task->observe[i].kind];
  int code = read_array(&all, set, path, "obs/object", demo->rows, dim, err);
  for (int i = 0; !code && i < task->observe_count; at += dims[task->observe[i++].kind]) {
    const loomObserveDef* o = &task->observe[i];
    int object = o->of.kind == LOOM_POINT_OBJECT ? loom_task_find_object(task, o->of.name) : -1;
    if (o->kind == LOOM_OBSERVE_JOINT) {
      int joint = mj_name2id(w->scene->model, mjOBJ_JOINT, o->of.name);
      for (int k = 0; k < task->object_count; k++)
        if (loom_fit_joint_of(w->scene, k) == joint) object = k;
    }
    if (object < 0 || o->from.kind != LOOM_POINT_WORLD) continue;
    const loomFitColumns* c = loom_fit_columns(w,
                                               o->kind == LOOM_OBSERVE_POS    ? LOOM_FIT_POSITION
                                               : o->kind == LOOM_OBSERVE_QUAT ? LOOM_FIT_ROTATION
                                                                              : LOOM_FIT_JOINT,
                                               object);
    if (c) take(demo, w, c, &all, at);
  }

  loom_array_destroy(&all);

  return code;
}

// One by one, as robosuite's files have them.
static int take_named(loomFitDemo* demo, const loomFitWork* w, const loomFitColumns* c, const char* name,
                      const loomDataset* set, const char* path, loomError* err) {
  char key[3 * LOOM_NAME_MAX];
  loomArray one = {0};
  snprintf(key, sizeof key, "obs/%s", name);
  if (!loom_dataset_has(set, path, key)) return 0;
  int code = read_array(&one, set, path, key, demo->rows, c->n, err);
  if (!code) take(demo, w, c, &one, 0);
  loom_array_destroy(&one);
  return code;
}

static int take_observations(loomFitDemo* demo, loomFitWork* w, const loomDataset* set, const char* path,
                             loomError* err) {
  static const char* const ends[] = {"pos", "quat", "joint", "joint_pos", "gripper_qpos"};
  const loomTask* task = w->scene->task;
  int code = loom_dataset_has(set, path, "obs/object") ? take_object(demo, w, set, path, err) : 0;
  for (int i = 0; !code && i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    bool arm = c->kind >= LOOM_FIT_ARM;
    char name[2 * LOOM_NAME_MAX];
    snprintf(name, sizeof name, "%s_%s", arm ? task->robots[c->of].prefix : task->objects[c->of].name,
             ends[c->kind]);
    code = take_named(demo, w, c, name, set, path, err);
  }

  return code;
}

// What the states show, which is all of it.
static int take_states(loomFitDemo* demo, const loomFitWork* w, loomEpisode* e, const double* states,
                       loomError* err) {
  double grip[LOOM_MAX_ARMS] = {0};
  int code = 0;
  for (int t = 0; !code && t < demo->rows; t++) {
    code = loom_episode_show(e, states + (size_t)t * (size_t)e->state_dim, grip, err);
    if (!code) loom_fit_look(demo->seen + (size_t)t * (size_t)w->width, w, e);
  }
  return code;
}

static bool has_numbers(const loomFitDemo* demo, const loomFitWork* w, const loomFitColumns* c) {
  for (int t = 0; t < demo->rows; t++)
    if (isfinite(demo->seen[(size_t)t * (size_t)w->width + (size_t)c->first])) return true;
  return false;
}

// Without them there is no start, or nothing to compare with.
static int check_seen(const loomFitDemo* demo, const loomFitWork* w, const loomDataset* set, const char* path,
                      loomError* err) {
  const loomTask* task = w->scene->task;
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    bool joint = c->kind == LOOM_FIT_JOINT,
         on_joint = !joint && c->kind <= LOOM_FIT_ROTATION && loom_fit_columns(w, LOOM_FIT_JOINT, c->of);
    if (c->kind == LOOM_FIT_HAND || joint || has_numbers(demo, w, c)) continue;
    if (on_joint && has_numbers(demo, w, loom_fit_columns(w, LOOM_FIT_JOINT, c->of))) continue;
    if (c->kind == LOOM_FIT_ARM)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s:%s: neither `states` nor obs/%s_joint_pos: how its arms stood is not known",
                            loom_dataset_path(set), path, task->robots[c->of].prefix);
    const char* name = task->objects[c->of].name;
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s:%s: neither `states`, obs/object nor obs/%s_pos and obs/%s_quat: where '%s' is is "
        "not known",
        loom_dataset_path(set), path, name, name, name);
  }

  return 0;
}

// ---- demos

static int read_demo(loomFitDemo* demo, loomFitWork* w, const loomDataset* set, int number, loomEpisode* e,
                     loomError* err) {
  const char* path = loom_dataset_demo_path(set, number);
  loomArray action = {0}, states = {0};
  snprintf(demo->name, sizeof demo->name, "%.60s", loom_dataset_demo_name(set, number));

  // What was done, at most the seconds that were asked for.
  int code = loom_dataset_doubles(&action, set, path, "actions", err);
  if (code) return code;
  if (action.rank != 2 || action.shape[1] != e->action_dim || action.shape[0] < 8 ||
      action.shape[0] > 1 << 20)
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s:%s/actions: expected 8 or more rows of %d numbers, as %s takes them",
                          loom_dataset_path(set), path, e->action_dim, w->scene->task->name);
  int all = code ? 0 : (int)action.shape[0];
  demo->rows = all;
  size_t cells = (size_t)all * (size_t)w->width;
  demo->seen = code ? NULL : malloc(cells * sizeof *demo->seen + 1);
  demo->start = code ? NULL : calloc((size_t)e->state_dim, sizeof *demo->start);
  if (!code && (!demo->seen || !demo->start)) code = no_memory(err);
  for (size_t i = 0; !code && i < cells; i++) demo->seen[i] = NAN;
  demo->action = action.data;
  for (int64_t i = 0; !code && i < (int64_t)all * e->action_dim; i++)
    if (!isfinite(demo->action[i]))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%s/actions: row %d is not finite",
                            loom_dataset_path(set), path, (int)(i / e->action_dim));

  // And what was seen: states are exact.
  demo->exact = !code && loom_dataset_has(set, path, "states");
  if (demo->exact) code = read_array(&states, set, path, "states", all, e->state_dim, err);
  if (!code && demo->exact) {
    memcpy(demo->start, states.data, (size_t)e->state_dim * sizeof *demo->start);
    code = take_states(demo, w, e, states.data, err);
  }
  if (!code && loom_dataset_has(set, path, "obs")) code = take_observations(demo, w, set, path, err);
  if (!code) code = check_seen(demo, w, set, path, err);
  loom_array_destroy(&states);

  int most = (int)fmax(8, ceil(w->def->seconds * w->scene->task->control_freq));
  if (demo->rows > most) demo->rows = most;

  return code;
}

static int read_demos(loomFitWork* w, const loomDataset* set, loomEpisode* e, loomError* err) {
  int all = loom_dataset_demo_count(set), wanted = w->def->ndemo ? w->def->ndemo : all, code = 0;
  if (!all) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", loom_dataset_path(set));
  for (int i = 0; !code && i < wanted && w->ndemo < LOOM_FIT_DEMOS; i++) {
    int number = w->def->ndemo ? loom_dataset_demo_index(set, w->def->demo[i]) : i;
    if (number < 0)
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: has no demo '%s'; `demoloom info` lists them",
                            loom_dataset_path(set), w->def->demo[i]);
    code = read_demo(&w->demo[w->ndemo++], w, set, number, e, err);
    w->rows += w->demo[w->ndemo - 1].rows;
  }

  return code;
}

// ---- noise

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Standard deviation of the noise: third differences take away what moves smoothly, their median what does
// not (that of |x| is 0.6745 of a normal variable's deviation; of independent noise the third difference has
// the variance 1 + 9 + 9 + 1).
static double noise_of(double* third, int n) {
  if (!n) return 0;
  qsort(third, (size_t)n, sizeof *third, by_size);
  return third[n / 2] / 0.6745 / sqrt(20);
}

static int measure_noise(loomFitWork* w, loomError* err) {
  static const double least[] = {2e-4, 2e-3, 5e-4, 5e-4, 5e-4};
  double* third = malloc((size_t)w->rows * LOOM_MAX_JOINTS * sizeof *third + 1);
  if (!third) return no_memory(err);
  for (int i = 0; i < w->ncolumns; i++) {
    loomFitColumns* c = &w->columns[i];
    int n = 0, numbers = 0;
    for (int s = 0; s < w->ndemo; s++)
      for (int t = 0; t < w->demo[s].rows; t++) {
        const double* at = w->demo[s].seen + (size_t)t * (size_t)w->width + c->first;
        for (int k = 0; k < c->n; k++) {
          numbers += isfinite(at[k]);
          if (t + 3 >= w->demo[s].rows) continue;
          double d = at[k + 3 * w->width] - 3 * at[k + 2 * w->width] + 3 * at[k + w->width] - at[k];
          if (isfinite(d)) third[n++] = fabs(d);
        }
      }

    // A quaternion's numbers change by half the angle, all four of them by one of three.
    double noise = noise_of(third, n) * (c->kind == LOOM_FIT_ROTATION ? 2 : 1);
    w->out->group[i].noise = noise;
    w->out->group[i].numbers = numbers;
    c->sigma = fmax(noise, least[c->kind]);
  }

  free(third);
  return 0;
}

int loom_fit_read(loomFitWork* w, loomError* err) {
  loomDataset* set = NULL;
  loomEpisode* e = w->episode[0];
  int code = loom_dataset_open(&set, w->def->log, err);
  if (!code) code = choose_columns(w, e, err);
  if (!code) code = read_demos(w, set, e, err);
  loom_dataset_close(set);
  if (!code) code = measure_noise(w, err);

  w->out->ndemo = w->ndemo;
  w->out->rows = w->rows;
  w->out->states = true;
  for (int s = 0; s < w->ndemo; s++) w->out->states = w->out->states && w->demo[s].exact;

  return code;
}
