// demoloom gail goals: whether a policy that imitates an expert of several goals forgets some of them.
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "policies/learn/goals.h"
#include "tools/command/gail_goals.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = 64, PACK_MOST = 16 };

typedef struct goalsArgs {
  int pack, packs, updates, discriminator, reward, demos, looked;
  double entropy, penalty, rate;
  int64_t steps, seed, threads;
  int nseed;
  int64_t seeds[SEEDS];
  bool json;

  // What came of it.
  int n;
  loomModeLook look[SEEDS];
  double start;
} goalsArgs;

static int take_seeds(void* args, const char* text) {
  goalsArgs* a = args;
  return tool_int_list(&a->nseed, a->seeds, SEEDS, "gail", "--seeds", text, 0, INT32_MAX) ? 0 : EXIT_USAGE;
}

static const toolOption options[] = {
    TOOL_OPTION(0, "M", goalsArgs, INT, pack, .low = 1, .high = PACK_MOST, .unit = "episodes",
                .about = "of which the discriminator sees a row each, side by side"),
    TOOL_OPTION(0, "N", goalsArgs, INT, packs, .low = 1, .high = 256,
                .about = "that a row is put into, whose mean is its reward"),
    TOOL_OPTION(0, "NAME", goalsArgs, CHOICE, discriminator, .choices = loom_discriminator_kind_names,
                .about = "by cross-entropy; a Wasserstein critic; or a linear one"),
    TOOL_OPTION(0, "NAME", goalsArgs, CHOICE, reward, .choices = loom_imitation_rewards,
                .about = "made of its output; auto: airl, of critics wgan"),
    TOOL_OPTION(0, "X", goalsArgs, REAL, entropy, .least = 0, .most = 1e6,
                .about = "weight of the policy's entropy"),
    TOOL_OPTION(0, "N", goalsArgs, INT, updates, .low = 1, .high = 1 << 20,
                .about = "of the discriminator in an iteration of 2,048 steps"),
    TOOL_OPTION(0, "X", goalsArgs, REAL, rate, .least = 1e-12, .most = 10, .about = "of its learning"),
    TOOL_OPTION(0, "X", goalsArgs, REAL, penalty, .least = 0, .most = 1e6,
                .about = "weight of the discriminator's gradient penalty"),
    TOOL_OPTION('n', "N", goalsArgs, INT64, steps, .low = 1, .high = INT64_MAX / 4,
                .about = "of all episodes"),
    TOOL_OPTION(0, "N", goalsArgs, INT, demos, .low = 1, .high = 1 << 20, .about = "of the expert"),
    TOOL_OPTION(0, "N", goalsArgs, INT, looked, .low = 1, .high = 1 << 20,
                .about = "by which goals are counted in the end, without noise", .unit = "episodes"),
    TOOL_OPTION('s', "S", goalsArgs, INT64, seed, .high = INT32_MAX, .about = "of all that is random"),
    TOOL_CALLS_OPTION("seeds", "A,B,...", take_seeds, "one run for each, side by side; then their mean"),
    TOOL_OPTION('j', "N", goalsArgs, INT64, threads, .high = 1024,
                .about = "as many as cores unless given, or 0"),
    TOOL_OPTION(0, NULL, goalsArgs, BOOL, json, .about = "the result as JSON on stdout"),
};

static int64_t seed_of(const goalsArgs* a, int i) {
  return a->nseed ? a->seeds[i] : a->seed;
}

// ---- runs

static void show_share(void* user, double share) {
  const goalsArgs* a = user;
  if (a->n == 1)
    tool_progress("learned", (int64_t)(share * (double)a->steps), a->steps, loom_clock() - a->start, "steps");
}

static int show_run(void* user, int worker, int i, int prefix, loomError* err) {
  const goalsArgs* a = user;
  (void)worker;
  (void)i;
  (void)err;

  if (a->n > 1) tool_progress("learned", prefix, a->n, loom_clock() - a->start, "seeds");
  return 0;
}

static int run_one(void* user, int worker, int i, loomError* err) {
  goalsArgs* a = user;
  loomGoalsDef def = loom_default_goals_def();
  (void)worker;

  def.steps = a->steps;
  def.demos = a->demos;
  def.looked = a->looked;
  def.seed = (uint64_t)seed_of(a, i);
  def.threads = 1;
  def.ppo.entropy_weight = a->entropy;
  def.gail.pack = a->pack;
  def.gail.packs = a->packs;
  def.gail.penalty = a->penalty;
  def.gail.updates = a->updates;
  def.gail.rate = a->rate;
  def.gail.discriminator = a->discriminator;
  def.gail.reward = a->reward;
  def.stop = &tool_stop;
  def.progress = show_share;
  def.user = a;
  return loom_goals_learn(&a->look[i], NULL, &def, err);
}

// ---- results

static void print_result(const goalsArgs* a) {
  int most = loom_goals().n;
  double goals = 0, quality = 0, kl = 0;
  cJSON *json = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(json, "runs");

  for (int i = 0; i < a->n; i++) {
    const loomModeLook* look = &a->look[i];
    cJSON *run = cJSON_CreateObject(), *counts = cJSON_AddArrayToObject(run, "counts");
    goals += (double)look->recovered / a->n;
    quality += look->quality / a->n;
    kl += look->reverse_kl / a->n;

    cJSON_AddNumberToObject(run, "seed", (double)seed_of(a, i));
    cJSON_AddNumberToObject(run, "goals", look->recovered);
    cJSON_AddNumberToObject(run, "quality", look->quality);
    cJSON_AddNumberToObject(run, "reverse_kl", look->reverse_kl);
    for (int k = 0; k < most; k++) cJSON_AddItemToArray(counts, cJSON_CreateNumber(look->count[k]));
    cJSON_AddItemToArray(runs, run);
    if (!a->json)
      printf("seed %lld: %d of %d goals, %.1f %% of episodes at one, reverse KL %.4f\n",
             (long long)seed_of(a, i), look->recovered, most, 100 * look->quality, look->reverse_kl);
  }

  cJSON_AddNumberToObject(json, "goals", goals);
  cJSON_AddNumberToObject(json, "quality", quality);
  cJSON_AddNumberToObject(json, "reverse_kl", kl);
  if (a->json) tool_print_json(json);
  if (!a->json && a->n > 1)
    printf("mean of %d: %.1f of %d goals, %.1f %% of episodes at one, reverse KL %.4f\n", a->n, goals, most,
           100 * quality, kl);
  cJSON_Delete(json);
}

int gail_goals(int argc, char** argv) {
  static const toolCommand command = {
      .before =
          "usage: demoloom gail goals [options]\n"
          "\n"
          "A point on a plane starts between 8 goals on a circle; its expert goes to any of them, and is\n"
          "there after half of an episode's 8 steps. A policy that sees where the point is and two numbers\n"
          "drawn for each episode learns from a discriminator, which sees the point and its step. Told are\n"
          "the goals that episodes end at, the share of episodes that do, and the reverse KL divergence of\n"
          "their distribution over goals from the even one. With --pack M the discriminator sees rows of M\n"
          "episodes side by side, so that it notices where goals are forgotten.\n",
      .after =
          "examples:\n"
          "  demoloom gail goals --pack 4 --seed 1\n"
          "  demoloom gail goals --pack 1 --seeds 1,2,3,4 --json\n",
      TOOL_OPTIONS(options),
  };

  loomGoalsDef def = loom_default_goals_def();
  goalsArgs a = {.pack = def.gail.pack,
                 .packs = def.gail.packs,
                 .demos = def.demos,
                 .looked = def.looked,
                 .entropy = def.ppo.entropy_weight,
                 .penalty = def.gail.penalty,
                 .updates = def.gail.updates,
                 .rate = def.gail.rate,
                 .steps = def.steps,
                 .seed = (int64_t)def.seed,
                 .start = loom_clock()};
  loomError err = {0, ""};
  int code = tool_options(&a, argc, argv, &command);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (optind < argc) return tool_usage("gail", "goals takes no arguments but options");

  tool_catch_signals();
  a.n = a.nseed ? a.nseed : 1;
  code = loom_pool_run(&(loomPoolDef){.n = a.n,
                                      .threads = (int)a.threads,
                                      .user = &a,
                                      .item = run_one,
                                      .finished = show_run,
                                      .stop = &tool_stop},
                       &err);
  tool_progress_end();
  if (!code && tool_stop) code = loom_error_set(&err, LOOM_ERR_INTERRUPTED, "interrupted");
  if (code) return tool_fail(&err);
  print_result(&a);
  return EXIT_DONE;
}
