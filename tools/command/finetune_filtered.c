#include "tools/command/finetune_filtered.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/statistics.h"
#include "engine/data/dataset.h"
#include "engine/run/starts.h"
#include "policies/learn/bc.h"
#include "policies/learn/finetune.h"
#include "tools/command/distill.h"
#include "tools/shared/outputs.h"
#include "tools/shared/tested.h"

enum { STEPS = 500000, TEST = 200, ROUNDS = 1, TRIES = 1, MANY = 1 << 24 };

typedef struct filtered {
  const finetuneFiltered* def;
  distillArgs args;
  distillRun run;  // its teacher is the policy itself
  loomTested all;  // episodes of all rounds
  int won, lost;
  bool kept;
} filtered;

// ---- how it is trained

// As it was, where its file says so; else as suits its kind, with the networks and keys that it has.
static int configure_training(loomTrainConfig* c, const filtered* f, loomError* err) {
  const loomPolicyConfig* policy = &f->run.teacher.config;
  loomSafetensors file;
  int code = loom_safetensors_read(&file, f->def->policy, err);
  if (code) return code;

  const char* training = loom_safetensors_meta(&file, "training");
  *c = loom_default_train_config(policy->policy.kind);
  if (f->def->config)
    code = loom_train_config_load(c, f->def->config, err);
  else if (training && loom_train_config_parse(c, training, strlen(training), f->def->policy, NULL))
    *c = loom_default_train_config(policy->policy.kind);  // a finetuned policy's: of another kind of run
  loom_safetensors_destroy(&file);
  if (code) return code;

  // What it is stays.
  c->data = policy->data;
  if (!(c->data.cache > 0)) c->data.cache = loom_default_data_config().cache;
  c->policy = policy->policy;
  c->encoder = policy->encoder;

  // Tried where it is to act.
  snprintf(c->rollout.task, sizeof c->rollout.task, "%s", f->run.task->path);
  if (f->args.reset)
    snprintf(c->rollout.reset, sizeof c->rollout.reset, "%.*s", LOOM_NAME_MAX - 1, f->args.reset);
  c->train.seed = (int)f->args.seed;
  c->train.threads = c->rollout.threads = (int)f->args.threads;
  c->validate.mask[0] = 0;
  c->stop.patience = 0;
  c->data.file_count = 0;
  return 0;
}

// What it sees its successes are drawn with, too.
static void copy_eyes(distillArgs* a, const loomTrained* t) {
  const loomCloudDef* cloud = &t->sense.cloud;
  for (int i = 0; i < t->config.data.key_count; i++) {
    loomObsKey key = loom_trained_key(t, i);
    if (key.rank == 3) a->height = key.shape[0], a->width = key.shape[1];
    if (key.rank == 2) a->cloud = key.shape[0];
  }
  if (!a->cloud) return;

  a->rays_width = cloud->width;
  a->rays_height = cloud->height;
  for (int i = 0; i < cloud->camera_count && i < DISTILL_CAMERAS; i++)
    a->cloud_camera[a->ncloud_camera++] = cloud->camera[i];
}

// ---- the folder

static const char* const own[] = {LOOM_FINETUNE_FILES, DISTILL_SETTINGS,      "demos*.hdf5",
                                  "seen*.hdf5",        "student.safetensors", NULL};
static const char* const folders[] = {"episodes*", "eval_before",       "eval_after",
                                      "student*",  "seen*.hdf5.images", NULL};
static const char* const inner[] = {LOOM_TRAIN_FILES, TOOL_TRIES_FILES, "demo-*.hdf5", NULL};

static int put_settings(FILE* out, const distillRun* run, loomError* err) {
  const distillArgs* a = run->args;
  const char* demos = a->ndata ? a->data[0] : NULL;
  uint64_t policy = LOOM_HASH_SEED, data = LOOM_HASH_SEED;
  int code = loom_hash_file(&policy, a->teacher, err);
  if (!code) code = loom_hash_file(&data, demos, err);
  if (code) return code;

  fprintf(out, "method: filtered\npolicy: %s  # %016llx\ndata: %s  # %016llx\n", a->teacher,
          (unsigned long long)policy, demos ? demos : "", (unsigned long long)data);
  fprintf(out, "task: %s  # %016llx\nreset: %s\n", run->task->name, (unsigned long long)run->task->digest,
          run->task->resets[run->reset].name);
  fprintf(out, "steps: %lld\nrounds: %d\ntries: %d\nseed: %lld\ntest: %lld\n", (long long)a->budget,
          a->collections, a->tries, (long long)a->seed, (long long)a->evaluations);
  return 0;
}

// ---- its parts

// Episodes that are to be demos are no longer than they need be.
static int find_horizon(filtered* f, loomError* err) {
  loomDataset* set = NULL;
  int longest = 0;
  if (!f->def->data) return loom_reward_horizon(&f->args.demo_steps, &f->run.task->reward, f->run.scene, err);

  int code = loom_dataset_open(&set, f->def->data, err);
  if (!code) code = loom_dataset_longest(&longest, set, err);
  loom_dataset_close(set);
  f->args.demo_steps = 2 * longest;
  return code;
}

static int open_filtered(filtered* f, loomError* err) {
  distillRun* run = &f->run;
  distillArgs* a = &f->args;
  int code = loom_trained_load(&run->teacher, f->def->policy, err);
  if (!code && run->teacher.residual)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: has been finetuned already; `demoloom distill` takes it", f->def->policy);
  if (!code) code = distill_find_task(run, f->def->policy, f->def->task, f->def->reset, err);
  if (!code) code = distill_check_data(a, err);
  if (!code) a->reset = f->def->reset ? f->def->reset : run->teacher.config.reset;
  if (!code) copy_eyes(a, &run->teacher);
  if (!code) code = configure_training(run->config, f, err);
  if (!code) code = tool_assets(&a->roots, run->task, err);
  if (!code) code = loom_scene_of_task(&run->scene, run->task, &a->roots, err);
  if (!code) code = find_horizon(f, err);
  return code ? code : distill_try_teacher(run, err);
}

// Whichever of the policy and what was learned succeeds more often.
static int keep_better(filtered* f, loomTrained* student, loomError* err) {
  static const char* const names[2] = {"before", "after"};
  distillRun* run = &f->run;
  char path[DISTILL_PATH];
  int code = distill_measure(&run->eval_teacher, run, &run->teacher, "eval_before", err);
  if (!code) code = distill_measure(&run->eval_student, run, student, "eval_after", err);

  for (int64_t i = 0; !code && i < run->eval_student.all.n; i++) {
    bool before = run->eval_teacher.list[i].end == LOOM_RUN_SUCCESS,
         after = run->eval_student.list[i].end == LOOM_RUN_SUCCESS;
    f->won += after && !before;
    f->lost += before && !after;
  }
  f->kept = f->won > f->lost || !run->args->evaluations;

  distill_path(path, &f->args, "best.safetensors");
  if (!code) code = loom_trained_save(path, f->kept ? student : &run->teacher, NULL, err);
  if (code || !run->args->evaluations) return code;

  // Where what was learned is no better, both are the policy as it was.
  return distill_write_evaluation(run, names, &run->eval_teacher,
                                  f->kept ? &run->eval_student : &run->eval_teacher, err);
}

// What all rounds so far have collected, and the demos that were given.
static int use_data(filtered* f, loomError* err) {
  distillRun* run = &f->run;
  loomDataConfig* data = &run->config->data;
  char path[DISTILL_PATH];
  const char* name = distill_has_eyes(run->config) ? "seen" : "demos";
  distill_round_path(path, run, 0, name, ".hdf5");
  int code = distill_use_data(run->config, &f->args, path, err);

  for (int r = 1; !code && r <= run->round; r++) {
    distill_round_path(path, run, r, name, ".hdf5");
    snprintf(data->file[data->file_count].path, LOOM_PATH_MAX, "%.*s", LOOM_PATH_MAX - 1, path);
    data->file[data->file_count++].weight = 0;
  }
  return code;
}

// One round: the policy acts, and another one is trained.
static int learn_round(loomTrained* policy, filtered* f, loomError* err) {
  distillRun* run = &f->run;
  char demos[DISTILL_PATH], seen[DISTILL_PATH], path[DISTILL_PATH];
  distill_round_path(demos, run, run->round, "demos", ".hdf5");
  distill_round_path(seen, run, run->round, "seen", ".hdf5");
  distill_round_path(path, run, run->round, "student", "");
  snprintf(run->config->checkpoint.folder, LOOM_PATH_MAX, "%.*s", LOOM_PATH_MAX - 1, path);

  int code = distill_collect(run, policy, "the policy", err);
  if (!code) loom_tested_join(&f->all, &run->demos.all);
  tool_tries_destroy(&run->demos);
  if (!code && distill_has_eyes(run->config)) code = distill_draw(seen, demos, run, err);
  if (!code) code = use_data(f, err);
  if (!code) code = distill_train(run, err);
  if (code) return code;

  loom_trained_destroy(policy);
  distill_path(path, &f->args, "student.safetensors");
  return loom_trained_load(policy, path, err);
}

static int learn(filtered* f, loomError* err) {
  loomTrained student = {0};
  int code = loom_trained_load(&student, f->def->policy, err);

  for (f->run.round = 0; !code && f->run.round < f->args.collections; f->run.round++)
    code = learn_round(&student, f, err);
  if (!code) code = keep_better(f, &student, err);
  loom_trained_destroy(&student);
  return code;
}

// ---- results, as other methods' (finetune_results.c)

static void print_json(const filtered* f, double core_seconds) {
  const loomTested *before = &f->run.eval_teacher.all, *after = f->kept ? &f->run.eval_student.all : before;
  cJSON* out = cJSON_CreateObject();
  if (before->n) {
    tool_add_tested(out, "before", before);
    tool_add_tested(out, "after", after);
    tool_add_rougher(out, before, after);
    cJSON* tried = cJSON_AddObjectToObject(out, "tried");
    cJSON_AddNumberToObject(tried, "only_after", f->won);
    cJSON_AddNumberToObject(tried, "only_before", f->lost);
    cJSON_AddNumberToObject(tried, "mcnemar", loom_mcnemar(f->won, f->lost));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(out, "kept"), cJSON_CreateBool(f->kept));
  }

  cJSON_AddStringToObject(out, "task", f->run.task->path);
  cJSON_AddStringToObject(out, "policy", f->def->policy);
  cJSON_AddStringToObject(out, "method", "filtered");
  cJSON_AddNumberToObject(out, "demos", (double)f->all.successes);
  cJSON_AddNumberToObject(out, "steps", (double)f->all.steps);
  cJSON_AddNumberToObject(out, "core_seconds", core_seconds);

  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  cJSON_free(text);
  cJSON_Delete(out);
}

static void print_text(const filtered* f, double core_seconds) {
  const loomTested *before = &f->run.eval_teacher.all, *after = f->kept ? &f->run.eval_student.all : before;
  if (before->n) {
    tool_print_tested(before, after);
    printf(
        "what was learned succeeds in %d where the policy fails, and fails in %d where it succeeds; p = "
        "%.2g\n",
        f->won, f->lost, loom_mcnemar(f->won, f->lost));
    if (!f->kept) puts("it is no better: the policy stays as it was");
  }
  printf("%lld successes of its own; %lld steps, %.1f core seconds\nwrote %s\n", (long long)f->all.successes,
         (long long)f->all.steps, core_seconds, f->def->folder);
}

int finetune_filtered(const finetuneFiltered* def) {
  filtered f = {.def = def,
                .args = {.teacher = def->policy,
                         .folder = def->folder,
                         .config = def->config,
                         .ndata = def->data ? 1 : 0,
                         .data = {def->data},
                         .budget = def->steps < 0 ? STEPS : def->steps,
                         .collections = def->rounds < 1 ? ROUNDS : (int)def->rounds,
                         .tries = def->tries < 1 ? TRIES : (int)def->tries,
                         .within_limits = true,
                         .episodes = MANY,
                         .evaluations = def->test < 0 ? TEST : def->test,
                         .seed = def->seed < 0 ? 1 : def->seed,
                         .threads = def->threads < 0 ? 0 : def->threads,
                         .resume = def->resume,
                         .overwrite = def->overwrite}};
  const char* const input[3] = {def->policy, def->data, def->config};
  const distillFolder folder = {.own = own,
                                .folders = folders,
                                .inner = inner,
                                .ninput = 3,
                                .input = input,
                                .alternative = "learn in another folder",
                                .put = put_settings};
  loomRunFolderDef folder_def = distill_folder_def(&f.args, &folder);
  loomError err = {0, ""};
  double cpu = loom_process_cpu();
  f.run.args = &f.args;
  f.run.config = calloc(1, sizeof *f.run.config);

  // First whether it may be written there.
  int code = f.run.config ? loom_run_folder_check(&folder_def, &err)
                          : loom_error_set(&err, LOOM_ERR_MEMORY, "no memory");
  if (!code) code = loom_folder_check_place(def->folder, 0, &err);
  if (!code) code = loom_asset_roots_copy(&f.args.roots, def->roots, &err);
  if (!code) code = open_filtered(&f, &err);
  tool_catch_signals();
  tool_draw_side_by_side();
  if (!code) code = distill_open_folder(&f.run, &folder, &err);
  if (!code) code = learn(&f, &err);
  if (!code && def->json) print_json(&f, loom_process_cpu() - cpu);
  if (!code && !def->json) print_text(&f, loom_process_cpu() - cpu);

  if (code) tool_go_on(&err, code, def->folder, DISTILL_SETTINGS);
  int status = code ? tool_fail(&err) : EXIT_DONE;
  distill_close(&f.run);
  loom_asset_roots_destroy(&f.args.roots);
  return status;
}
