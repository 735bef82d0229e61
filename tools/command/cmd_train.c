// demoloom train: a policy from a dataset.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/learn/bc.h"
#include "policies/learn/config_keys.h"
#include "tools/command/train_sweep.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"

static const char help[] =
    "usage: demoloom train CONFIG.yaml | --data FILE.hdf5 [options]\n\n"
    "Trains a policy on a dataset in robomimic's layout. Into the folder go config.yaml (all settings),\n"
    "last.safetensors (checkpoint), best_success.safetensors and best_loss.safetensors, the latest "
    "policies,\n"
    "scalars.csv, curves.png and TensorBoard event files. Ctrl-C writes a checkpoint; --resume goes on, bit "
    "for bit.\n\n"
    "  -d, --data FILE      dataset; may be given several times\n"
    "  -p, --policy KIND    bc_l2, bc_gaussian, bc_gmm, bc_rnn_gmm, bc_transformer, diffusion (U-Net) or\n"
    "                       diffusion_mlp (default bc_rnn_gmm)\n"
    "  -k, --key NAME       observation; several times. A@B is the pose of A in B's frame: objects of the\n"
    "                       task, eef0, eef1, ... or world. Default: hands, grippers and objects, and "
    "objects\n"
    "                       from each hand; robosuite's and `object` where a dataset has no poses.\n"
    "                       Images and point clouds (`demoloom render --obs`) go through encoders\n"
    "      --actions FORM   relative: as recorded; or absolute: goals of the hands, rotations of six "
    "numbers.\n"
    "                       Default absolute where a dataset has poses and no --key is given\n"
    "      --mask NAME      only demos of that mask, e.g. train\n"
    "      --validate NAME  mask of the demos kept for validation, e.g. valid\n"
    "  -o, --output DIR     folder (default runs)\n"
    "      --task TASK      rollouts of it (default: the scene that the dataset's environment is)\n"
    "      --reset NAME     their reset distribution (default: the task's first)\n"
    "      --rollouts N     episodes at a time (0 = none), --every N epochs between them\n"
    "      --epochs N, --steps N (of an epoch, 0 = over all samples once), --batch N\n"
    "      --rate R         of learning. Of these, what is not given is what suits the kind: see "
    "DIR/config.yaml\n"
    "      --hidden N       units of LSTM layers or of each hidden layer, a transformer's width, channels "
    "of\n"
    "                       a U-Net's first level (each further one has twice as many)\n"
    "      --cache GB       of demos held in memory (default 2)\n"
    "  -s, --seed S         default 1\n"
    "  -j, --threads N      default: as many as cores\n"
    "      --first N        only the first N demos of each file (and mask)\n"
    "      --sizes A,B,...  one run for each number of first demos, --seeds A,B,... one for each seed; then "
    "each\n"
    "                       run's best policy is tested: --tests N episodes (default 100, 0 = none) of\n"
    "                       --test-seed S (default 7). A table, DIR/sweep.json and sweep.png; what is done "
    "is\n"
    "                       not done again\n"
    "      --resume         go on where the folder's checkpoint is\n"
    "      --json           each epoch as one line of JSON on stdout\n"
    "      --assets NAME=DIR\n\n"
    "examples:\n"
    "  demoloom train --data handover.hdf5 --policy bc_rnn_gmm -o runs/handover\n"
    "  demoloom train runs/handover/config.yaml --seed 2 -o runs/handover-2\n"
    "  demoloom train --data handover.hdf5 -p diffusion_mlp --sizes 100,300,1000 --seeds 1,2,3 -o "
    "runs/sizes\n"
    "  demoloom rollout runs/handover/best_success.safetensors -n 100\n";

typedef struct trainArgs {
  const char *file, *folder, *task, *reset, *mask, *validate, *policy, *actions;
  int ndata, nkey;
  const char *data[LOOM_DATA_FILES], *key[LOOM_DATA_KEYS];
  int64_t rollouts, every, epochs, steps, batch, hidden, seed, threads;  // -1 = as the configuration says
  double rate, cache;                                                    // 0 likewise
  int64_t first;
  trainSweep sweep;
  bool resume, json;
  loomAssetRoots roots;
} trainArgs;

static int take_actions(void* to, const char* text) {
  if (strcmp(text, "relative") != 0 && strcmp(text, "absolute") != 0)
    return tool_usage("train", "--actions is relative or absolute, not '%s'", text);
  *(const char**)to = text;
  return 0;
}

static int take_sizes(void* to, const char* text) {
  trainSweep* s = to;
  return train_sweep_list(&s->nsize, s->size, "--sizes", text, 1, INT32_MAX) ? 0 : EXIT_USAGE;
}

static int take_seeds(void* to, const char* text) {
  trainSweep* s = to;
  return train_sweep_list(&s->nseed, s->seed, "--seeds", text, 0, INT32_MAX) ? 0 : EXIT_USAGE;
}

static int parse_train_options(trainArgs* a, int argc, char** argv) {
  const toolOption options[] = {
      option_list("data", 'd', a->data, &a->ndata, LOOM_DATA_FILES, "files"),
      option_text("policy", 'p', &a->policy),
      option_list("key", 'k', a->key, &a->nkey, LOOM_DATA_KEYS, "keys"),
      option_call("actions", take_actions, &a->actions),
      option_text("mask", 0, &a->mask),
      option_text("validate", 0, &a->validate),
      option_text("output", 'o', &a->folder),
      option_text("task", 0, &a->task),
      option_text("reset", 0, &a->reset),
      option_int64("rollouts", 0, &a->rollouts, 0, 1 << 20),
      option_int64("every", 0, &a->every, 1, INT32_MAX),
      option_int64("epochs", 0, &a->epochs, 1, 1000000000),
      option_int64("steps", 0, &a->steps, 0, 1000000000),
      option_int64("batch", 0, &a->batch, 1, 1 << 20),
      option_double("rate", 0, &a->rate, 1e-12, 10),
      option_int64("hidden", 0, &a->hidden, 1, 65536),
      option_double("cache", 0, &a->cache, 1e-6, 1e6),
      option_int64("seed", 's', &a->seed, 0, INT32_MAX),
      option_int64("threads", 'j', &a->threads, 0, 1024),
      option_int64("first", 0, &a->first, 1, INT32_MAX),
      option_call("sizes", take_sizes, &a->sweep),
      option_call("seeds", take_seeds, &a->sweep),
      option_int64("tests", 0, &a->sweep.tests, 0, 1 << 20),
      option_int64("test-seed", 0, &a->sweep.test_seed, 0, INT64_MAX),
      option_flag("resume", 0, &a->resume),
      option_flag("json", 0, &a->json),
      option_assets(0, &a->roots),
  };
  int code = tool_options(argc, argv, help, options, sizeof options / sizeof *options);
  if (code) return code;
  if (argc - optind > 1 || (optind < argc) == (a->ndata > 0))
    return tool_usage("train", "it takes one configuration, or --data");
  if (optind < argc) a->file = argv[optind];
  if (a->file && a->policy) return tool_usage("train", "--policy is the configuration's to say");
  return 0;
}

// ---- the configuration

// The keys to see and the task to try it on, from the first dataset.
static int look_at_data(loomTrainConfig* c, const trainArgs* a, loomError* err) {
  loomDataset* dataset;
  int code = loom_dataset_open(&dataset, c->data.file[0].path, err);
  if (code) return code;
  if (!c->data.key_count) code = loom_config_keys(c, dataset, !a->actions, err);
  if (!code && a->batch < 0) loom_config_batch(c, dataset);
  loom_dataset_close(dataset);
  if (code || a->task || a->rollouts == 0) return code;
  loomTask* task;
  loomAssetRoots roots = a->roots;
  if (tool_open(&task, &dataset, &roots, c->data.file[0].path, NULL, false, NULL)) {
    fputs("no scene is the dataset's environment: no rollouts (name one with --task)\n", stderr);
    return 0;
  }
  snprintf(c->rollout.task, sizeof c->rollout.task, "%s", task->name);
  loom_task_destroy(task);
  loom_dataset_close(dataset);
  return 0;
}

static void apply_options(loomTrainConfig* c, const trainArgs* a) {
  const struct {
    int64_t from;
    int* to;
  } number[] = {{a->rollouts > 0 ? a->rollouts : -1, &c->rollout.n},
                {a->every, &c->rollout.every},
                {a->epochs, &c->train.epochs},
                {a->steps, &c->train.steps},
                {a->batch, &c->train.batch},
                {a->hidden, &c->policy.hidden},
                {a->hidden, &c->policy.width},
                {a->seed, &c->train.seed},
                {a->threads, &c->train.threads}};
  const struct {
    const char* from;
    char* to;
    size_t room;
  } text[] = {{a->folder, c->checkpoint.folder, sizeof c->checkpoint.folder},
              {a->task, c->rollout.task, sizeof c->rollout.task},
              {a->reset, c->rollout.reset, sizeof c->rollout.reset},
              {a->validate, c->validate.mask, sizeof c->validate.mask}};
  for (size_t i = 0; i < sizeof number / sizeof *number; i++)
    if (number[i].from >= 0) *number[i].to = (int)number[i].from;
  for (size_t i = 0; i < sizeof text / sizeof *text; i++)
    if (text[i].from) snprintf(text[i].to, text[i].room, "%s", text[i].from);
  bool doubling = c->policy.kind == LOOM_KIND_DIFFUSION;
  for (int i = 0; a->hidden > 0 && i < c->policy.layers.n; i++)
    c->policy.layers.size[i] = (int)a->hidden << (doubling ? i : 0);
  for (int i = 0; a->mask && i < c->data.file_count; i++)
    snprintf(c->data.file[i].mask, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->mask);
  for (int i = 0; a->first > 0 && i < c->data.file_count; i++) c->data.file[i].first = (int)a->first;
  if (a->actions) c->data.pose = c->data.rotation = !strcmp(a->actions, "absolute");
  if (a->rate > 0) c->optimizer.rate = a->rate;
  if (a->cache > 0) c->data.cache = a->cache;
  if (a->nkey) c->data.key_count = a->nkey;
  for (int i = 0; i < a->nkey; i++)
    snprintf(c->data.key[i], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->key[i]);
  if (a->rollouts == 0) c->rollout.task[0] = 0;
}

// As a file with the same would be.
static int check(const loomTrainConfig* c, loomError* err) {
  char* text = loom_train_config_text(c);
  loomTrainConfig* read = malloc(sizeof *read);
  int code = text && read
                 ? loom_train_config_parse(read, text, strlen(text), "configuration with the options", err)
                 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");
  free(text);
  free(read);
  return code;
}

static int configure(loomTrainConfig* c, const trainArgs* a, loomError* err) {
  loomPolicyKind kind;
  int code = loom_policy_kind_find(&kind, a->policy ? a->policy : "bc_rnn_gmm", err);
  if (code) return code;
  if (a->file) {
    code = loom_train_config_load(c, a->file, err);
    if (!code) apply_options(c, a);
    return code ? code : check(c, err);
  }
  *c = loom_default_train_config(kind);
  for (int i = 0; i < a->ndata; i++) snprintf(c->data.file[i].path, LOOM_PATH_MAX, "%s", a->data[i]);
  c->data.file_count = a->ndata;
  apply_options(c, a);
  code = look_at_data(c, a, err);
  return code ? code : check(c, err);
}

// ---- progress

static void put(cJSON* out, const char* name, double value) {
  if (isfinite(value)) cJSON_AddNumberToObject(out, name, value);
}

static void print_json(const loomTrainState* s) {
  cJSON* out = cJSON_CreateObject();
  put(out, "epoch", s->epoch);
  put(out, "step", (double)s->step);
  put(out, "loss", s->loss);
  put(out, "gradient", s->gradient);
  put(out, "rate", s->rate);
  put(out, "validation", s->validation);
  put(out, "success", s->success);
  put(out, "success_low", s->success_low);
  put(out, "success_high", s->success_high);
  put(out, "best_success", s->best_success);
  put(out, "best_validation", s->best_validation);
  put(out, "best_epoch", s->best_epoch);
  put(out, "samples_per_second", s->samples_per_second);
  put(out, "seconds", s->seconds);
  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  fflush(stdout);
  cJSON_free(text);
  cJSON_Delete(out);
}

static void show(void* user, const loomTrainState* s, bool epoch_done) {
  const trainArgs* a = user;
  char note[200];
  int n = snprintf(note, sizeof note, "steps, epoch %d of %d, loss %.4g, gradient %.3g, %.0f samples/s",
                   s->epoch, s->epochs, s->loss, s->gradient, s->samples_per_second);
  if (!isnan(s->validation))
    n += snprintf(note + n, sizeof note - (size_t)n, ", validation %.4g", s->validation);
  if (!isnan(s->success)) snprintf(note + n, sizeof note - (size_t)n, ", %.0f %% succeed", 100 * s->success);
  // The rate is this process's.
  tool_progress("trained", s->step, s->steps, s->seconds * (double)s->step / (double)(s->step - s->first),
                note);
  if (!epoch_done) return;
  if (a->json) print_json(s);
}

static void print_end(const loomTrainConfig* c, const loomTrainState* s) {
  printf("%lld steps", (long long)s->step);
  if (!isnan(s->loss)) printf(", loss %.4g", s->loss);  // of a finished run that was taken up it is unknown
  if (!isnan(s->best_validation)) printf(", best validation %.4g", s->best_validation);
  if (!isnan(s->success))
    printf(", %.0f %% of the last rollouts succeed (95 %% interval %.0f to %.0f), %.0f %% of the best",
           100 * s->success, 100 * s->success_low, 100 * s->success_high, 100 * s->best_success);
  printf("\n%.1f s, %.0f samples a second\nwrote %s\n", s->seconds, s->samples_per_second,
         c->checkpoint.folder);
}

static int open_rollouts(loomScene** scene, loomTask** task, loomTrainConfig* c, trainArgs* a,
                         loomError* err) {
  if (!c->rollout.task[0]) return 0;
  int code = loom_task_find(task, c->rollout.task, err);
  if (!code && c->rollout.reset[0] && loom_task_find_reset(*task, c->rollout.reset) < 0)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", (*task)->path,
                          c->rollout.reset);
  if (!code) code = tool_assets(&a->roots, *task, err);
  if (!code) code = loom_scene_of_task(scene, *task, &a->roots, err);
  return code;
}

// Without --sizes all demos, without --seeds the one seed; epochs are not told as JSON, runs are.
static int sweep(trainArgs* a, const loomTrainConfig* config, const loomTrainDef* def, loomError* err) {
  trainSweep* s = &a->sweep;
  if (!s->nsize) s->size[s->nsize++] = a->first;
  if (!s->nseed) s->seed[s->nseed++] = config->train.seed;
  s->json = a->json;
  a->json = false;
  return train_sweep(s, config, def, err);
}

int cmd_train(int argc, char** argv) {
  trainArgs a = {.rollouts = -1,
                 .every = -1,
                 .epochs = -1,
                 .steps = -1,
                 .batch = -1,
                 .hidden = -1,
                 .seed = -1,
                 .threads = -1,
                 .sweep = {.tests = 100, .test_seed = 7}};
  loomTrainState state = {0};
  loomScene* scene = NULL;
  loomTask* task = NULL;
  loomError err = {0, ""};
  int code = parse_train_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  loomTrainConfig* config = calloc(1, sizeof *config);
  code = config ? configure(config, &a, &err) : loom_error_set(&err, LOOM_ERR_MEMORY, "no memory to train");
  if (!code) code = open_rollouts(&scene, &task, config, &a, &err);
  if (!code) {
    tool_catch_signals();
    tool_draw_side_by_side();
    loomTrainDef def = {.config = config,
                        .scene = scene,
                        .resume = a.resume,
                        .stop = &tool_stop,
                        .progress = show,
                        .user = &a};
    bool sweeps = a.sweep.nsize || a.sweep.nseed;
    code = sweeps ? sweep(&a, config, &def, &err) : loom_train(&state, &def, &err);
    tool_progress_end();
    if (!code && !a.json && !sweeps) print_end(config, &state);
  }
  int status = code ? tool_fail(&err) : EXIT_DONE;
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  free(config);
  return status;
}
