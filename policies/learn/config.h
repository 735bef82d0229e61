// A training run as YAML: a plain struct with defaults by the policy's kind, from a file whose keys are all
// checked. What a policy was trained with is written as the same YAML into its file.
//
//   data: {files: [{path: demos.hdf5, mask: train, weight: 2}], keys: [object, robot0_eef_pos]}
//   policy: {kind: bc_rnn_gmm, hidden: 400}
//   optimizer: {rate: 1e-4}
//   train: {epochs: 600, batch: 100}
//   rollout: {task: threading, n: 50, every: 20}
#ifndef LOOM_POLICIES_LEARN_CONFIG_H
#define LOOM_POLICIES_LEARN_CONFIG_H

#include "engine/base/api.h"
#include "engine/task/task.h"
#include "policies/data/data.h"
#include "policies/data/normal.h"

LOOM_C_BEGIN

typedef enum loomPolicyKind {
  LOOM_KIND_BC_L2,           // a perceptron, squared error
  LOOM_KIND_BC_GAUSSIAN,     // one Gaussian
  LOOM_KIND_BC_GMM,          // a mixture of Gaussians
  LOOM_KIND_BC_RNN_GMM,      // LSTM before the mixture (Mandlekar et al., 2021)
  LOOM_KIND_BC_TRANSFORMER,  // causal transformer before the mixture
  LOOM_KIND_DIFFUSION,       // 1-D U-Net that denoises action chunks (Chi et al., 2023)
  LOOM_KIND_DIFFUSION_MLP,   // the same with a perceptron
  LOOM_KINDS,
} loomPolicyKind;

const char* loom_policy_kind_name(loomPolicyKind kind);  // "bc_rnn_gmm"
/// LOOM_ERR_USAGE: there is none of that name.
int loom_policy_kind_find(loomPolicyKind* out, const char* name, loomError* err);
bool loom_policy_denoises(int kind);  // one of the diffusion kinds

/// What a denoising network is asked for: the noise in an action chunk (Ho et al., 2020), or the chunk
/// without it, as 3D Diffusion Policy (Ze et al., 2024) does, which a perceptron finds much easier.
typedef enum loomPrediction { LOOM_PREDICT_NOISE, LOOM_PREDICT_SAMPLE } loomPrediction;

enum { LOOM_CONFIG_SIZES = 8 };

/// A list of widths.
typedef struct loomSizes {
  int n;
  int size[LOOM_CONFIG_SIZES];
} loomSizes;

typedef struct loomConfigFile {
  char path[LOOM_PATH_MAX];  // from where the program runs
  loomName mask;             // "" = all demos
  int first;                 // so many demos, from the first on; 0 = all. Not for validation
  double weight;             // 0 = by its number of samples
} loomConfigFile;

typedef struct loomConfigData {
  int file_count;
  loomConfigFile file[LOOM_DATA_FILES];
  int key_count;
  loomName key[LOOM_DATA_KEYS];
  loomName actions;
  int pose, rotation;             // 0 relative, 1 absolute; 0 axis-angle, 1 six numbers (loomActionForm)
  int arms;                       // of an action; 0 = as the dataset says
  double cache;                   // GiB
  int obs_normal, action_normal;  // loomNormalKind
  int stack, length;              // rows seen before and from the current one; not for diffusion
} loomConfigData;

/// Entries that a kind does not use keep the defaults they have for it.
typedef struct loomConfigPolicy {
  int kind;          // loomPolicyKind
  loomSizes layers;  // hidden layers of perceptrons, also after an LSTM; channels of the U-Net's levels
  int modes;         // of the mixture
  double min_std, fixed_std;          // of Gaussians: the least learned; not learned but this (0 = learned)
  double evaluation_std;              // while acting (0 = as learned)
  int hidden, rnn_layers;             // LSTM
  int width, blocks, heads;           // transformer
  double dropout;                     // transformer
  int observed, predicted, executed;  // diffusion: rows of observations and actions
  int noise_steps, denoise_steps;     // diffusion: while training, while acting
  int kernel, groups, step_width;     // diffusion: U-Net
  int predicts;                       // diffusion: loomPrediction
} loomConfigPolicy;

/// How images and point clouds become features; unused where no key is one.
typedef struct loomConfigEncoder {
  loomSizes channels;  // images: of the stem and of each block
  int keypoints;       // images: of the spatial softmax
  loomSizes points;    // point clouds: layers that every point goes through
  int features;        // of each image or cloud
  double crop;  // images: share of height and width that is seen, anywhere in training, else the middle
} loomConfigEncoder;

typedef struct loomConfigOptimizer {
  bool decoupled;  // adamw
  double rate, beta1, beta2, epsilon;
  double weight_decay;
  double clip;       // gradients longer than this are shortened; 0 = never
  int schedule;      // 0 constant, 1 cosine, 2 step
  int warmup;        // steps
  double floor;      // share of the rate at the end (cosine)
  int period;        // steps (step)
  double decay;      // (step)
  double ema;        // largest decay of the averaged weights; 0 = no average
  double ema_power;  // how fast the decay rises: 1 - (1 + step)^-power
} loomConfigOptimizer;

typedef struct loomTrainConfig {
  loomConfigData data;
  loomConfigPolicy policy;
  loomConfigEncoder encoder;
  loomConfigOptimizer optimizer;
  struct {
    int epochs;
    int steps;  // of an epoch; 0 = once over all samples
    int batch;
    int seed;
    int threads;  // 0 = as many as cores
  } train;
  struct {
    loomName mask;  // in the files of the training data; "" = no validation
    int every;      // epochs
  } validate;
  struct {
    char folder[LOOM_PATH_MAX];
    int every;  // epochs
    int keep;   // of the latest; 0 = all
    bool best;  // keep also the best by loss and by success
  } checkpoint;
  struct {
    char task[LOOM_PATH_MAX];  // name or file; "" = no rollouts
    loomName reset;            // reset distribution; "" = the first
    int n, every;              // episodes; epochs
    int max_steps;             // 0 = the task's
    int seed;
    int threads;
  } rollout;
  struct {
    int patience;  // epochs without a better one; 0 = never stops early
    int by;        // 0 validation loss, 1 success rate
  } stop;
} loomTrainConfig;

/// Defaults of robomimic's or Diffusion Policy's own configurations for that kind, but for a smaller
/// transformer (theirs: width 512, 6 blocks) and U-Net (256, 512, 1024), which processors can train; no files
/// or keys.
loomTrainConfig loom_default_train_config(loomPolicyKind kind);
/// Errors are FILE:LINE: key. LOOM_ERR_FORMAT, LOOM_ERR_IO.
int loom_train_config_load(loomTrainConfig* out, const char* path, loomError* err);
int loom_train_config_parse(loomTrainConfig* out, const char* text, size_t n, const char* label,
                            loomError* err);
/// All of it as YAML, malloc'ed; NULL when out of memory. Read again it is the same.
char* loom_train_config_text(const loomTrainConfig* config);

/// What the policy's actions are.
loomActionForm loom_config_form(const loomTrainConfig* config);

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
