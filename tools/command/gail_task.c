// demoloom gail TASK: PPO or TD3 with a discriminator in place of the task's rewards.
#include "tools/command/gail_task.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "policies/learn/imitation.h"
#include "tools/command/finetune_results.h"
#include "tools/command/finetune_run.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = FINETUNE_SEEDS, BASELINES = 50 };

static const char* const learners[] = {[LOOM_FINETUNE_PPO] = "ppo", [LOOM_FINETUNE_TD3] = "td3", NULL};

typedef struct gailTask {
  const char *task, *policy, *config, *data, *reset, *folder;
  int rl, discriminator, see, reward, absorbing;  // -1 = as the configuration says
  int64_t demos, every, pack, steps, seed, threads, environments, evaluate, test;  // likewise
  double bc, penalty, rate;                                                        // likewise
  bool spectral;
  int nseed;
  int64_t seeds[SEEDS];
  bool resume, overwrite, json, no_baselines;
  loomAssetRoots roots;
} gailTask;

static int take_seeds(void* args, const char* text) {
  gailTask* a = args;
  return tool_int_list(&a->nseed, a->seeds, SEEDS, "gail", "--seeds", text, 0, INT32_MAX) ? 0 : EXIT_USAGE;
}

static const toolOption options[] = {
    TOOL_OPTION_AS("data", 'd', "FILE.hdf5", gailTask, STRING, data, .about = "demos of the expert"),
    TOOL_OPTION_AS("demos", 0, "N", gailTask, INT64, demos, .low = 1, .high = INT32_MAX,
                   .about = "the first N of them; all unless given"),
    TOOL_OPTION_AS("every", 0, "N", gailTask, INT64, every, .low = 1, .high = 1 << 20,
                   .about = "of so many rows of a demo one is taken; 1 unless given"),
    TOOL_OPTION_AS("policy", 'p', "FILE", gailTask, STRING, policy,
                   .about = "a trained policy whose outputs are a Gaussian or a mixture, which goes on "
                            "learning; plain control tasks are learned from scratch"),
    TOOL_OPTION_AS("rl", 0, "NAME", gailTask, CHOICE, rl, .choices = learners,
                   .about = "who learns; ppo unless given. td3 is for plain control tasks"),
    TOOL_OPTION_AS("config", 'c', "FILE", gailTask, STRING, config,
                   .about = "settings as YAML, such as another run's config.yaml; options replace what it "
                            "says; `demoloom help finetune` has all"),
    TOOL_HEADING_LINE("the discriminator"),
    TOOL_OPTION_AS(
        "discriminator", 0, "NAME", gailTask, CHOICE, discriminator, .choices = loom_discriminator_kind_names,
        .about = "bce unless given; airl (ppo, plain control tasks) asks the policy how likely its "
                 "actions are, and writes the reward that it learns, too"),
    TOOL_OPTION_AS("see", 0, "WHAT", gailTask, CHOICE, see, .choices = loom_imitation_sights,
                   .about = "state,action unless given; airl's reward with state,next: the state alone"),
    TOOL_OPTION_AS("reward", 0, "NAME", gailTask, CHOICE, reward, .choices = loom_imitation_rewards,
                   .about = "made of its output; auto unless given: airl, of critics wgan"),
    TOOL_OPTION_AS("absorbing", 0, "SWITCH", gailTask, CHOICE, absorbing, .choices = tool_switches,
                   .about = "it sees what follows an episode's end, whose reward is added there; on unless "
                            "given"),
    TOOL_OPTION_AS("pack", 0, "N", gailTask, INT64, pack, .low = 1, .high = LOOM_PACK_MOST,
                   .about = "rows of independent episodes side by side (ppo); 1 unless given"),
    TOOL_OPTION_AS("penalty", 0, "W", gailTask, REAL, penalty, .least = 0, .most = 1e6,
                   .about = "weight of its gradient penalty; 1 unless given, of airl 0.01; 0 = none"),
    TOOL_OPTION_AS("spectral", 0, NULL, gailTask, BOOL, spectral,
                   .about = "its weights are divided by their largest singular value"),
    TOOL_OPTION_AS("rate", 0, "X", gailTask, REAL, rate, .least = 1e-12, .most = 10,
                   .about = "its learning rate; 0.001 unless given"),
    TOOL_HEADING_LINE("the run"),
    TOOL_OPTION_AS("bc", 0, "W", gailTask, REAL, bc, .least = 0, .most = 1e6,
                   .about = "of a policy: weight of the demos' negative log likelihood in its loss; 0 unless "
                            "given"),
    TOOL_OPTION_AS("reset", 0, "NAME", gailTask, STRING, reset,
                   .about = "reset distribution; the policy's own unless given"),
    TOOL_OPTION_AS("steps", 'n', "N", gailTask, INT64, steps, .low = 1, .high = INT64_MAX / 4,
                   .about = "control steps of all environments together, 500000 unless given, from scratch "
                            "1000000"),
    TOOL_OPTION_AS("seed", 's', "S", gailTask, INT64, seed, .high = INT32_MAX, .about = "1 unless given"),
    TOOL_CALLS_OPTION(
        "seeds", "A,B,...", take_seeds,
        "one run for each seed, in DIR/seed-SEED; then their mean. Runs that are whole are not made "
        "again with --resume"),
    TOOL_OPTION_AS("environments", 0, "N", gailTask, INT64, environments, .low = 1, .high = 4096,
                   .about = "side by side, 1 unless given, of a policy 16"),
    TOOL_OPTION_AS("evaluate", 0, "N", gailTask, INT64, evaluate, .high = 1 << 20, .unit = "episodes",
                   .about = "without noise, now and then and at the end, by which the best is known: by the "
                            "task's own return or success, which nothing is learned from; 10 unless given, "
                            "of a policy 200; 0 = none"),
    TOOL_OPTION_AS("eval", 0, "N", gailTask, INT64, test, .high = 1 << 20, .unit = "episodes",
                   .about = "of the policy before and after, in the end, from the same fresh starts; 200 "
                            "unless given; 0 = none"),
    TOOL_OPTION_AS("no-baselines", 0, NULL, gailTask, BOOL, no_baselines,
                   .about =
                       "do not tell what behavioral cloning of the same rows and random actions come to, "
                       "on the first of the starts of --evaluate (50 at most)"),
    TOOL_OPTION_AS("output", 'o', "DIR", gailTask, STRING, folder, .about = "where all goes"),
    TOOL_THREADS_OPTION(gailTask, INT64, threads),
    TOOL_OVERWRITE_OPTION(gailTask, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, gailTask, BOOL, resume,
                   .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION_AS("json", 0, NULL, gailTask, BOOL, json,
                   .about = "the result as one line of JSON on stdout"),
    TOOL_ASSETS_OPTION(0, gailTask, roots),
};

static const toolCommand command = {
    .before =
        "usage: demoloom gail TASK --data FILE.hdf5 -o DIR [options]\n"
        "       demoloom gail TASK --policy POLICY.safetensors --data FILE.hdf5 -o DIR [options]\n"
        "\n"
        "Learns a task from demos, by trying: a discriminator learns to tell what the expert does from what\n"
        "the policy does, and what it takes for the expert's is rewarded (generative adversarial imitation\n"
        "learning, GAIL). The task's own rewards are only told, and by them the best policy is known. TASK\n"
        "is the file of a plain control task (`gym:`), learned from scratch, or a scene's name or task "
        "file,\n"
        "where a trained policy goes on learning; that is compared in the end with what it was, on starts\n"
        "that neither has met, and kept where it is better.\n"
        "With --discriminator airl what is learned of the expert's reward goes into reward.yaml, by which\n"
        "`demoloom finetune --scratch --reward` trains others.\n"
        "Into the folder go config.yaml, last.safetensors (checkpoint), best.safetensors (what acts),\n"
        "scalars.csv, curves.png, TensorBoard event files and, of a policy, evaluation.csv. Ctrl-C writes a\n"
        "checkpoint; --resume goes on, bit for bit.\n",
    .after =
        "examples:\n"
        "  demoloom finetune --scratch -t tests/gym/hopper.yaml -o runs/expert\n"
        "  demoloom rollout runs/expert/best.safetensors -n 4 -o expert.hdf5\n"
        "  demoloom gail tests/gym/hopper.yaml --data expert.hdf5 --every 20 -o runs/gail\n"
        "  demoloom gail tests/gym/hopper.yaml --data expert.hdf5 --every 20 --rl td3 -n 200000 -o runs/dac\n"
        "  demoloom gail tests/gym/hopper.yaml --data expert.hdf5 --see state,next -o runs/gaifo\n"
        "  demoloom gail tests/gym/hopper.yaml --data expert.hdf5 --discriminator airl --see state,next -o "
        "runs/airl\n"
        "  demoloom finetune --scratch -t tests/gym/hopper.yaml --reward runs/airl/reward.yaml -o "
        "runs/fresh\n"
        "  demoloom gail handover --policy runs/bc/best_success.safetensors --data demos.hdf5 -o runs/gail\n"
        "  demoloom rollout runs/gail/best.safetensors -n 100\n",
    TOOL_OPTIONS(options),
};

static int read_task_options(gailTask* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  a->task = optind < argc ? argv[optind++] : NULL;
  if (optind < argc) return tool_usage("gail", "it takes one task");
  if (!a->task && !a->config) return tool_usage("gail", "which task? It takes one, or --toy ring or grid");
  if (!a->data && !a->config) return tool_usage("gail", "it takes --data, the expert's demos");
  if (!a->folder) return tool_usage("gail", "it takes -o, the folder where all goes");
  if (a->seed >= 0 && a->nseed) return tool_usage("gail", "--seed or --seeds, not both");
  return tool_one_of_both("gail", a->overwrite, a->resume);
}

// ---- the configuration

// What the file, or without one the options, begin with.
static int begin_with(loomFinetuneConfig* c, const gailTask* a, loomError* err) {
  *c = loom_default_imitation_config((loomFinetuneMethod)(a->rl >= 0 ? a->rl : (int)LOOM_FINETUNE_PPO),
                                     a->policy != NULL);
  if (a->config) c->imitates = c->of_policy = false;  // as the file says
  int code = a->config ? loom_finetune_config_load(c, a->config, err) : 0;
  if (code) return code;

  if (!c->imitates)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: has no discriminator (`gail:`): demoloom finetune "
                          "learns by it",
                          a->config);
  if (a->config && a->rl >= 0 && a->rl != c->finetune.method)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has the settings of %s; leave --rl out, or --config",
                          a->config, loom_finetune_methods[c->finetune.method]);
  if (a->config && a->policy && !c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is of a run from scratch; leave --policy out, or --config", a->config);
  return 0;
}

static void put_numbers(loomFinetuneConfig* c, const gailTask* a) {
  finetune_take_given(c, &(finetuneGiven){.seed = a->seed,
                                          .threads = a->threads,
                                          .evaluate = a->evaluate,
                                          .environments = a->environments,
                                          .test = a->test,
                                          .steps = a->steps});

  const finetuneNumber number[] = {{a->demos, &c->gail.demos}, {a->every, &c->gail.every},
                                   {a->pack, &c->gail.pack},   {a->discriminator, &c->gail.discriminator},
                                   {a->see, &c->gail.see},     {a->reward, &c->gail.reward}};
  finetune_take_numbers(number, sizeof number / sizeof *number);

  if (a->absorbing >= 0) c->gail.absorbing = a->absorbing;
  if (a->bc >= 0) c->direct.bc = a->bc;
  if (a->penalty >= 0) c->gail.penalty = a->penalty;
  if (a->rate > 0) c->gail.rate = a->rate;
  if (a->spectral) c->gail.spectral = true;

  // What holds a critic's slope near 1 is too much for what holds a reward's near 0. Earlier policies stay
  // among what it learns from, for a reward is asked about beginners too (Fu et al., 2018, mix all of them).
  bool airl = c->gail.discriminator == LOOM_DISCRIMINATOR_AIRL;
  if (airl && a->penalty < 0 && !a->config) c->gail.penalty = 0.01;
  if (airl && !a->config) c->gail.replay = 60;

  // As many packs as places, unless a file says otherwise.
  if (a->pack > 1 && c->gail.packs == 1) c->gail.packs = (int)a->pack;
}

static int put_texts(loomFinetuneConfig* c, const gailTask* a, loomError* err) {
  int code = finetune_take_text(c->finetune.task, sizeof c->finetune.task, "the task", a->task, err);
  if (!code)
    code = finetune_take_text(c->residual.policy, sizeof c->residual.policy, "--policy", a->policy, err);
  if (!code) code = finetune_take_text(c->gail.data, sizeof c->gail.data, "--data", a->data, err);
  if (!code) code = finetune_take_text(c->residual.reset, sizeof c->residual.reset, "--reset", a->reset, err);

  // The same demos say how long episodes are, and what --bc is of.
  if (!code && c->of_policy && a->data) memcpy(c->residual.data, c->gail.data, sizeof c->residual.data);
  return code;
}

static int check_task(const loomFinetuneConfig* c, const gailTask* a, loomError* err) {
  const char* task = c->finetune.task;
  bool control = loom_is_control_task(task);

  if (!c->gail.data[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "whose demos? They are named by --data FILE.hdf5");
  if (control && c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is a plain control task, which is learned from scratch: leave --policy out",
                          task);
  if (!control && !c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is no plain control task (`gym:`): a policy has to be there to begin with; "
                          "name it with --policy (demoloom train --data FILE -p bc_gmm makes one)",
                          task);

  if (c->of_policy && c->finetune.method == LOOM_FINETUNE_TD3)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "--rl td3 begins with no policy yet: it is for plain control tasks; take ppo");
  if (!c->of_policy && (a->bc >= 0 || a->reset || a->test >= 0))
    return loom_error_set(err, LOOM_ERR_USAGE, "--bc, --reset and --eval are of a policy: --policy FILE");
  return 0;
}

static int configure(loomFinetuneConfig* c, const gailTask* a, loomError* err) {
  int code = begin_with(c, a, err);
  if (code) return code;

  put_numbers(c, a);
  code = put_texts(c, a, err);
  return code ? code : check_task(c, a, err);
}

int gail_task(int argc, char** argv) {
  gailTask a = {.rl = -1,
                .discriminator = -1,
                .see = -1,
                .reward = -1,
                .absorbing = -1,
                .demos = -1,
                .every = -1,
                .pack = -1,
                .steps = -1,
                .seed = -1,
                .threads = -1,
                .environments = -1,
                .evaluate = -1,
                .test = -1,
                .bc = -1,
                .penalty = -1};
  loomFinetuneConfig config;
  loomError err = {0, ""};
  int code = read_task_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  code = configure(&config, &a, &err);
  if (!code)
    code = finetune_run(&(finetuneRun){.config = &config,
                                       .folder = a.folder,
                                       .nseed = a.nseed,
                                       .seeds = a.seeds,
                                       .overwrite = a.overwrite,
                                       .resume = a.resume,
                                       .json = a.json,
                                       .baselines = a.no_baselines ? 0 : BASELINES,
                                       .roots = &a.roots},
                        &err);
  loom_asset_roots_destroy(&a.roots);
  return code ? tool_fail(&err) : EXIT_DONE;
}
