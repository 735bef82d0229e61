// The folder of a run of `demoloom render --obs`: what it is for, who is at work there, and its end.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "generators/run/settings.h"
#include "tools/render/render_obs.h"
#include "tools/shared/common.h"

static const char mark[] = "run.json", item_name[] = "demo", left_out[] = "left-";
static const char anew[] = "use --overwrite to start anew, or name another file";

// ---- settings

static uint64_t digest_demos(const obsRun* run) {
  uint64_t h = LOOM_HASH_SEED;
  for (int i = 0; i < run->args->demo_count; i++) {
    const char* name = loom_dataset_demo_name(run->dataset, run->args->demos[i]);
    h = loom_hash(h, name, strlen(name) + 1);
  }
  return h;
}

// What decides the dataset, each by its name: on a difference the line is told.
static int describe(obsRun* run, loomError* err) {
  const renderArgs* a = run->args;
  struct stat st = {0};
  char size[32], *sense = loom_sense_text(&run->sense);
  if (stat(loom_dataset_path(run->dataset), &st)) st.st_size = 0;

  // What it is made of.
  cJSON* root = loom_settings_begin("render --obs", run->task, NULL, 0, (uint64_t)a->seed);
  cJSON_AddNumberToObject(root, "source_bytes", (double)st.st_size);
  loom_settings_add_digest(root, "demos", digest_demos(run));

  // What is seen of it.
  snprintf(size, sizeof size, "%dx%d", a->def.width, a->def.height);
  cJSON_AddStringToObject(root, "size", size);
  cJSON* keys = cJSON_AddArrayToObject(root, "keys");
  for (int k = 0; k < run->keys; k++) cJSON_AddItemToArray(keys, cJSON_CreateString(run->path[k]));
  loom_settings_add_digest(root, "how",
                           loom_hash(LOOM_HASH_SEED, sense ? sense : "", strlen(sense ? sense : "")));
  if (a->context_set) {
    loom_settings_add_digest(root, "contexts", a->context_set->digest);
    cJSON_AddNumberToObject(root, "per_demo", (double)a->per_demo);
    cJSON_AddBoolToObject(root, "same_contexts", a->same_contexts);
  }

  run->settings = cJSON_Print(root);
  cJSON_Delete(root);
  free(sense);
  return run->settings ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for settings");
}

// ---- the folder

void render_obs_shard(char path[LOOM_PATH_MAX], const obsRun* run, int item) {
  // A demo by its name and by what decides its pictures: another's shard is never taken for it.
  int demo = render_obs_demo(run, item);
  const char* name = loom_dataset_demo_name(run->dataset, demo);
  uint64_t hash = loom_hash(run->hash, name, strlen(name)), number;
  if (render_obs_context(run, item)) {
    number = render_obs_context_number(run, item);
    hash = loom_hash(hash, &number, sizeof number);
  }
  snprintf(path, LOOM_PATH_MAX, "%.*s/demo-%d-%016llx.hdf5", LOOM_PATH_MAX - 64, run->dir, demo,
           (unsigned long long)hash);
}

static loomRunFolderDef folder_of(const obsRun* run) {
  static const char* const own[] = {"demo-*", "left-*", mark, NULL};
  static const char* const folders[] = {LOOM_SHARE_LEASES, NULL};
  static const char* const leases[] = {"demo-*", "end.*", LOOM_SHARE_NOW, NULL};
  const renderArgs* a = run->args;
  return (loomRunFolderDef){.path = run->dir,
                            .mode = a->overwrite ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_RESUME,
                            .shared = a->sharing.on,
                            .mark = mark,
                            .own = own,
                            .folders = folders,
                            .inner = leases,
                            .alternative = anew};
}

// What an earlier run drew is gone on with only by one who says so.
static int open_alone(obsRun* run, loomError* err) {
  const renderArgs* a = run->args;
  loomRunFolderDef def = folder_of(run);
  if (!access(run->dir, F_OK) && !a->resume && !a->overwrite)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s is there from an earlier run; --resume goes on with it, --overwrite throws it away", run->dir);

  int code = loom_run_folder_open(&run->crew.folder, &def, err);
  return code ? code : loom_run_folder_settings(&run->crew.folder, mark, run->settings, err);
}

static void left_name(char out[32], int item) {
  snprintf(out, 32, "%s%08d", left_out, item);
}

// Whoever begins anew, with nobody else there, tries again what could not be drawn.
static void forget_left_out(const obsRun* run) {
  for (int i = 0; i < run->items && loom_share_left(run->dir, left_out); i++) {
    char name[32], path[LOOM_RUN_FILE_MAX];
    left_name(name, i);
    loom_run_folder_path(path, &run->crew.folder, name);
    unlink(path);
  }
}

static const loomShareKind left_kind = {"left", 1};

// Pictures that others have drawn count no more among those to be drawn here.
static int look_for_item(bool* known, void* user, int i, loomError* err) {
  obsRun* run = user;
  char path[LOOM_PATH_MAX], name[32], *why = NULL;
  size_t n;

  render_obs_shard(path, run, i);
  left_name(name, i);
  *known = loom_is_file(path);
  int code = *known ? 0 : loom_share_read(&why, &n, run->share, name, &left_kind, err);
  if (why) *known = run->bad[i] = true;
  free(why);
  if (code || !*known) return code;

#pragma omp critical(obs_progress)
  run->total -= run->pictures[i];
  return 0;
}

static int open_together(obsRun* run, loomError* err) {
  const renderArgs* a = run->args;
  const loomRunFolderDef def = folder_of(run);
  int code = loom_crew_join(&run->crew, &run->complete, a->obs, &def, err);
  if (code || run->complete) {
    if (!code) code = loom_dataset_check_run(a->obs, run->settings, NULL, anew, err);
    if (!code) fprintf(stderr, "%s is complete already\n", a->obs);
    return code;
  }

  // Others come in once the settings are there.
  if (run->crew.folder.alone) forget_left_out(run);
  code = loom_run_folder_settings(&run->crew.folder, mark, run->settings, err);
  if (!code) code = loom_crew_begin(&run->crew, err);
  const loomShareDef share = {.folder = run->dir,
                              .beat = a->sharing.heartbeat,
                              .workers = loom_pool_workers((int)a->threads, 0),
                              .tell = loom_dataset_tell};
  if (!code) code = loom_share_open(&run->share, &share, err);
  run->pieces = (loomShareRun){.share = run->share,
                               .name = item_name,
                               .n = run->items,
                               .user = run,
                               .look = look_for_item,
                               .stop = &tool_stop};
  return code;
}

int render_obs_open(obsRun* run, loomError* err) {
  snprintf(run->dir, sizeof run->dir, "%.*s.images", LOOM_PATH_MAX - 16, run->args->obs);
  int code = describe(run, err);
  if (code) return code;
  return run->args->sharing.on ? open_together(run, err) : open_alone(run, err);
}

int render_obs_leave_out(const obsRun* run, int worker, int item, const char* why, loomError* err) {
  char name[32];
  left_name(name, item);
  return loom_share_write(run->share, worker, name, &left_kind, why, strlen(why) + 1, err);
}

// ---- the end

typedef struct finishing {
  obsRun* run;
  int (*make)(void* user, loomError* err);
} finishing;

static bool is_finished(void* user) {
  const finishing* f = user;
  return loom_crew_is_over(&f->run->crew);
}

static int make_dataset(void* user, loomError* err) {
  const finishing* f = user;
  int code = f->make(f->run, err);
  return code ? code : loom_crew_finish(&f->run->crew, err);
}

int render_obs_finish(obsRun* run, int (*make)(void* user, loomError* err), loomError* err) {
  finishing f = {run, make};
  if (!run->share) {
    int code = make_dataset(&f, err);
    run->made = !code;
    return code;
  }

  // Whoever is stopped meanwhile leaves it to the others.
  const loomShareOnce once = {
      .name = "end", .user = &f, .is_done = is_finished, .make = make_dataset, .stop = &tool_stop};
  int code = loom_share_once(&run->made, run->share, &once, err);
  if (code || run->made || is_finished(&f)) return code;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: %s", render_obs_goes_on(run));
}

const char* render_obs_goes_on(const obsRun* run) {
  return run->args->sharing.on ? "the other processes go on, and so does the same command"
                               : "--resume goes on";
}

void render_obs_leave(obsRun* run) {
  loomRunFolder* folder = &run->crew.folder;
  loom_share_close(run->share);

  // Of one process alone, too, nothing is left.
  if (folder->def.path && !folder->def.shared && loom_crew_is_done(folder->def.path))
    loom_run_folder_remove(folder, LOOM_CREW_DONE);
  else
    loom_crew_leave(&run->crew);
  cJSON_free(run->settings);
  free(run->bad);
  free(run->pictures);
}
