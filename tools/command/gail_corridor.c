// demoloom gail corridor: what absorbing states are for, on the smallest task that ends.
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "policies/learn/corridor.h"
#include "tools/command/gail_corridor.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef struct corridorArgs {
  int rounds, discriminator, reward, absorbing, seed;
  double cost;
  bool json;
} corridorArgs;

static const char* const discriminators[] = {"bce", "airl", NULL};
static const loomDiscriminatorKind kinds[] = {LOOM_DISCRIMINATOR_BCE, LOOM_DISCRIMINATOR_AIRL};

static const toolOption options[] = {
    TOOL_OPTION_AS("discriminator", 0, "NAME", corridorArgs, CHOICE, discriminator, .choices = discriminators,
                   .about = "by cross-entropy; airl tells the expert's reward, too"),
    TOOL_OPTION_AS("cost", 0, "X", corridorArgs, REAL, cost, .least = 0, .most = 1e3,
                   .about = "of a step to the expert, who does what is best for reward and entropy together; "
                            "0: it goes straight"),
    TOOL_OPTION_AS("absorbing", 0, "SWITCH", corridorArgs, CHOICE, absorbing, .choices = tool_switches,
                   .about = "the discriminator sees what follows the end, and its reward is added"),
    TOOL_OPTION_AS("reward", 0, "NAME", corridorArgs, CHOICE, reward, .choices = loom_reward_form_names,
                   .about = "made of the discriminator's output; wgan is of critics, here as airl"),
    TOOL_OPTION_AS("rounds", 'n', "N", corridorArgs, INT, rounds, .low = 1, .high = 1000000,
                   .about = "of 32 walks each"),
    TOOL_OPTION_AS("seed", 's', "N", corridorArgs, INT, seed, .high = INT32_MAX,
                   .about = "of weights and walks"),
    TOOL_OPTION(0, NULL, corridorArgs, BOOL, json, .about = "the result as JSON on stdout"),
};

static void print_result(const corridorArgs* a, const loomCorridorState* s) {
  bool learned = kinds[a->discriminator] == LOOM_DISCRIMINATOR_AIRL;
  if (!a->json) {
    printf("%.2f steps of at most %d, the expert's are %.3g\n", s->steps, LOOM_CORRIDOR_STEPS,
           s->expert_steps);
    if (learned) printf("learned reward of a step in each cell, beside the end's:");
    for (int c = 0; learned && c < LOOM_CORRIDOR_CELLS; c++)
      printf(" %.2f%s", s->reward[c], c + 1 < LOOM_CORRIDOR_CELLS ? "," : "\n");
    return;
  }

  // The walks, then the discriminator of the last round.
  cJSON* json = cJSON_CreateObject();
  cJSON_AddNumberToObject(json, "steps", s->steps);
  cJSON_AddNumberToObject(json, "expert_steps", s->expert_steps);
  if (learned) {
    cJSON* list = cJSON_AddArrayToObject(json, "reward");
    for (int c = 0; c < LOOM_CORRIDOR_CELLS; c++)
      cJSON_AddItemToArray(list, cJSON_CreateNumber(s->reward[c]));
  }

  cJSON_AddNumberToObject(json, "expert_accuracy", s->critic.expert_accuracy);
  cJSON_AddNumberToObject(json, "policy_accuracy", s->critic.policy_accuracy);
  cJSON_AddNumberToObject(json, "entropy", s->critic.entropy);
  cJSON_AddNumberToObject(json, "wasserstein", s->critic.wasserstein);
  tool_print_json(json);
  cJSON_Delete(json);
}

int gail_corridor(int argc, char** argv) {
  static const toolCommand command = {
      .before =
          "usage: demoloom gail corridor [options]\n"
          "\n"
          "A policy learns from a discriminator to walk a corridor of 5 cells, as an expert does in 4 "
          "steps;\n"
          "after 50 a walk is cut off. With absorbing states it finishes; without, a reward that is never\n"
          "below 0 teaches it to stay. Told are its mean steps over the last third of the rounds, and of an\n"
          "airl discriminator the reward that it learned, which is the expert's where that has a --cost.\n",
      .after =
          "examples:\n"
          "  demoloom gail corridor --seed 1\n"
          "  demoloom gail corridor --absorbing off --reward gail --json\n"
          "  demoloom gail corridor --discriminator airl --reward airl --cost 1 -n 3000\n",
      TOOL_OPTIONS(options),
  };

  corridorArgs a = {.rounds = 300, .absorbing = 1, .seed = 1};
  loomCorridorState state;
  loomError err = {0, ""};
  int code = tool_options(&a, argc, argv, &command);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (optind < argc) return tool_usage("gail", "corridor takes no arguments but options");

  const loomCorridorDef def = {.rounds = a.rounds,
                               .discriminator = (int)kinds[a.discriminator],
                               .reward = a.reward,
                               .absorbing = a.absorbing,
                               .cost = a.cost,
                               .seed = (uint64_t)a.seed};
  if (loom_corridor_learn(&state, &def, &err)) return tool_fail(&err);
  print_result(&a, &state);
  return EXIT_DONE;
}
