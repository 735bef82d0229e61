// demoloom replay -o: a copy of a dataset with the observations that its states give, as robomimic's
// dataset_states_to_obs makes them. So that recordings of states and actions alone can train policies.
#include "tools/replay_obs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common.h"

typedef struct demoObs {
  loomField field[LOOM_MAX_OBS];
  char path[LOOM_MAX_OBS][LOOM_NAME_MAX + 8];
  double* data;  // all fields', one after the other
} demoObs;

typedef struct observing {
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  int n;
  demoObs* demo;       // (n)
  loomRecord* record;  // (n)
  double start;
} observing;

static int observe_rows(demoObs* out, loomEpisode* e, const loomDemo* demo, double* row, loomError* err) {
  int code = 0;
  for (int r = 0; !code && r < demo->rows; r++) {
    code = loom_episode_start(e, demo->states + (ptrdiff_t)r * demo->state_dim, err);
    if (code) return code;
    loom_episode_observe(row, e);
    ptrdiff_t at = 0;
    for (int k = 0; k < e->obs_count; k++) {
      memcpy(out->data + at + (ptrdiff_t)r * e->obs[k].dim, row + e->obs[k].offset,
             (size_t)e->obs[k].dim * sizeof *row);
      at += (ptrdiff_t)demo->rows * e->obs[k].dim;
    }
  }
  return code;
}

static int observe(observing* o, int i, loomError* err) {
  demoObs* out = &o->demo[i];
  loomDemo demo;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  double* row = NULL;
  int code = loom_demo_load(&demo, o->dataset, i, err);
  if (code) return code;
  code = loom_replay_open(&scene, &e, o->task, o->dataset, &demo, o->roots, err);
  if (!code) {
    row = calloc((size_t)e->obs_dim + 1, sizeof *row);
    out->data = calloc((size_t)demo.rows * (size_t)e->obs_dim + 1, sizeof *out->data);
    if (!row || !out->data) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
  }
  if (!code) code = observe_rows(out, e, &demo, row, err);
  double* at = out->data;
  for (int k = 0; !code && k < e->obs_count; k++) {
    snprintf(out->path[k], sizeof out->path[k], "obs/%s", e->obs[k].name);
    out->field[k] = (loomField){.path = out->path[k],
                                .type = LOOM_TYPE_F64,
                                .rank = 2,
                                .shape = {demo.rows, e->obs[k].dim},
                                .data = at};
    at += (ptrdiff_t)demo.rows * e->obs[k].dim;
  }
  if (!code) o->record[i] = (loomRecord){.nfield = e->obs_count, .field = out->field};
  free(row);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_demo_destroy(&demo);
  return code;
}

static int assemble(observing* o, const char* path, loomError* err) {
  loomSource* source = calloc((size_t)o->n + 1, sizeof *source);
  if (!source) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; i < o->n; i++)
    source[i] = (loomSource){loom_dataset_path(o->dataset), loom_dataset_demo_name(o->dataset, i)};
  loomAssembleDef def = loom_default_assemble_def();
  def.extra = o->record;
  def.leave_out = "obs";
  def.keep_names = true;
  int code = loom_dataset_assemble(path, source, o->n, &def, err);
  free(source);
  return code;
}

int replay_obs(const char* path, const loomTask* task, const loomDataset* dataset,
               const loomAssetRoots* roots, int n, loomError* err) {
  observing o = {.task = task, .dataset = dataset, .roots = roots, .n = n, .start = loom_clock()};
  if (tool_same_file(path, loom_dataset_path(dataset)))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: is what is replayed; name another file", path);
  o.demo = calloc((size_t)n + 1, sizeof *o.demo);
  o.record = calloc((size_t)n + 1, sizeof *o.record);
  int code = o.demo && o.record ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; !code && i < n; i++) {
    code = observe(&o, i, err);
    tool_progress("observed", i + 1, n, loom_clock() - o.start, "demos");
  }
  tool_progress_end();
  if (!code) code = assemble(&o, path, err);
  for (int i = 0; o.demo && i < n; i++) free(o.demo[i].data);
  free(o.demo);
  free(o.record);
  return code;
}
