// A run of reinforcement learning as YAML: the run itself and its method's settings.
//
//   finetune: {task: tests/gym/half_cheetah.yaml, method: ppo, steps: 1000000, seed: 1}
//   ppo: {rate: 3e-4, hidden: [64, 64]}
//
// `method: residual` has sections residual and td3, the latter with defaults of its own. `method: ppo` of
// a policy, instead of from scratch, has sections base and direct, and ppo with defaults of its own; so
// has `method: dppo`, with dppo instead of direct, and `method: residual_ppo`. All that begin with a
// policy have `starts: {demos: 0.5, curriculum: reverse}` (engine/run/starts.h). With a section `gail`
// methods ppo and td3 are rewarded by a discriminator instead (policies/learn/imitation.h); with a section
// `irl` ppo is by weights of features, which are looked for meanwhile (policies/learn/inverse.h). From
// scratch `scratch: {reward: FILE}` rewards by terms of a file instead of the task's own.
#ifndef LOOM_POLICIES_LEARN_FINETUNE_CONFIG_H
#define LOOM_POLICIES_LEARN_FINETUNE_CONFIG_H

#include <stdio.h>

#include "engine/base/api.h"
#include "engine/run/starts.h"
#include "policies/learn/direct.h"
#include "policies/learn/dppo.h"
#include "policies/learn/inverse.h"
#include "policies/learn/ppo.h"
#include "policies/learn/residual.h"
#include "policies/learn/residual_ppo.h"
#include "policies/learn/td3.h"

LOOM_C_BEGIN

typedef enum loomFinetuneMethod {
  LOOM_FINETUNE_PPO,
  LOOM_FINETUNE_TD3,
  LOOM_FINETUNE_RESIDUAL,
  LOOM_FINETUNE_DPPO,
  LOOM_FINETUNE_RESIDUAL_PPO,
  LOOM_FINETUNE_METHODS
} loomFinetuneMethod;
extern const char* const loom_finetune_methods[];  // NULL-terminated

typedef struct loomFinetuneConfig {
  struct loomConfigFinetune {
    char task[LOOM_PATH_MAX];  // task file
    int method;                // loomFinetuneMethod
    int64_t steps;             // of all environments together
    int seed;
    int threads;               // 0 = as many as cores
    int evaluate;              // episodes without noise, at a time; 0 = none
    int64_t evaluate_every;    // steps; 0 = only at the end
    int64_t checkpoint_every;  // steps; 0 = only at the end
  } finetune;
  loomPpoConfig ppo;
  loomTd3Config td3;
  loomFinetuneSettings residual;  // of ppo of a policy, dppo and residual_ppo the section is `base`
  loomDirectSettings direct;
  loomDppoSettings dppo;
  loomResidualPpoSettings residual_ppo;
  loomGailConfig gail;
  loomInverseConfig inverse;
  loomStartsDef starts;  // of the episodes that a policy is finetuned in
  bool of_policy;        // that is finetuned; false: from scratch
  bool imitates;         // by gail
  bool inverts;          // by irl: its weights reward, and are what the run is for
} loomFinetuneConfig;

/// Whether a method only changes policies, and begins with none from scratch.
bool loom_finetune_needs_policy(loomFinetuneMethod method);
/// of_policy: what decides between the defaults of a method that is for both.
loomFinetuneConfig loom_default_finetune_config(loomFinetuneMethod method, bool of_policy);
/// The same for a run that imitates: by ppo or td3.
loomFinetuneConfig loom_default_imitation_config(loomFinetuneMethod method, bool of_policy);
/// The same for a run that looks for a reward, by ppo.
loomFinetuneConfig loom_default_inversion_config(bool of_policy);
/// From a file, whose method decides on the defaults; where it names none, that of `config` is meant, and a
/// policy is finetuned, or somebody imitated, where `config` says so. Errors are FILE:LINE: key.
/// LOOM_ERR_FORMAT, LOOM_ERR_IO.
int loom_finetune_config_load(loomFinetuneConfig* config, const char* path, loomError* err);
int loom_finetune_config_parse(loomFinetuneConfig* config, const char* text, size_t n, const char* label,
                               loomError* err);
/// All that is for its method as YAML, malloc'ed; NULL when out of memory. Read again it is the same.
char* loom_finetune_config_text(const loomFinetuneConfig* config);
/// Every section and key as Markdown tables: what a value has to be, its default.
void loom_finetune_config_reference(FILE* out);

LOOM_C_END

#endif
