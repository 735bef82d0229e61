// The sections `policy` and `encoder` of a training configuration: what kind of network a policy has, and how
// large it is. They are in a policy's file too.
#ifndef LOOM_POLICIES_NETWORK_NETWORK_CONFIG_H
#define LOOM_POLICIES_NETWORK_NETWORK_CONFIG_H

#include "engine/base/api.h"
#include "engine/base/fields.h"

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

extern const char* const loom_policy_kind_names[];       // NULL-terminated
const char* loom_policy_kind_name(loomPolicyKind kind);  // "bc_rnn_gmm"
bool loom_policy_denoises(int kind);                     // one of the diffusion kinds

/// What a denoising network is asked for: the noise in an action chunk (Ho et al., 2020), or the chunk
/// without it, as 3D Diffusion Policy (Ze et al., 2024) does, which a perceptron finds much easier; or how
/// far that is from the hands, each number in its deviations (policies/data/offsets.h), which is precise near
/// them too.
typedef enum loomPrediction { LOOM_PREDICT_NOISE, LOOM_PREDICT_SAMPLE, LOOM_PREDICT_OFFSET } loomPrediction;

/// Entries that a kind does not use keep the defaults they have for it.
typedef struct loomNetworkConfig {
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
  double temperature;                 // diffusion: deviation of the noise that a decision begins with
  double obs_within, action_within;   // diffusion: while acting, of the data's ranges (0 = anywhere)
} loomNetworkConfig;

/// How images and point clouds become features; unused where no key is one.
typedef struct loomEncoderConfig {
  loomSizes channels;  // images: of the stem and of each block
  int keypoints;       // images: of the spatial softmax
  loomSizes points;    // point clouds: layers that every point goes through
  int features;        // of each image or cloud
  double crop;  // images: share of height and width that is seen, anywhere in training, else the middle
} loomEncoderConfig;

/// Of the section `policy`, for `now` = 1 << kind; and of `encoder`.
extern const loomFields loom_network_fields, loom_encoder_fields;

/// robomimic's or Diffusion Policy's own for that kind, but for a smaller transformer (theirs: width 512, 6
/// blocks) and U-Net (256, 512, 1024), which processors can train.
loomNetworkConfig loom_default_network_config(loomPolicyKind kind);
loomEncoderConfig loom_default_encoder_config(void);

/// The kind that a section `policy` (0: none) of a document says. LOOM_ERR_FORMAT.
int loom_policy_kind_read(loomPolicyKind* out, const loomYaml* y, loomNode map, loomError* err);
/// What no single key shows to be wrong in the maps that they were read from. LOOM_ERR_FORMAT.
int loom_network_config_check(const loomNetworkConfig* config, const loomYaml* y, loomNode map,
                              loomError* err);
int loom_encoder_config_check(const loomEncoderConfig* config, const loomYaml* y, loomNode map,
                              loomError* err);

LOOM_C_END

#endif
