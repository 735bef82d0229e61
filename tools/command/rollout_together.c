// Rollouts by several processes: what they must agree on, and the folder that they share.
#include "tools/command/rollout.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/data/dataset.h"
#include "generators/run/settings.h"
#include "tools/shared/common.h"

static const char anew[] = "name another file";

// ---- settings

// By what is in its file, and where its episodes begin.
static int describe_policy(cJSON* list, const rolloutArgs* a, int i, const loomTask* task, loomError* err) {
  enum { MOST = 1 << 30 };  // bytes
  char* bytes = NULL;
  size_t n = 0;
  int code = loom_read_text(&bytes, &n, a->policy[i], MOST, err);
  if (code) return code;

  cJSON* one = cJSON_CreateObject();
  loom_settings_add_digest(one, "content", loom_hash(LOOM_HASH_SEED, bytes, n));
  cJSON_AddStringToObject(one, "reset", task->resets[a->resets[i]].name);
  cJSON_AddItemToArray(list, one);
  free(bytes);
  return 0;
}

int rollout_settle(rolloutArgs* a, const loomScene* scene, loomError* err) {
  if (!a->out && !a->results) return 0;

  // What decides the results, each by its name: on a difference the line is told.
  cJSON* root = loom_settings_begin("rollout", scene->task, scene, a->resets[0], (uint64_t)a->seed);
  cJSON_AddNumberToObject(root, "episodes", (double)a->n);
  cJSON_AddNumberToObject(root, "first", (double)a->first);
  cJSON_AddNumberToObject(root, "max_steps", (double)a->max_steps);
  cJSON_AddBoolToObject(root, "likeliest", a->likeliest);
  if (a->set) {
    cJSON_AddStringToObject(root, "disturb", a->set->name);
    loom_settings_add_digest(root, "disturb_content", a->set->digest);
  }

  // The policies, in their order.
  cJSON* list = cJSON_AddArrayToObject(root, "policies");
  int code = 0;
  for (int i = 0; !code && i < a->policies; i++) code = describe_policy(list, a, i, scene->task, err);
  if (!code) a->settings = cJSON_Print(root);
  cJSON_Delete(root);
  return code || a->settings ? code : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for settings");
}

// ---- the folder

static loomRunFolderDef shared_folder(const rolloutArgs* a) {
  static const char* const own[] = {"[0-9]*.hdf5*", LOOM_ROLLOUT_PATTERN, "run.json", NULL};
  static const char* const folders[] = {LOOM_SHARE_LEASES, NULL};
  static const char* const leases[] = {LOOM_ROLLOUT_PATTERN, "end.*", LOOM_SHARE_NOW, NULL};
  return (loomRunFolderDef){.path = a->folder,
                            .mode = LOOM_FOLDER_RESUME,
                            .shared = true,
                            .mark = "run.json",
                            .own = own,
                            .folders = folders,
                            .inner = leases,
                            .alternative = anew};
}

// What is there is what this run would make.
static int check_complete(const rolloutArgs* a, loomError* err) {
  const char* missing = a->out && a->results && !loom_is_file(a->results) ? a->results : NULL;
  if (missing)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is not there, and %s is complete: its episodes' results are no longer known; "
                          "name other files",
                          missing, a->out);
  int code = a->out ? loom_dataset_check_run(a->out, a->settings, NULL, anew, err) : 0;
  return code || !a->results ? code : rollout_check_results(a, err);
}

int rollout_join(rolloutArgs* a, bool* complete, loomError* err) {
  const loomRunFolderDef def = shared_folder(a);
  int code = loom_crew_join(&a->crew, complete, a->out ? a->out : a->results, &def, err);
  if (code || *complete) return code ? code : check_complete(a, err);

  // A file that is there is none of this run's: nobody asked to replace it.
  if (!a->crew.folder.resumed && a->out && a->results && loom_is_file(a->results))
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s is there already; %s", a->results, anew);
  if (!code) code = loom_run_folder_settings(&a->crew.folder, "run.json", a->settings, err);
  if (!code) code = loom_crew_begin(&a->crew, err);

  // From here on pieces are anybody's.
  const loomShareDef share = {.folder = a->folder,
                              .beat = a->sharing.heartbeat,
                              .workers = loom_rollout_holders((int)a->threads),
                              .tell = loom_dataset_tell};
  if (!code) code = loom_share_open(&a->share, &share, err);
  if (code) rollout_leave(a);
  return code;
}

loomRolloutShare rollout_share(const rolloutArgs* a, char name[32], int i) {
  snprintf(name, 32, LOOM_ROLLOUT_PIECES "%d", i);
  return (loomRolloutShare){.share = a->share,
                            .name = name,
                            .shard = a->sharing.shard,
                            .shards = a->sharing.shards,
                            .stop = &tool_stop};
}

// ---- the end

typedef struct finishing {
  rolloutArgs* args;
  int (*make)(void* user, loomError* err);
  void* user;
} finishing;

static bool is_finished(void* user) {
  const finishing* f = user;
  return loom_crew_is_over(&f->args->crew);
}

static int make_all(void* user, loomError* err) {
  const finishing* f = user;
  int code = f->make(f->user, err);
  return code ? code : loom_crew_finish(&f->args->crew, err);
}

int rollout_finish(rolloutArgs* a, bool* made, int (*make)(void* user, loomError* err), void* user,
                   loomError* err) {
  finishing f = {a, make, user};
  const loomShareOnce once = {
      .name = "end", .user = &f, .is_done = is_finished, .make = make_all, .stop = &tool_stop};
  int code = loom_share_once(made, a->share, &once, err);

  if (code || *made || is_finished(&f)) return code;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED,
                        "interrupted; the other processes go on, and so does the same command");
}

void rollout_leave(rolloutArgs* a) {
  loom_share_close(a->share);
  a->share = NULL;
  loom_crew_leave(&a->crew);
}
