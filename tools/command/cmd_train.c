// demoloom train: a policy from a dataset.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "policies/learn/bc.h"
#include "policies/learn/config_keys.h"
#include "policies/nn/team_step.h"
#include "tools/command/train_sweep.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/data_share.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/sharing.h"

typedef struct trainArgs {
  const char *file, *folder, *task, *reset, *mask, *validate;
  int policy, actions;  // -1 = not given
  int ndata, nkey;
  const char *data[LOOM_DATA_FILES], *key[LOOM_DATA_KEYS];
  int64_t rollouts, every, epochs, steps, batch, hidden, seed, threads;  // -1 = as the configuration says
  double rate, cache;                                                    // 0 likewise
  int64_t first;
  int64_t blocks;
  trainSweep sweep;
  toolSharing sharing;
  bool resume, overwrite, json;
  loomAssetRoots roots;
} trainArgs;

static int take_sizes(void* args, const char* text) {
  trainSweep* s = &((trainArgs*)args)->sweep;
  return tool_int_list(&s->nsize, s->size, SWEEP_MAX, "train", "--sizes", text, 1, INT32_MAX) ? 0
                                                                                              : EXIT_USAGE;
}

static int take_seeds(void* args, const char* text) {
  trainSweep* s = &((trainArgs*)args)->sweep;
  return tool_int_list(&s->nseed, s->seed, SWEEP_MAX, "train", "--seeds", text, 0, INT32_MAX) ? 0
                                                                                              : EXIT_USAGE;
}

static const char* const action_forms[] = {"relative", "absolute", NULL};

static const toolOption options[] = {
    TOOL_LIST("data", 'd', "FILE[=SHARE]", trainArgs, data, ndata, .unit = "files",
              .about =
                  "dataset; may be given several times, each then with its share of every batch or, unless "
                  "given, by its number of samples"),
    TOOL_OPTION_AS("policy", 'p', "KIND", trainArgs, CHOICE, policy, .choices = loom_policy_kind_names,
                   .about = "kind of policy, bc_rnn_gmm unless given; diffusion has a U-Net"),
    TOOL_LIST("key", 'k', "NAME", trainArgs, key, nkey, .unit = "keys",
              .about = "observation; several times. A@B is the pose of A in B's frame: objects of the task, "
                       "eef0, eef1, ... or world. Hands, grippers and objects, objects from each hand, and "
                       "the sizes of objects of several, unless given; robosuite's and `object` where a "
                       "dataset has no poses. Images and point clouds (`demoloom render --obs`) go through "
                       "encoders"),
    TOOL_OPTION_AS("actions", 0, "FORM", trainArgs, CHOICE, actions, .choices = action_forms,
                   .about = "as recorded, or goals of the hands with rotations of six numbers; absolute "
                            "where a dataset has poses and no --key is given"),
    TOOL_OPTION_AS("mask", 0, "NAME", trainArgs, STRING, mask,
                   .about = "only demos of that mask, e.g. train"),
    TOOL_OPTION_AS("validate", 0, "NAME", trainArgs, STRING, validate,
                   .about = "mask of the demos kept for validation, e.g. valid"),
    TOOL_OPTION_AS("output", 'o', "DIR", trainArgs, STRING, folder,
                   .about = "where all goes, `runs` unless the configuration or this says otherwise"),
    TOOL_OPTION_AS("task", 't', "TASK", trainArgs, STRING, task,
                   .about = "rollouts of it; the scene that the dataset's environment is unless given"),
    TOOL_OPTION_AS("reset", 0, "NAME", trainArgs, STRING, reset,
                   .about = "their reset distribution; the task's first unless given"),
    TOOL_OPTION_AS("rollouts", 0, "N", trainArgs, INT64, rollouts, .high = 1 << 20,
                   .about = "episodes at a time; 0 = none"),
    TOOL_OPTION_AS("every", 0, "N", trainArgs, INT64, every, .low = 1, .high = INT32_MAX, .unit = "epochs",
                   .about = "from rollouts to rollouts"),
    TOOL_OPTION_AS("epochs", 0, "N", trainArgs, INT64, epochs, .low = 1, .high = 1000000000,
                   .about = "of training"),
    TOOL_OPTION_AS("steps", 0, "N", trainArgs, INT64, steps, .high = 1000000000,
                   .about = "of an epoch; 0 = over all samples once"),
    TOOL_OPTION_AS("batch", 0, "N", trainArgs, INT64, batch, .low = 1, .high = 1 << 20,
                   .about = "samples of a step"),
    TOOL_OPTION_AS("blocks", 0, "N", trainArgs, INT64, blocks, .low = 1, .high = LOOM_STEP_BLOCKS,
                   .about = "of a batch, 1 unless the configuration or this says otherwise: so many "
                            "processes can work on a step. They decide the weights, processes and "
                            "threads do not"),
    TOOL_OPTION_AS(
        "rate", 0, "R", trainArgs, REAL, rate, .least = 1e-12, .most = 10,
        .about = "of learning. Of these, what is not given is what suits the kind: see DIR/config.yaml"),
    TOOL_OPTION_AS("hidden", 0, "N", trainArgs, INT64, hidden, .low = 1, .high = 65536,
                   .about = "units of LSTM layers or of each hidden layer, a transformer's width, channels "
                            "of a U-Net's first level (each further one has twice as many)"),
    TOOL_OPTION_AS("cache", 0, "GB", trainArgs, REAL, cache, .least = 1e-6, .most = 1e6, .unit = "GiB",
                   .about = "demos held in memory, 2 unless the configuration or this says otherwise"),
    TOOL_OPTION_AS("seed", 's', "S", trainArgs, INT64, seed, .high = INT32_MAX,
                   .about = "1 unless the configuration or this says otherwise"),
    TOOL_THREADS_OPTION(trainArgs, INT64, threads),
    TOOL_OPTION_AS("first", 0, "N", trainArgs, INT64, first, .low = 1, .high = INT32_MAX,
                   .about = "only the first demos of each file (and mask)"),
    TOOL_CALLS_OPTION("sizes", "A,B,...", take_sizes, "one run for each number of first demos"),
    TOOL_CALLS_OPTION(
        "seeds", "A,B,...", take_seeds,
        "one run for each seed; then each run's best policy is tested. A table, DIR/sweep.json "
        "and sweep.png; what is done is not done again, and settings stay what DIR/sweep.yaml says"),
    TOOL_OPTION_AS(
        "tests", 0, "N", trainArgs, INT64, sweep.tests, .high = 1 << 20,
        .about = "episodes of these tests; 0 = none; 100 unless given, if there is a task for them"),
    TOOL_OPTION_AS("test-seed", 0, "S", trainArgs, INT64, sweep.test_seed, .high = INT64_MAX,
                   .about = "of their starts"),
    TOOL_SHARE_OPTION(trainArgs, sharing.given, "one run"),
    TOOL_OVERWRITE_OPTION(trainArgs, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, trainArgs, BOOL, resume,
                   .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION_AS("json", 0, NULL, trainArgs, BOOL, json,
                   .about = "each epoch as one line of JSON on stdout"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, trainArgs, roots),
    TOOL_GPU_OPTION,
};

static const toolCommand command = {
    .before =
        "usage: demoloom train CONFIG.yaml | --data FILE.hdf5 [options]\n"
        "\n"
        "Trains a policy on a dataset in robomimic's layout. Into the folder go config.yaml (all settings),\n"
        "last.safetensors (checkpoint), best_success.safetensors and best_loss.safetensors, the latest "
        "policies,\n"
        "scalars.csv, curves.png and TensorBoard event files. Ctrl-C writes a checkpoint; --resume goes on, "
        "bit for bit.\n",
    .after =
        "examples:\n"
        "  demoloom train --data handover.hdf5 --policy bc_rnn_gmm -o runs/handover\n"
        "  demoloom train --data real.hdf5=0.5 --data simulated.hdf5=0.5 -k pointcloud -o runs/both\n"
        "  demoloom train runs/handover/config.yaml --seed 2 -o runs/handover-2\n"
        "  demoloom train --data handover.hdf5 -p diffusion_mlp --sizes 100,300,1000 --seeds 1,2,3 -o "
        "runs/sizes\n"
        "  demoloom rollout runs/handover/best_success.safetensors -n 100\n",
    TOOL_OPTIONS(options),
};

static int check_sharing(const trainArgs* a) {
  const char* why = tool_sharing_why(&a->sharing);
  if (!a->sharing.on) return 0;
  if (a->overwrite)
    return tool_usage("train", "%s, it cannot --overwrite: who would come first? Remove the folder first",
                      why);
  return a->sweep.nsize || a->sweep.nseed
             ? tool_usage("train", "%s, it makes one run: no --sizes, no --seeds", why)
             : 0;
}

static int read_train_options(trainArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // Settings come from a file, or from the options with a dataset.
  if (optind < argc && loom_ends_with(argv[optind], ".hdf5"))
    return tool_usage("train", "%s is a dataset: --data %s", argv[optind], argv[optind]);
  if (argc - optind > 1 || (optind < argc) == (a->ndata > 0))
    return tool_usage("train", "it takes one configuration, or --data");
  if (optind < argc) a->file = argv[optind];
  if (a->file && a->policy >= 0) return tool_usage("train", "--policy is the configuration's to say");
  code = tool_sharing(&a->sharing, "train");
  if (!code) code = check_sharing(a);
  return code ? code : tool_one_of_both("train", a->overwrite, a->resume);
}

// ---- the configuration

// The keys to see and the task to try it on, from the first dataset.
static int look_at_data(loomTrainConfig* c, const trainArgs* a, loomError* err) {
  loomDataset* dataset;
  int code = loom_dataset_open(&dataset, c->data.file[0].path, err);
  if (code) return code;

  // Keys and batch size that suit what the dataset has.
  if (!c->data.key_count) code = loom_config_keys(c, dataset, a->actions < 0, err);
  if (!code && a->batch < 0) loom_config_batch(c, dataset);
  loom_dataset_close(dataset);
  if (code || a->task || a->rollouts == 0) return code;

  // Rollouts need a scene: the one that the dataset's environment is.
  loomTask* task;
  loomAssetRoots roots = a->roots;
  loomError why = {0, ""};
  if (tool_open(&task, &dataset, &roots, c->data.file[0].path, NULL, false, &why)) {
    fprintf(stderr, "no rollouts: %s\n", why.message);
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
                {a->blocks, &c->train.blocks},
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

  // What is given replaces what the configuration says.
  for (size_t i = 0; i < sizeof number / sizeof *number; i++)
    if (number[i].from >= 0) *number[i].to = (int)number[i].from;
  for (size_t i = 0; i < sizeof text / sizeof *text; i++)
    if (text[i].from) snprintf(text[i].to, text[i].room, "%s", text[i].from);

  // A U-Net doubles its channels at each level; other layers are all alike.
  bool doubling = c->policy.kind == LOOM_KIND_DIFFUSION;
  for (int i = 0; a->hidden > 0 && i < c->policy.layers.n; i++)
    c->policy.layers.size[i] = (int)a->hidden << (doubling ? i : 0);

  // Masks and limits hold for each file.
  for (int i = 0; a->mask && i < c->data.file_count; i++)
    snprintf(c->data.file[i].mask, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->mask);
  for (int i = 0; a->first > 0 && i < c->data.file_count; i++) c->data.file[i].first = (int)a->first;

  // What overrides a single setting.
  if (a->actions >= 0) c->data.pose = c->data.rotation = a->actions;
  if (a->rate > 0) c->optimizer.rate = a->rate;
  if (a->cache > 0) c->data.cache = a->cache;
  if (a->nkey) c->data.key_count = a->nkey;
  for (int i = 0; i < a->nkey; i++)
    snprintf(c->data.key[i], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->key[i]);

  // 0 rollouts: no task, so that no scene is opened.
  if (a->rollouts == 0) c->rollout.task[0] = 0;
}

// As a file with the same would be.
static int check_configuration(const loomTrainConfig* c, loomError* err) {
  char* text = loom_train_config_text(c);
  loomTrainConfig* read = malloc(sizeof *read);

  // The text is read back, so that the same checks hold.
  int code = text && read
                 ? loom_train_config_parse(read, text, strlen(text), "configuration with the options", err)
                 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  free(text);
  free(read);
  return code;
}

static int configure_training(loomTrainConfig* c, const trainArgs* a, loomError* err) {
  if (a->file) {
    int code = loom_train_config_load(c, a->file, err);
    if (!code) apply_options(c, a);
    return code ? code : check_configuration(c, err);
  }

  // Without a file: what suits the kind, what the options say, and what the first dataset shows.
  *c = loom_default_train_config(a->policy >= 0 ? (loomPolicyKind)a->policy : LOOM_KIND_BC_RNN_GMM);
  for (int i = 0; i < a->ndata; i++)
    if (tool_data_share(&c->data.file[i], "train", a->data[i]))
      return loom_error_set(err, LOOM_ERR_USAGE, "--data");
  c->data.file_count = a->ndata;
  apply_options(c, a);
  int code = look_at_data(c, a, err);
  return code ? code : check_configuration(c, err);
}

// ---- progress

#define STATE(kind, member) LOOM_FIELD(loomTrainState, kind, member, .about = "")
static const loomFieldDef state_rows[] = {
    STATE(INT, epoch),
    STATE(INT64, step),
    STATE(REAL, loss),
    STATE(REAL, gradient),
    STATE(REAL, rate),
    STATE(REAL, validation),
    STATE(REAL, success),
    STATE(REAL, success_low),
    STATE(REAL, success_high),
    STATE(REAL, best_success),
    STATE(REAL, best_validation),
    STATE(INT, best_epoch),
    STATE(REAL, samples_per_second),
    STATE(REAL, seconds),
};
static const loomFields state_fields = LOOM_FIELDS(state_rows);

static void print_epoch(const loomTrainState* s) {
  cJSON* out = cJSON_CreateObject();

  loom_fields_json(out, s, &state_fields, ~0U);
  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  fflush(stdout);
  cJSON_free(text);
  cJSON_Delete(out);
}

static void show_step(void* user, const loomTrainState* s, bool epoch_done) {
  const trainArgs* a = user;
  char note[200];
  int n = snprintf(note, sizeof note, "steps, epoch %d of %d, loss %.4g, gradient %.3g, %.0f samples/s",
                   s->epoch, s->epochs, s->loss, s->gradient, s->samples_per_second);

  // Validation and success come once an epoch.
  if (!isnan(s->validation))
    n += snprintf(note + n, sizeof note - (size_t)n, ", validation %.4g", s->validation);
  if (!isnan(s->success)) snprintf(note + n, sizeof note - (size_t)n, ", %.0f %% succeed", 100 * s->success);

  // The rate is this process's.
  tool_progress_from("trained", s->first, s->step, s->steps, s->seconds, note);
  if (!epoch_done) return;
  if (a->json) print_epoch(s);
}

static void print_end(const loomTrainConfig* c, const loomTrainState* s) {
  printf("%lld steps", (long long)s->step);
  if (!isnan(s->loss)) printf(", loss %.4g", s->loss);  // not known of a finished run that was resumed

  if (!isnan(s->best_validation)) printf(", best validation %.4g", s->best_validation);

  if (!isnan(s->success))
    printf(", %.0f %% of the last rollouts succeed (95 %% interval %.0f to %.0f), %.0f %% of the best",
           100 * s->success, 100 * s->success_low, 100 * s->success_high, 100 * s->best_success);

  printf("\n%.1f s, %.0f samples a second\nwrote %s\n", s->seconds, s->samples_per_second,
         c->checkpoint.folder);
}

// Each run writes FOLDER/config.yaml: not over the configuration that it was given.
static int check_folder(const loomTrainConfig* c, const trainArgs* a, loomError* err) {
  char path[LOOM_PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/config.yaml", c->checkpoint.folder);
  if (a->file && !a->resume && loom_same_file(path, a->file))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: that is what is read; train into another folder", path);
  return loom_folder_check_place(c->checkpoint.folder, 0, err);
}

static int open_rollouts(loomScene** scene, loomTask** task, loomTrainConfig* c, trainArgs* a,
                         loomError* err) {
  if (!c->rollout.task[0]) return 0;

  // The task and its reset distribution first: they may be misspelled.
  int code = loom_task_find(task, c->rollout.task, err);
  if (!code && c->rollout.reset[0] && loom_task_find_reset(*task, c->rollout.reset) < 0)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", (*task)->path,
                          c->rollout.reset);

  if (!code) code = tool_assets(&a->roots, *task, err);
  if (!code) code = loom_scene_of_task(scene, *task, &a->roots, err);
  return code;
}

// Without --sizes all demos, without --seeds the one seed; epochs are not told as JSON, runs are.
static int run_sweep(trainArgs* a, const loomTrainConfig* config, const loomTrainDef* def, loomError* err) {
  trainSweep* s = &a->sweep;

  if (!s->nsize) s->size[s->nsize++] = a->first;
  if (!s->nseed) s->seed[s->nseed++] = config->train.seed;
  s->json = a->json;
  a->json = false;
  return train_sweep(s, config, def, err);
}

int cmd_train(int argc, char** argv) {
  trainArgs a = {.policy = -1,
                 .actions = -1,
                 .rollouts = -1,
                 .every = -1,
                 .epochs = -1,
                 .steps = -1,
                 .batch = -1,
                 .blocks = -1,
                 .hidden = -1,
                 .seed = -1,
                 .threads = -1,
                 .sweep = {.tests = -1, .test_seed = 7},
                 .sharing = TOOL_SHARING};
  loomTrainState state = {0};
  loomScene* scene = NULL;
  loomTask* task = NULL;
  loomError err = {0, ""};
  int code = read_train_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // On the heap: a configuration is large.
  loomTrainConfig* config = calloc(1, sizeof *config);
  code = config ? configure_training(config, &a, &err)
                : loom_error_set(&err, LOOM_ERR_MEMORY, "no memory to train");
  if (!code) code = check_folder(config, &a, &err);
  if (!code) code = open_rollouts(&scene, &task, config, &a, &err);

  if (!code && a.sharing.on && config->train.blocks == 1 && tool_sharing_shows(&a.sharing))
    fprintf(stderr,
            "a batch has one block, which one process works on at a time; --blocks N is for N processes "
            "(the weights are others then, and the same on any number of them)\n");

  // One run or a sweep of them.
  if (!code) {
    tool_catch_signals();
    tool_draw_side_by_side();
    loomTrainDef def = {.config = config,
                        .scene = scene,
                        .resume = a.resume,
                        .overwrite = a.overwrite,
                        .share = a.sharing.on,
                        .threads = tool_sharing_threads(&a.sharing, config->train.threads),
                        .stop = &tool_stop,
                        .progress = show_step,
                        .user = &a};
    bool sweeps = a.sweep.nsize || a.sweep.nseed;
    code = sweeps ? run_sweep(&a, config, &def, &err) : loom_train(&state, &def, &err);
    tool_progress_end();
    if (!code && !a.json && !sweeps && tool_sharing_tells(&a.sharing, state.led)) print_end(config, &state);
  }

  if (code && config && !(code == LOOM_ERR_INTERRUPTED && a.sharing.on))
    tool_go_on(&err, code, config->checkpoint.folder, "last.safetensors");
  int status = code ? tool_fail(&err) : EXIT_DONE;

  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  free(config);
  return status;
}
