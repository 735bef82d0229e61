// demoloom distill: the student, what it sees and how it learns.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/observe/observer.h"
#include "policies/learn/bc.h"
#include "policies/learn/config_keys.h"
#include "policies/learn/dagger.h"
#include "tools/command/distill.h"
#include "tools/shared/commands.h"
#include "tools/shared/data_share.h"
#include "tools/shared/options.h"

static const char cloud_key[] = "pointcloud";
static const char image_end[] = "_image";

void distill_path(char out[DISTILL_PATH], const distillArgs* a, const char* name) {
  snprintf(out, DISTILL_PATH, "%.*s/%.60s", LOOM_PATH_MAX - 1, a->folder, name);
}

void distill_round_path(char out[DISTILL_PATH], const distillRun* run, int round, const char* name,
                        const char* end) {
  char whole[80];
  if (round)
    snprintf(whole, sizeof whole, "%.20s_%d%.40s", name, round + 1, end);
  else
    snprintf(whole, sizeof whole, "%.20s%.40s", name, end);
  distill_path(out, run->args, whole);
}

// ---- its settings

static int add_key(loomTrainConfig* c, const char* name, const char* end, loomError* err) {
  if (c->data.key_count == LOOM_DATA_KEYS)
    return loom_error_set(err, LOOM_ERR_USAGE, "more than %d keys", LOOM_DATA_KEYS);
  snprintf(c->data.key[c->data.key_count++], LOOM_NAME_MAX, "%.*s%s", LOOM_NAME_MAX - 16, name, end);
  return 0;
}

int distill_configure(loomTrainConfig* c, const distillArgs* a, const loomTask* task, loomError* err) {
  *c = loom_default_train_config((loomPolicyKind)a->policy);
  int code = a->config ? loom_train_config_load(c, a->config, err) : 0;
  if (code) return code;

  // Its datasets were another training's.
  c->data.file_count = 0;
  if (a->nkey) c->data.key_count = 0;
  for (int i = 0; !code && i < a->nkey; i++) code = add_key(c, a->key[i], "", err);

  // It is tried where it is to act.
  snprintf(c->rollout.task, sizeof c->rollout.task, "%s", a->task ? a->task : task->path);
  if (a->reset) snprintf(c->rollout.reset, sizeof c->rollout.reset, "%.*s", LOOM_NAME_MAX - 1, a->reset);
  c->train.seed = (int)a->seed;
  c->train.threads = c->rollout.threads = (int)a->threads;
  snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "%.*s/student", LOOM_PATH_MAX - 16, a->folder);
  if (!a->rounds || !c->data.pose) return code;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: with --rounds the student's actions are moves as the teacher says them: data: pose: "
      "relative",
      a->config);
}

// What is seen is seen instead of the objects' poses.
static void forget_objects(loomTrainConfig* c) {
  int kept = 0;
  for (int i = 0; i < c->data.key_count; i++) {
    const char* key = c->data.key[i];
    bool object = (strchr(key, '@') && strncmp(key, "eef", 3) != 0) || !strcmp(key, "object");
    if (!object) memmove(c->data.key[kept++], key, LOOM_NAME_MAX);
  }
  c->data.key_count = kept;
}

// Pictures and point clouds that the dataset has.
static int find_eyes(void* user, const char* name, const loomArray* array, int unreadable,
                     const loomError* why) {
  loomTrainConfig* c = user;
  (void)why;
  bool picture = array->rank == 4 && array->type == LOOM_TYPE_U8,
       cloud = array->rank == 3 && array->shape[2] >= 3;
  if (unreadable || strncmp(name, "obs/", 4) != 0 || !(picture || cloud)) return 0;
  return add_key(c, name + 4, "", NULL);
}

static int choose_keys(loomTrainConfig* c, const distillArgs* a, const loomDataset* set, loomError* err) {
  int code = loom_config_keys(c, set, !a->rounds, err);

  // A recording is seen with all the eyes that it has; for rollouts they are named.
  if (!code && a->inverse) {
    int before = c->data.key_count;
    code = loom_dataset_visit(set, loom_dataset_demo_path(set, 0), find_eyes, c, err);
    if (!code && c->data.key_count == before) return 0;
  }
  if (!a->inverse && !a->ncamera && !a->cloud) return code;

  if (!code) forget_objects(c);
  for (int i = 0; !code && i < a->ncamera; i++) code = add_key(c, a->camera[i], image_end, err);
  return code || !a->cloud ? code : add_key(c, cloud_key, "", err);
}

int distill_check_data(const distillArgs* a, loomError* err) {
  int code = 0;

  for (int i = 0; !code && i < a->ndata; i++) {
    loomDataset* set = NULL;
    loomDataConfigFile file;
    if (tool_data_share(&file, "distill", a->data[i])) return loom_error_set(err, LOOM_ERR_USAGE, "--data");
    code = loom_dataset_open(&set, file.path, err);
    if (!code && !loom_dataset_demo_count(set))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos to learn from", file.path);
    loom_dataset_close(set);
  }
  return code;
}

int distill_use_data(loomTrainConfig* c, const distillArgs* a, const char* dataset, loomError* err) {
  loomDataset* set = NULL;
  double shared = 0;
  int code = loom_dataset_open(&set, dataset, err);

  // Keys that nobody named, and batches that suit them.
  if (!code && !c->data.key_count) code = choose_keys(c, a, set, err);
  if (!code && !a->config) loom_config_batch(c, set);
  loom_dataset_close(set);
  if (code) return code;

  snprintf(c->data.file[0].path, LOOM_PATH_MAX, "%.*s", LOOM_PATH_MAX - 1, dataset);
  c->data.file_count = 1;
  for (int i = 0; i < a->ndata; i++) {
    loomDataConfigFile* file = &c->data.file[c->data.file_count++];
    if (tool_data_share(file, "distill", a->data[i])) return loom_error_set(err, LOOM_ERR_USAGE, "--data");
    shared += file->weight;
  }

  // What others leave of each batch is the teacher's.
  if (shared >= 1)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "--data: their shares add up to %g, which leaves nothing of a batch to %s", shared,
                          dataset);
  c->data.file[0].weight = shared > 0 ? 1 - shared : 0;
  for (int i = 0; shared > 0 && i <= a->ndata; i++)
    if (!(c->data.file[i].weight > 0))
      return loom_error_set(err, LOOM_ERR_USAGE, "--data: either all files have a share, or none");
  return 0;
}

// ---- what it sees

static bool is_eye(const char* key) {
  return !strcmp(key, cloud_key) || loom_ends_with(key, image_end);
}

bool distill_has_eyes(const loomTrainConfig* c) {
  for (int i = 0; i < c->data.key_count; i++)
    if (is_eye(c->data.key[i])) return true;
  return false;
}

// The command line of `demoloom render`.
typedef struct drawing {
  int argc;
  char* argv[3 * LOOM_DATA_KEYS];
  char text[LOOM_DATA_KEYS][LOOM_NAME_MAX];
  char size[32], rays[32], points[16], threads[16];
} drawing;

static void add_word(drawing* d, const char* option, const char* value) {
  if (option) d->argv[d->argc++] = (char*)(uintptr_t)option;
  if (value) d->argv[d->argc++] = (char*)(uintptr_t)value;
  d->argv[d->argc] = NULL;
}

static void describe_drawing(drawing* d, const distillRun* run, const char* to, const char* from) {
  const distillArgs* a = run->args;
  const loomTrainConfig* c = run->config;
  add_word(d, "render", from);
  add_word(d, "--task", run->task->path);
  add_word(d, "--obs", to);
  add_word(d, "--resume", NULL);

  // A camera for each key that is a picture.
  for (int i = 0; i < c->data.key_count; i++) {
    const char* key = c->data.key[i];
    if (loom_ends_with(key, image_end)) {
      snprintf(d->text[i], LOOM_NAME_MAX, "%.*s", (int)(strlen(key) - strlen(image_end)), key);
      add_word(d, "--camera", d->text[i]);
    } else if (!strcmp(key, cloud_key)) {
      snprintf(d->points, sizeof d->points, "%d", a->cloud ? a->cloud : loom_default_cloud_def().points);
      add_word(d, "--cloud", d->points);
    }
  }
  for (int i = 0; i < a->ncloud_camera; i++) add_word(d, "--cloud-camera", a->cloud_camera[i]);

  snprintf(d->size, sizeof d->size, "%dx%d", a->width, a->height);
  snprintf(d->rays, sizeof d->rays, "%dx%d", a->rays_width, a->rays_height);
  snprintf(d->threads, sizeof d->threads, "%lld", (long long)a->threads);
  if (a->width) add_word(d, "--size", d->size);
  if (a->rays_width) add_word(d, "--rays", d->rays);
  if (a->threads) add_word(d, "-j", d->threads);
}

int distill_draw(const char* to, const char* from, const distillRun* run, loomError* err) {
  if (loom_is_file(to)) return 0;

  drawing* d = calloc(1, sizeof *d);
  if (!d) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", to);
  describe_drawing(d, run, to, from);
  int status = cmd_render(d->argc, d->argv);
  free(d);

  if (!status) return 0;
  return tool_stop ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped")
                   : loom_error_set(err, status == EXIT_USAGE ? LOOM_ERR_USAGE : LOOM_ERR_IO,
                                    "%s: what the student sees could not be drawn", to);
}

// ---- how it learns

static void show_training(void* user, const loomTrainState* s, bool epoch_done) {
  char note[128];
  (void)user;
  (void)epoch_done;
  int n = snprintf(note, sizeof note, "steps, loss %.4g", s->loss);
  if (s->success >= 0) snprintf(note + n, sizeof note - (size_t)n, ", %.0f %% succeed", 100 * s->success);
  tool_progress_from("the student trained", s->first, s->step, s->steps, s->seconds, note);
}

// Without all that training goes on from.
static int keep_student(const distillRun* run, const char* from, loomError* err) {
  char path[DISTILL_PATH];
  loomTrained student;
  distill_path(path, run->args, "student.safetensors");
  int code = loom_trained_load(&student, from, err);
  if (code) return code;
  code = loom_trained_save(path, &student, NULL, err);
  loom_trained_destroy(&student);
  return code;
}

static int train_once(distillRun* run, loomError* err) {
  char best[DISTILL_PATH], last[DISTILL_PATH];
  loomTrainState state;
  loomTrainDef def = {.config = run->config,
                      .scene = run->scene,
                      .resume = true,
                      .stop = &tool_stop,
                      .progress = show_training};
  int code = loom_train(&state, &def, err);
  tool_progress_end();
  if (code) return code;

  // The best of its rollouts, where there were some.
  distill_round_path(best, run, run->round, "student", "/best_success.safetensors");
  distill_round_path(last, run, run->round, "student", "/last.safetensors");
  return keep_student(run, loom_is_file(best) ? best : last, err);
}

typedef struct rounds {
  distillRun* run;
  double start;
  int round;
  const char* what;
} rounds;

static void show_rounds(void* user, int round, const char* what, int64_t done, int64_t total) {
  rounds* r = user;
  char name[64] = "the teacher is measured:";
  if (round != r->round || what != r->what) {
    tool_progress_end();
    r->start = loom_clock();
    r->round = round;
    r->what = what;
  }
  if (round >= 0) snprintf(name, sizeof name, "round %d %s:", round, what);
  tool_progress(name, done, total, loom_clock() - r->start, "");
}

// Before the next student is trained on it.
static int draw_round(void* user, const char* path, loomError* err) {
  const rounds* r = user;
  char seen[DISTILL_PATH];
  if (!distill_has_eyes(r->run->config)) return 0;

  snprintf(seen, sizeof seen, "%.*s.seen.hdf5", LOOM_PATH_MAX - 1, path);
  int code = distill_draw(seen, path, r->run, err);
  return code ? code : loom_file_move(seen, path, err);
}

static int train_rounds(distillRun* run, loomError* err) {
  const distillArgs* a = run->args;
  char folder[DISTILL_PATH], path[DISTILL_PATH];
  loomDaggerReport report = {0};
  loomDaggerDef def = loom_default_dagger_def();
  loomPolicyMaker expert = loom_trained_maker(&run->teacher);
  rounds user = {.run = run, .round = -2};

  // Who says what, in whose states: the student alone acts, the teacher says what it would have done.
  distill_path(folder, a, "dagger");
  def.config = run->config;
  def.scene = run->scene;
  def.expert = &expert;
  def.expert_name = a->teacher;
  def.env_args = run->scene->env_args;
  def.folder = folder;
  def.rounds = (int)a->rounds;
  def.demos = 0;
  def.episodes = (int)a->round_episodes;
  def.beta = 0;
  def.reset = run->reset;
  def.max_steps = (int)a->max_steps;
  def.seed = (uint64_t)a->seed;
  def.evaluation_seed = (uint64_t)a->seed + ((uint64_t)1 << 40);
  def.threads = (int)a->threads;
  def.final_steps = 0;
  def.expert_episodes = 1;
  def.expert_successes = 0;  // it has shown what it can
  if (a->evaluations > 0 && a->evaluations < def.evaluations) def.evaluations = (int)a->evaluations;
  def.resume = true;
  def.stop = &tool_stop;
  def.progress = show_rounds;
  def.collected = draw_round;
  def.user = &user;
  int code = loom_dagger(&report, &def, err);
  tool_progress_end();

  // The best of the rounds' students.
  distill_path(path, a, "dagger/best.safetensors");
  if (!code) code = keep_student(run, path, err);
  loom_dagger_report_destroy(&report);
  return code;
}

int distill_train(distillRun* run, loomError* err) {
  return run->args->rounds ? train_rounds(run, err) : train_once(run, err);
}
