// demoloom replay -o: a copy of a dataset with the observations that its states give, as robomimic's
// dataset_states_to_obs makes them, and with the poses that policies of targets and framed observations learn
// from. So that recordings of states and actions alone can train policies.
#include "tools/command/replay_obs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/run/record_demo.h"
#include "tools/shared/common.h"

typedef struct observing {
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  int n;
  loomScene* scene;      // of the demo observed last
  loomDemoRecord* demo;  // (n)
  loomRecord* record;    // (n) the same as the assembler takes them
  double start;
} observing;

// A row of the trace, whose driver is the demo: where its action sends the arms from where they
// were sent before.
static void add_row(loomTrace* t, loomPose target[LOOM_MAX_ARMS], loomEpisode* e, const double* action) {
  double room[LOOM_MAX_ACTION];
  const double* from = loom_episode_own(room, e, action);
  for (int a = 0; a < e->arm_count; a++) {
    loomPose eef = loom_episode_eef(e, a);
    target[a] = loom_arm_target(&e->arms[a], eef, t->rows ? target[a] : eef, from);
    loom_pose_to_matrix(t->target + (ptrdiff_t)16 * (t->rows * e->arm_count + a), target[a]);
    from += loom_arm_action_dim(&e->arms[a]);
  }

  // The observations of the state as it is shown.
  loom_trace_add(t, e, action);
}

// Every recorded state is shown to the episode by itself: no step of the simulation lies between two rows.
static int trace_demo(loomTrace* t, loomEpisode* e, const loomDemo* demo, loomError* err) {
  loomPose target[LOOM_MAX_ARMS];
  int code = loom_trace_create(t, e, demo->rows, err);
  for (int r = 0; !code && r < demo->rows; r++) {
    code = loom_episode_start(e, demo->states + (ptrdiff_t)r * demo->state_dim, err);
    if (!code) add_row(t, target, e, demo->actions + (ptrdiff_t)r * demo->action_dim);
  }
  return code;
}

// What the dataset has of poses already stays as it is.
static void leave_out_known(loomDemoRecord* record, const observing* o, int i) {
  const char* object = loom_dataset_demo_path(o->dataset, i);

  // From the last on: removing one moves those after it.
  for (int k = record->nfield - 1; k >= 0; k--) {
    const char* path = record->field[k].path;
    if (strncmp(path, "obs/", 4) != 0 && loom_dataset_has(o->dataset, object, path))
      loom_demo_record_remove(record, k);
  }
}

static int observe_demo(observing* o, int i, loomError* err) {
  loomDemo demo;
  loomTrace trace = {0};
  loomEpisode* e = NULL;
  int code = loom_demo_load(&demo, o->dataset, i, err);
  if (code) return code;
  code = loom_replay_open(&o->scene, &e, o->task, o->dataset, &demo, o->roots, err);
  if (!code) code = trace_demo(&trace, e, &demo, err);

  // All demos are held until the file is assembled, without the states and actions that it has already.
  if (!code) {
    const unsigned poses = LOOM_DEMO_TARGETS | LOOM_DEMO_EEF_POSES | LOOM_DEMO_OBJECT_POSES;
    loom_demo_record_rows(&o->demo[i], LOOM_DEMO_OBS | poses, &trace, e, 0, trace.rows);
    leave_out_known(&o->demo[i], o, i);
    loom_demo_record_keep(&o->demo[i]);
    code = loom_demo_record_finish(&o->record[i], &o->demo[i], NULL, err);
  }
  loom_trace_destroy(&trace);
  loom_episode_destroy(e);
  loom_demo_destroy(&demo);
  return code;
}

static int assemble_observed(observing* o, const char* path, loomError* err) {
  loomSource* source = calloc((size_t)o->n + 1, sizeof *source);
  if (!source) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");

  // Everything but the observations comes from the source, in its order and with its names.
  for (int i = 0; i < o->n; i++)
    source[i] = (loomSource){loom_dataset_path(o->dataset), loom_dataset_demo_name(o->dataset, i)};
  loomAssembleDef def = loom_default_assemble_def();
  def.extra = o->record;
  def.leave_out = "obs";
  def.keep_names = true;
  loomNames left_out = {0, NULL};
  def.left_out = &left_out;
  int code = loom_dataset_assemble(path, source, o->n, &def, err);
  tool_tell_left_out(&left_out, !code);
  free(source);
  return code;
}

int replay_obs(const char* path, const loomTask* task, const loomDataset* dataset,
               const loomAssetRoots* roots, int n, loomError* err) {
  observing o = {.task = task, .dataset = dataset, .roots = roots, .n = n, .start = loom_clock()};

  // All demos are observed before one is written: the assembler wants them together.
  o.demo = calloc((size_t)n + 1, sizeof *o.demo);
  o.record = calloc((size_t)n + 1, sizeof *o.record);
  int code = o.demo && o.record ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; !code && i < n; i++) {
    code = observe_demo(&o, i, err);
    if (!code && tool_stop)
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED,
                            "interrupted after %d of %d demos; %s was not written: run it again", i + 1, n,
                            path);
    tool_progress("observed", i + 1, n, loom_clock() - o.start, "demos");
  }

  tool_progress_end();
  if (!code) code = assemble_observed(&o, path, err);

  for (int i = 0; o.demo && i < n; i++) loom_demo_record_destroy(&o.demo[i]);
  loom_scene_destroy(o.scene);
  free(o.demo);
  free(o.record);
  return code;
}
