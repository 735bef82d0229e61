#include "generators/run/record.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/version.h"
#include "engine/run/record_demo.h"
#include "engine/sim/disturb.h"
#include "engine/sim/midway.h"
#include "generators/attempt/recover.h"
#include "generators/attempt/tries.h"
#include "generators/source/segment.h"

// ---- generated demos

// Where each subtask of an arm is over, as MimicGen's sources have it: 1 from the subtask's last row on. The
// last subtask ends with the demo.
static void add_signals(loomDemoRecord* record, const loomTrace* t, const loomTask* task) {
  for (int a = 0; a < t->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      char path[2 * LOOM_NAME_MAX];
      loom_segment_signal(path, sizeof path, a, task->subtasks[a][k].name);
      int64_t* signal = loom_demo_record_room(record, path, LOOM_TYPE_I64, 1, (int64_t[]){t->rows});

      // A subtask's last row is the one before the first row of a later subtask.
      for (int r = 0; signal && r < t->rows; r++) {
        int next = r + 1 < t->rows ? r + 1 : r;
        signal[r] = t->subtask[next * t->arm_count + a] > k;
      }
    }
  }
}

// What generated demos and those driven by hand have alike.
static void add_arrays(loomDemoRecord* record, const loomTrace* t, const loomEpisode* e, bool next_obs) {
  bool annotated = t->rows && t->subtask[0] >= 0;
  unsigned steps = LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES | LOOM_DEMO_REWARDS | LOOM_DEMO_OBS;
  unsigned poses = LOOM_DEMO_EEF_POSES | LOOM_DEMO_TARGETS | LOOM_DEMO_GRIPPERS | LOOM_DEMO_OBJECT_POSES;

  // Steps and observations, then where everything was and was meant to be.
  loom_demo_record_rows(record, steps | (next_obs ? LOOM_DEMO_NEXT_OBS : 0), t, e, 0, t->rows);
  if (annotated) add_signals(record, t, e->scene->task);
  loom_demo_record_rows(record, poses | (annotated ? LOOM_DEMO_SUBTASKS : 0), t, e, 0, t->rows);
}

// What the demo's model, seed and success are; success < 0: nobody judged.
static void add_attrs(loomDemoRecord* record, const char* xml, const loomTrace* t, uint64_t seed,
                      uint64_t attempt, int success) {
  if (xml) loom_demo_record_attr(record, loom_attr_string("model_file", xml));
  loom_demo_record_attr(record, loom_attr_int("num_samples", t->rows));
  loom_demo_record_attr(record, loom_attr_int("loom_seed", (int64_t)seed));
  loom_demo_record_attr(record, loom_attr_int("loom_attempt", (int64_t)attempt));
  if (success >= 0) loom_demo_record_attr(record, loom_attr_int("loom_success", success));
}

static char* provenance_text(const loomAttemptResult* r, const loomSourceSet* sources, const loomEpisode* e,
                             const loomAttemptDef* def) {
  const loomTask* task = e->scene->task;
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "version", loom_version());
  cJSON_AddStringToObject(root, "mujoco", mj_versionString());
  cJSON_AddStringToObject(root, "task", task->name);
  cJSON_AddStringToObject(root, "reset", task->resets[def->reset].name);
  if (def->tries > 1) {
    cJSON_AddNumberToObject(root, "start", (double)loom_attempt_start(def, r->attempt));
    cJSON_AddNumberToObject(root, "try", loom_attempt_try(def, r->attempt));
  }
  cJSON_AddStringToObject(root, "outcome", loom_outcome_name(r->outcome));
  if (r->reason[0]) cJSON_AddStringToObject(root, "reason", r->reason);

  // Which rows of which source became which rows.
  cJSON* segments = cJSON_AddArrayToObject(root, "segments");
  for (int a = 0; a < e->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int source = r->source[a][k];
      if (source < 0) continue;
      cJSON* s = cJSON_CreateObject();
      cJSON_AddNumberToObject(s, "arm", a);
      cJSON_AddStringToObject(s, "subtask", task->subtasks[a][k].name);
      cJSON_AddStringToObject(s, "source", sources->replay[source].name);
      cJSON_AddNumberToObject(s, "source_start", loom_segment_start(&sources->replay[source], a, k));
      cJSON_AddNumberToObject(s, "source_end", sources->replay[source].end[a][k]);
      cJSON_AddNumberToObject(s, "row", r->begin[a][k]);
      cJSON_AddItemToArray(segments, s);
    }
  }

  // Sizes that differ from demo to demo.
  cJSON* objects = cJSON_AddObjectToObject(root, "objects");
  for (int o = 0; o < task->object_count; o++) {
    cJSON* sizes = cJSON_AddObjectToObject(objects, task->objects[o].name);
    for (int v = 0; v < task->objects[o].variable_count; v++) {
      cJSON_AddNumberToObject(sizes, task->objects[o].variables[v].name, e->variables[o][v]);
    }
  }

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

// The source demo of each segment, arm by arm, and of each row, by its number in the source dataset.
static void add_sources(loomDemoRecord* record, const loomAttemptResult* r, const loomTrace* t,
                        const loomEpisode* e, const loomSourceSet* sources) {
  const loomTask* task = e->scene->task;
  int64_t n = 0;
  for (int a = 0; a < e->arm_count; a++) n += task->subtask_count[a];
  if (!n) return;

  // Segments as robomimic's readers of MimicGen know them, then row by row.
  int64_t* used = loom_demo_record_room(record, "src_demo_inds", LOOM_TYPE_I64, 1, (int64_t[]){n});
  for (int a = 0; used && a < e->arm_count; a++)
    for (int k = 0; k < task->subtask_count[a]; k++)
      *used++ = r->source[a][k] < 0 ? -1 : sources->replay[r->source[a][k]].number;
  loom_demo_record_rows(record, LOOM_DEMO_SOURCES, t, e, 0, t->rows);
}

// Of a demo that begins where a disturbance has passed: what that was, and what hands were told until then.
static int recovery_texts(char** from, char** hands, const loomAttemptResult* r, const loomEpisode* e,
                          const loomAttemptDef* def, loomError* err) {
  if (!r->recover_step) return 0;
  const loomDisturbance* d = e->disturbances;
  const loomDisturbSet* way = &def->recover->way[r->recover];
  while (d && (d->set != way || d->digest != way->digest)) d = d->next;
  int code = d ? loom_disturbance_text(from, d, err) : 0;
  return code ? code : loom_midway_text(hands, &e->hands, e, err);
}

int loom_record_write(const char* path, const loomAttemptResult* r, const loomTrace* t, loomEpisode* e,
                      const loomSourceSet* sources, const loomAttemptDef* def, const loomWriteDef* write,
                      bool next_obs, loomError* err) {
  double start = loom_clock();
  char name[LOOM_NAME_MAX], *xml = NULL, *disturb = NULL, *from = NULL, *hands = NULL;
  char* origin = provenance_text(r, sources, e, def);
  loomDemoRecord record = {0};
  snprintf(name, sizeof name, "demo_%llu", (unsigned long long)r->attempt);
  int code = origin ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
  if (!code) code = loom_episode_xml(&xml, e, err);
  if (!code) code = loom_disturb_text(&disturb, e, err);
  if (!code) code = recovery_texts(&from, &hands, r, e, def, err);

  // One writer for the arrays; attributes tell where the demo comes from.
  if (!code) {
    add_arrays(&record, t, e, next_obs);
    add_sources(&record, r, t, e, sources);
    add_attrs(&record, xml, t, def->seed, r->attempt, r->outcome == LOOM_OUTCOME_SUCCESS);
    loom_demo_record_attr(&record, loom_attr_string("loom_provenance", origin));
    if (disturb) loom_demo_record_attr(&record, loom_attr_string(LOOM_DISTURB_ATTR, disturb));
    if (from) loom_demo_record_attr(&record, loom_attr_string(LOOM_RECOVERED_ATTR, from));
    if (hands) loom_demo_record_attr(&record, loom_attr_string(LOOM_MIDWAY_ATTR, hands));
    code = loom_demo_record_write(path, &record, name, write, err);
  }

  loom_demo_record_destroy(&record);
  free(xml);
  free(disturb);
  free(from);
  free(hands);
  cJSON_free(origin);
  e->times.write += loom_clock() - start;
  return code;
}

double loom_record_least_bytes(const loomTrace* t, int rows) {
  int row = t->state_dim + t->action_dim + t->obs_dim + 16 * (2 * t->arm_count + t->object_count);

  // Doubles of motion hardly shrink to half, whatever compresses them.
  return 0.5 * rows * row * (double)sizeof(double);
}

// ---- subtasks of what was recorded

// The episode's model must be the demo's.
static int segment_trace(loomReplay* out, const loomTrace* t, loomEpisode* e, const char* name,
                         const char* disturb, loomError* err) {
  loomDemo demo = {.name = (char*)name,
                   .rows = t->rows,
                   .action_dim = t->action_dim,
                   .state_dim = t->state_dim,
                   .actions = t->actions,
                   .states = t->states,
                   .disturb = (char*)disturb};

  int code = loom_replay_states(out, e, &demo, err);
  return code ? code : loom_segment(out, e->scene->task, NULL, 0, NULL, err);
}

// In the demo's own model, whose sizes may be others than the scene's: the episode it was recorded in would
// take the scene's to start again.
static int segment_own(loomReplay* out, const loomTrace* t, const loomTask* task, const char* name,
                       const char* xml, const char* disturb, const char* env_args,
                       const loomAssetRoots* roots, loomError* err) {
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  int code = loom_scene_create(&scene, task, xml, name, env_args, roots, err);
  if (!code) code = loom_episode_create(&e, scene, err);
  if (!code) code = segment_trace(out, t, e, name, disturb, err);

  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  return code;
}

// Signals are written into a dataset afterwards, by a person.
static bool waits_for_signals(const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k + 1 < task->subtask_count[a]; k++)
      if (task->subtasks[a][k].until == LOOM_UNTIL_SIGNAL) return true;
  return false;
}

int loom_record_check(const loomTrace* t, loomEpisode* e, uint64_t attempt, const loomAssetRoots* roots,
                      loomError* err) {
  char name[LOOM_NAME_MAX], *xml = NULL, *disturb = NULL;
  loomReplay replay = {0};
  if (waits_for_signals(e->scene->task)) return 0;

  bool varies = false;
  for (int o = 0; o < e->scene->task->object_count; o++) varies = varies || e->edit_count[o];

  // What disturbs it now would end with the start of its replay.
  snprintf(name, sizeof name, "demo_%llu", (unsigned long long)attempt);
  int code = loom_disturb_text(&disturb, e, err);
  if (!code && varies) code = loom_episode_xml(&xml, e, err);
  if (!code)
    code = varies ? segment_own(&replay, t, e->scene->task, name, xml, disturb, NULL, roots, err)
                  : segment_trace(&replay, t, e, name, disturb, err);
  loom_replay_destroy(&replay);
  free(xml);
  free(disturb);
  return code;
}

// ---- demos driven by hand

// Each row's subtask, as the task's conditions find it in what was recorded. Where they do not, the demo goes
// without.
static void annotate_trace(loomTrace* t, const loomTask* task, const char* name, const char* xml,
                           char* disturb, const loomDriven* driven, loomError* why) {
  loomReplay replay = {0};
  for (int r = 0; r < t->rows * t->arm_count; r++) t->subtask[r] = -1;
  int code = segment_own(&replay, t, task, name, xml, disturb, driven->env_args, driven->roots, why);

  // A row belongs to the first subtask that has not ended.
  for (int a = 0; !code && a < t->arm_count; a++) {
    for (int r = 0, k = 0; r < t->rows; r++) {
      while (k + 1 < task->subtask_count[a] && r >= replay.end[a][k]) k++;
      t->subtask[r * t->arm_count + a] = k;
    }
  }

  loom_replay_destroy(&replay);
}

// Where each action sent the hands: nobody has said what was meant.
static void put_targets(loomTrace* t, const loomEpisode* e) {
  const double* action = t->actions;
  for (int r = 0; r < t->rows; r++) {
    for (int a = 0; a < t->arm_count; a++) {
      ptrdiff_t at = 16 * ((ptrdiff_t)r * t->arm_count + a);
      loomPose eef = loom_pose_from_matrix(t->eef + at);
      loomPose before = r ? loom_pose_from_matrix(t->target + at - (ptrdiff_t)16 * t->arm_count) : eef;

      // An action says where to go from where the arm was sent before.
      loom_pose_to_matrix(t->target + at, loom_arm_target(&e->arms[a], eef, before, action));
      action += loom_arm_action_dim(&e->arms[a]);
    }
  }
}

int loom_record_driven(const char* path, loomTrace* t, loomEpisode* e, const loomDriven* driven,
                       const loomWriteDef* write, loomError* why, loomError* err) {
  char name[LOOM_NAME_MAX], *xml = NULL, *disturb = NULL;
  loomDemoRecord record = {0};
  snprintf(name, sizeof name, "demo_%d", driven->number);
  int code = loom_episode_xml(&xml, e, err);
  if (!code) code = loom_disturb_text(&disturb, e, err);
  if (code) {
    free(xml);
    return code;
  }

  // What a generated demo's driver writes into the trace is found afterwards.
  annotate_trace(t, e->scene->task, name, xml, disturb, driven, why);
  put_targets(t, e);
  loom_trace_put_grippers(t, e);

  // As a generated demo, but for its provenance.
  add_arrays(&record, t, e, false);
  add_attrs(&record, xml, t, driven->seed, driven->attempt, driven->success);
  loom_demo_record_attr(&record, loom_attr_string("loom_origin", driven->origin));
  if (disturb) loom_demo_record_attr(&record, loom_attr_string(LOOM_DISTURB_ATTR, disturb));
  code = loom_demo_record_write(path, &record, name, write, err);
  loom_demo_record_destroy(&record);
  free(xml);
  free(disturb);
  return code;
}

// ---- scripted demos

// Only the first state must be exact. The others are looked at: in millionths they take little room.
static void add_rounded_states(loomDemoRecord* record, const loomTrace* t) {
  size_t dim = (size_t)t->state_dim, numbers = (size_t)t->rows * dim;
  double* states =
      loom_demo_record_room(record, "states", LOOM_TYPE_F64, 2, (int64_t[]){t->rows, t->state_dim});

  const double millionths = 1048576;  // a power of two: rounded numbers have few bits
  for (size_t n = 0; states && n < numbers; n++)
    states[n] = n < dim ? t->states[n] : round(t->states[n] * millionths) / millionths;
}

int loom_record_scripted(const char* path, const loomTrace* t, loomEpisode* e, uint64_t seed,
                         uint64_t attempt, bool with_model, const loomWriteDef* write, loomError* err) {
  char name[LOOM_NAME_MAX], *xml = NULL, *disturb = NULL;
  loomDemoRecord record = {0};
  snprintf(name, sizeof name, "demo_%llu", (unsigned long long)attempt);
  int code = loom_disturb_text(&disturb, e, err);
  if (!code && with_model) code = loom_episode_xml(&xml, e, err);
  if (code) {
    free(disturb);
    return code;
  }

  // Actions reproduce the rest from the first state on.
  loom_demo_record_rows(&record, LOOM_DEMO_ACTIONS, t, e, 0, t->rows);
  add_rounded_states(&record, t);
  loom_demo_record_rows(&record, LOOM_DEMO_REWARDS, t, e, 0, t->rows);
  add_attrs(&record, xml, t, seed, attempt, -1);
  loom_demo_record_attr(&record, loom_attr_string("loom_origin", "scripted expert"));
  if (disturb) loom_demo_record_attr(&record, loom_attr_string(LOOM_DISTURB_ATTR, disturb));
  code = loom_demo_record_write(path, &record, name, write, err);
  loom_demo_record_destroy(&record);
  free(xml);
  free(disturb);
  return code;
}
