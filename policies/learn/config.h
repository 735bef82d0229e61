// A training run as YAML: a plain struct with defaults by the policy's kind, from a file whose keys are all
// checked. It is composed of the sections of its parts and of the learner's own.
//
//   data: {files: [{path: demos.hdf5, mask: train, weight: 2}], keys: [object, robot0_eef_pos]}
//   policy: {kind: bc_rnn_gmm, hidden: 400}
//   optimizer: {rate: 1e-4}
//   train: {epochs: 600, batch: 100}
//   rollout: {task: threading, n: 50, every: 20}
#ifndef LOOM_POLICIES_LEARN_CONFIG_H
#define LOOM_POLICIES_LEARN_CONFIG_H

#include "engine/base/api.h"
#include "policies/agent/policy_config.h"
#include "policies/nn/optimizer_config.h"

LOOM_C_BEGIN

typedef struct loomTrainConfig {
  loomDataConfig data;
  loomNetworkConfig policy;
  loomEncoderConfig encoder;
  loomOptimizerConfig optimizer;
  struct loomConfigTrain {
    int epochs;
    int steps;  // of an epoch; 0 = once over all samples
    int batch;
    int blocks;  // that a batch's gradient is the sum of
    int seed;
    int threads;  // 0 = as many as cores
  } train;
  struct loomConfigValidate {
    loomName mask;  // in the files of the training data; "" = no validation
    int every;      // epochs
  } validate;
  struct loomConfigCheckpoint {
    char folder[LOOM_PATH_MAX];
    int every;  // epochs
    int keep;   // of the latest; 0 = all
    bool best;  // keep also the best by loss and by success
  } checkpoint;
  struct loomConfigRollout {
    char task[LOOM_PATH_MAX];  // name or file; "" = no rollouts
    loomName reset;            // reset distribution; "" = the first
    int n, every;              // episodes; epochs
    int max_steps;             // 0 = the task's
    int seed;
    int threads;
  } rollout;
  struct loomConfigStop {
    int patience;  // epochs without a better one; 0 = never stops early
    int by;        // 0 validation loss, 1 success rate
  } stop;
} loomTrainConfig;

/// Defaults for that kind; no files or keys.
loomTrainConfig loom_default_train_config(loomPolicyKind kind);
/// Errors are FILE:LINE: key. LOOM_ERR_FORMAT, LOOM_ERR_IO.
int loom_train_config_load(loomTrainConfig* out, const char* path, loomError* err);
int loom_train_config_parse(loomTrainConfig* out, const char* text, size_t n, const char* label,
                            loomError* err);
/// All of it as YAML, malloc'ed; NULL when out of memory. Read again it is the same.
char* loom_train_config_text(const loomTrainConfig* config);

/// Name of the section number i, in the order they are written in, and where it lies in loomTrainConfig;
/// NULL: there are no more.
const char* loom_train_config_section(int i, size_t* offset);
/// A section's table; NULL: there is none of that name.
const loomFields* loom_train_config_fields(const char* section);
/// What acting needs of it.
loomPolicyConfig loom_train_config_policy(const loomTrainConfig* config);

/// A loomDataDef and what it points to; stays where it is while it is used.
typedef struct loomConfigDataDef {
  loomDataDef def;
  loomDataFile file[LOOM_DATA_FILES];
  const char* key[LOOM_DATA_KEYS];
} loomConfigDataDef;

/// The training data, or those for validation (unshuffled, mask `validate.mask`); points into *config.
void loom_config_data_def(loomConfigDataDef* out, const loomTrainConfig* config, bool validation);

LOOM_C_END

#endif
