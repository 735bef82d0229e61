// demoloom gail: who learns from a discriminator, which tells what it does from what it is to do. On tasks
// (gail_task.c) and, here, on toys whose answer is known: samples of several modes in the plane.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "policies/learn/toy_gan.h"
#include "tools/command/gail_corridor.h"
#include "tools/command/gail_goals.h"
#include "tools/command/gail_task.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = 64, OPTIONS = 40 };

typedef struct gailArgs {
  loomToyConfig config;  // its fields are options of their names
  const char* folder;
  int nseed;
  int64_t seeds[SEEDS], threads;
  bool resume, overwrite, json;
} gailArgs;

static int take_seeds(void* args, const char* text) {
  gailArgs* a = args;
  return tool_int_list(&a->nseed, a->seeds, SEEDS, "gail", "--seeds", text, 0, INT32_MAX) ? 0 : EXIT_USAGE;
}

static const toolOption own_options[] = {
    TOOL_HEADING_LINE("the run"),
    TOOL_CALLS_OPTION("seeds", "A,B,...", take_seeds,
                      "one run for each seed, in DIR/seed-SEED, side by side; then their mean"),
    TOOL_OPTION_AS("output", 'o', "DIR", gailArgs, STRING, folder,
                   .about = "where all goes; nothing is written unless given"),
    TOOL_OPTION('j', "N", gailArgs, INT64, threads, .high = 1024,
                .about = "as many as cores unless given, or 0"),
    TOOL_OVERWRITE_OPTION(gailArgs, overwrite),
    TOOL_OPTION(0, NULL, gailArgs, BOOL, resume, .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION(0, NULL, gailArgs, BOOL, json, .about = "the result as JSON on stdout"),
};

// Every setting of a toy is an option.
static size_t list_options(toolOption out[OPTIONS]) {
  static const char* const takes[] = {[LOOM_FIELD_INT] = "N",
                                      [LOOM_FIELD_REAL] = "X",
                                      [LOOM_FIELD_CHOICE] = "NAME",
                                      [LOOM_FIELD_SIZES] = "A,B,..."};
  size_t n = 0;

  for (int i = 0; i < loom_toy_fields.n; i++, n++) {
    const loomFieldDef* field = &loom_toy_fields.field[i];
    out[n] = (toolOption){.field = *field};
    out[n].field.offset += offsetof(gailArgs, config);
    if (field->type != LOOM_FIELD_BOOL) out[n].argument = takes[field->type];
    if (!strcmp(field->name, "seed")) out[n].letter = 's';
    if (!strcmp(field->name, "steps")) out[n].letter = 'n';
  }

  memcpy(out + n, own_options, sizeof own_options);
  return n + sizeof own_options / sizeof *own_options;
}

static int read_gail_options(gailArgs* a, int argc, char** argv) {
  toolOption options[OPTIONS];
  const toolCommand command = {
      .before =
          "usage: demoloom gail TASK --data FILE.hdf5 -o DIR [options]     (TASK --help tells them)\n"
          "       demoloom gail --toy ring|grid [options]\n"
          "       demoloom gail corridor|goals [options]     (--help tells them)\n"
          "\n"
          "A task is learned from an expert's demos: `demoloom gail TASK --help`. What follows is of toys.\n"
          "\n"
          "A generator learns to draw samples of several modes in the plane from a discriminator that\n"
          "tells its samples from true ones (generative adversarial networks, the parts of GAIL): 8 modes\n"
          "on a ring, or 25 in a grid, as in PacGAN's experiments. Told are the modes that 2,500 samples\n"
          "come to (within 3 deviations), the share of samples that do, and the reverse KL divergence of\n"
          "their distribution over modes. With --pack m the discriminator sees m samples side by side, so\n"
          "that it notices when modes are missing; with --discriminator wgan it is a Wasserstein critic,\n"
          "which leaves slopes to climb however well it tells both apart.\n"
          "Into the folder go config.yaml, last.safetensors (both networks), samples.png, scalars.csv,\n"
          "curves.png and TensorBoard event files; of several seeds also one samples.png of all. Ctrl-C\n"
          "writes a checkpoint; --resume goes on, bit for bit.\n",
      .after =
          "examples:\n"
          "  demoloom gail tests/gym/hopper.yaml --data expert.hdf5 --every 20 -o runs/gail\n"
          "  demoloom gail --toy ring --pack 4 --seed 1 -o runs/ring\n"
          "  demoloom gail --toy grid --pack 1 --seeds 1,2,3,4 --json\n"
          "  demoloom gail --toy ring --discriminator wgan -o runs/wgan\n"
          "  demoloom gail --toy ring --discriminator wgan --spectral -n 2000 -o runs/spectral\n"
          "  demoloom gail corridor --absorbing off\n"
          "  demoloom gail goals --pack 4\n",
      .option = options,
      .n = list_options(options),
  };

  // Which toy is for the user to say.
  a->config = loom_default_toy_config();
  a->config.toy = -1;
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  if (optind < argc) return tool_usage("gail", "a toy takes no arguments but options");
  if (a->config.toy < 0)
    return tool_usage("gail", "which toy, or task? It takes --toy ring, --toy grid or a task");
  if ((a->resume || a->overwrite) && !a->folder)
    return tool_usage("gail", "--resume and --overwrite are of a folder: -o DIR");
  return tool_one_of_both("gail", a->overwrite, a->resume);
}

// ---- runs

typedef struct gailRuns {
  const gailArgs* args;
  int n;
  loomToyState state[SEEDS];
  loomReal* samples;  // (n x looked x 2) where there are several and a folder, else NULL
  double start;
} gailRuns;

static int64_t seed_of(const gailRuns* all, int i) {
  return all->args->nseed ? all->args->seeds[i] : all->args->config.seed;
}

// Of a single run, or of the one of several that has just looked.
static void show_progress(void* user, const loomToyState* s) {
  const gailRuns* all = user;
  char note[160];

  snprintf(note, sizeof note, "steps, %d modes, quality %.0f %%, reverse KL %.3f", s->modes.recovered,
           100 * s->modes.quality, s->modes.reverse_kl);
  if (all->n == 1) tool_progress("learned", s->step, s->steps, loom_clock() - all->start, note);
}

static int show_run(void* user, int worker, int i, int prefix, loomError* err) {
  const gailRuns* all = user;
  (void)worker;
  (void)i;
  (void)err;

  if (all->n > 1) tool_progress("learned", prefix, all->n, loom_clock() - all->start, "seeds");
  return 0;
}

static int run_one(void* user, int worker, int i, loomError* err) {
  gailRuns* all = user;
  const gailArgs* a = all->args;
  loomToyConfig config = a->config;
  char folder[LOOM_PATH_MAX + 32];
  (void)worker;

  // Several stand each in a folder of its own.
  config.seed = (int)seed_of(all, i);
  snprintf(folder, sizeof folder, "%s", a->folder ? a->folder : "");
  if (a->folder && a->nseed) snprintf(folder, sizeof folder, "%s/seed-%d", a->folder, config.seed);

  const loomToyDef def = {
      .config = &config,
      .folder = a->folder ? folder : NULL,
      .overwrite = a->overwrite,
      .resume = a->resume,
      .stop = &tool_stop,
      .samples = all->samples ? all->samples + 2 * (size_t)i * (size_t)config.looked : NULL,
      .progress = show_progress,
      .user = all};
  int code = loom_toy_gan(&all->state[i], &def, err);
  return code && a->folder ? tool_go_on(err, code, folder, "last.safetensors") : code;
}

static int run_all(gailRuns* all, loomError* err) {
  const gailArgs* a = all->args;
  if (a->folder && strlen(a->folder) >= LOOM_PATH_MAX - 32)
    return loom_error_set(err, LOOM_ERR_USAGE, "-o: a path longer than %d bytes", LOOM_PATH_MAX - 33);

  // A single one has the threads for itself.
  all->n = a->nseed ? a->nseed : 1;
  all->start = loom_clock();
  if (a->folder && all->n > 1) {
    all->samples = calloc(2 * (size_t)all->n * (size_t)a->config.looked, sizeof *all->samples);
    if (!all->samples) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for samples");
  }

  int kernels = loom_set_kernel_threads((int)a->threads), code;
  if (all->n == 1)
    code = run_one(all, 0, 0, err);
  else
    code = loom_pool_run(&(loomPoolDef){.n = all->n,
                                        .threads = (int)a->threads,
                                        .user = all,
                                        .item = run_one,
                                        .finished = show_run,
                                        .stop = &tool_stop},
                         err);
  loom_set_kernel_threads(kernels);
  tool_progress_end();
  if (!code && tool_stop) code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; --resume goes on");
  return code;
}

// ---- results

// Of several runs the samples of all.
static int draw_all(const gailRuns* all, loomError* err) {
  const gailArgs* a = all->args;
  const loomModes modes = loom_toy_modes((loomToy)a->config.toy);
  loomScatter panel[SEEDS];
  char title[SEEDS][LOOM_TOY_TITLE], path[LOOM_PATH_MAX + 32];
  if (!all->samples) return 0;

  for (int i = 0; i < all->n; i++) {
    loomToyConfig config = a->config;
    config.seed = (int)seed_of(all, i);
    panel[i] = loom_toy_scatter(title[i], &config, &modes,
                                all->samples + 2 * (size_t)i * (size_t)config.looked, &all->state[i]);
  }
  snprintf(path, sizeof path, "%s/samples.png", a->folder);
  return loom_scatter_draw(path, panel, all->n, err);
}

static void mean_of(loomModeLook* mean, double* recovered, const gailRuns* all) {
  *recovered = 0;
  for (int i = 0; i < all->n; i++) {
    *recovered += (double)all->state[i].modes.recovered / all->n;
    mean->quality += all->state[i].modes.quality / all->n;
    mean->reverse_kl += all->state[i].modes.reverse_kl / all->n;
  }
}

static void print_json(const gailRuns* all) {
  loomModeLook mean = {0};
  double recovered;
  cJSON *json = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(json, "runs");
  mean_of(&mean, &recovered, all);

  for (int i = 0; i < all->n; i++) {
    const loomToyState* s = &all->state[i];

    cJSON *run = cJSON_CreateObject(), *counts = cJSON_CreateArray();
    cJSON_AddNumberToObject(run, "seed", (double)seed_of(all, i));
    cJSON_AddNumberToObject(run, "step", s->step);
    cJSON_AddNumberToObject(run, "modes", s->modes.recovered);
    cJSON_AddNumberToObject(run, "quality", s->modes.quality);
    cJSON_AddNumberToObject(run, "reverse_kl", s->modes.reverse_kl);
    cJSON_AddNumberToObject(run, "expert_accuracy", s->critic.expert_accuracy);
    cJSON_AddNumberToObject(run, "policy_accuracy", s->critic.policy_accuracy);
    if (all->args->config.discriminator == LOOM_DISCRIMINATOR_BCE)
      cJSON_AddNumberToObject(run, "entropy", s->critic.entropy);
    cJSON_AddNumberToObject(run, "wasserstein", s->critic.wasserstein);
    cJSON_AddNumberToObject(run, "won_at", s->won);
    for (int k = 0; k < loom_toy_modes((loomToy)all->args->config.toy).n; k++)
      cJSON_AddItemToArray(counts, cJSON_CreateNumber(s->modes.count[k]));
    cJSON_AddItemToObject(run, "counts", counts);
    cJSON_AddItemToArray(runs, run);
  }

  cJSON_AddNumberToObject(json, "modes", recovered);
  cJSON_AddNumberToObject(json, "quality", mean.quality);
  cJSON_AddNumberToObject(json, "reverse_kl", mean.reverse_kl);
  tool_print_json(json);
  cJSON_Delete(json);
}

static void print_text(const gailRuns* all) {
  int most = loom_toy_modes((loomToy)all->args->config.toy).n;
  loomModeLook mean = {0};
  double recovered;
  mean_of(&mean, &recovered, all);

  for (int i = 0; i < all->n; i++) {
    const loomModeLook* m = &all->state[i].modes;
    printf("seed %lld: %d of %d modes, quality %.1f %%, reverse KL %.4f\n", (long long)seed_of(all, i),
           m->recovered, most, 100 * m->quality, m->reverse_kl);
  }
  if (all->n > 1)
    printf("mean of %d: %.1f of %d modes, quality %.1f %%, reverse KL %.4f\n", all->n, recovered, most,
           100 * mean.quality, mean.reverse_kl);
}

// A generator has nothing to climb where the discriminator is always right.
static void warn(const gailRuns* all) {
  for (int i = 0; i < all->n; i++)
    if (all->state[i].won)
      fprintf(
          stderr,
          "demoloom: warning: seed %lld: at step %d the discriminator had been right about 99 %% of both "
          "classes for %d rounds; fewer --critic-steps, a lower --critic-rate or --discriminator wgan help\n",
          (long long)seed_of(all, i), all->state[i].won, LOOM_WIN_ROUNDS);
}

// Without a toy it is of a task, unless nothing or only help is asked for.
static bool is_of_task(int argc, char** argv) {
  bool toy = argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");
  for (int i = 1; i < argc; i++) toy = toy || !strncmp(argv[i], "--toy", 5);
  return !toy;
}

int cmd_gail(int argc, char** argv) {
  if (argc > 1 && !strcmp(argv[1], "corridor")) return gail_corridor(argc - 1, argv + 1);
  if (argc > 1 && !strcmp(argv[1], "goals")) return gail_goals(argc - 1, argv + 1);
  if (is_of_task(argc, argv)) return gail_task(argc, argv);

  gailArgs a = {0};
  gailRuns all = {.args = &a};
  loomError err = {0, ""};
  int code = read_gail_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // A folder that there is no room for is told before anything is learned.
  if (a.folder) code = loom_folder_check_place(a.folder, 0, &err);
  tool_catch_signals();
  if (!code) code = run_all(&all, &err);
  if (!code) code = draw_all(&all, &err);
  free(all.samples);
  if (!code) {
    warn(&all);
    (a.json ? print_json : print_text)(&all);
  }
  return code ? tool_fail(&err) : EXIT_DONE;
}
