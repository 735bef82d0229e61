// A policy's network, whatever its kind: from rows of observations to actions, all of them normalised. Kinds
// are tables of functions (network_mlp.c, network_rnn.c, ...) over a plain struct of layers, in which offsets
// name parameters and pointers name activations; so whoever acts copies the struct, lays out activations of
// its own and shares the parameters. Where there are images or point clouds an encoder stands before it.
#ifndef LOOM_POLICIES_NETWORK_NETWORK_H
#define LOOM_POLICIES_NETWORK_NETWORK_H

#include "engine/base/random.h"
#include "policies/learn/config.h"
#include "policies/network/encoder.h"
#include "policies/nn/tensor.h"
#include "policies/objective/loss.h"

typedef struct loomNetworkDef {
  loomConfigPolicy policy;
  int obs_dim, action_dim;    // numbers of a row, as the kind sees it
  int obs_rows, action_rows;  // of a training sample
  int stack;                  // rows seen at once by kinds that see some (data.stack)
  int low_dim;                // numbers of a row's vectors; features of what is encoded come after them
  loomEncoderDef encoder;
} loomNetworkDef;

loomNetworkDef loom_network_def(const loomTrainConfig* config, int low_dim, int action_dim);
/// An image or a point cloud more in each row.
void loom_network_add_visual(loomNetworkDef* def, const loomVisualKey* key);
/// What the kinds with a likelihood give: a mixture of Gaussians, or one.
loomMixtureDef loom_network_mixture(const loomNetworkDef* def);
/// Rows of observations that a decision takes, oldest first, and rows of actions that it gives.
int loom_network_seen(const loomNetworkDef* def);
int loom_network_decided(const loomNetworkDef* def);

typedef struct loomSamples {
  int n;
  const loomReal* obs;      // (n x obs_rows x obs_dim); (... x low_dim) for the network as a whole
  const loomReal* actions;  // (n x action_rows x action_dim)
  const loomReal* real;     // (n x action_rows) 1, or 0 where an action is padding
  loomReal* dobs;           // (n x obs_rows x obs_dim) takes the gradient of obs in training; may be NULL
  const loomReal* visual[LOOM_DATA_KEYS];  // (n x obs_rows x its numbers) of each of the encoder's keys
} loomSamples;

/// What a kind is. `layers` is its struct, zeroed before declare.
typedef struct loomNetworkType {
  size_t size;  // bytes of layers
  void (*declare)(void* layers, loomParams* params, const loomNetworkDef* def);
  void (*init)(const void* layers, loomParams* params, loomRandom* random);
  /// Activations: for training with up to n samples, or to act (n = 0: decide and begin only).
  void (*layout)(void* layers, loomArena* arena, int n);
  /// Mean loss of the samples; with `train` the gradients of all parameters are added up, and that of obs is
  /// written where dobs is given. `random` is the step's own stream (LOOM_PURPOSE_DROPOUT).
  double (*loss)(void* layers, loomParams* params, const loomSamples* samples, loomRandom* random,
                 bool train);
  /// Forget what came before; may be NULL.
  void (*begin)(void* layers);
  /// actions (decided x action_dim) from obs (seen x obs_dim). random NULL, where a kind has a mixture of
  /// Gaussians: the mean of the likeliest.
  void (*decide)(loomReal* actions, void* layers, const loomParams* params, const loomReal* obs,
                 loomRandom* random);
} loomNetworkType;

extern const loomNetworkType loom_network_mlp, loom_network_rnn, loom_network_transformer,
    loom_network_diffusion;

typedef struct loomNetwork {
  const loomNetworkType* type;
  loomNetworkDef def;
  loomParams params;
  void* layers;
  loomArena arena;
  loomEncoder encoder;
  loomArena encoder_arena;
  loomReal *seen, *dseen;  // (n x obs_rows x obs_dim) vectors and features, where there is an encoder
  bool likeliest;          // of a mixture actors take the likeliest mode's mean, as exported policies do
} loomNetwork;

/// Parameters drawn by seed. LOOM_ERR_MEMORY, LOOM_ERR_USAGE.
int loom_network_create(loomNetwork* out, const loomNetworkDef* def, uint64_t seed, loomError* err);
/// Room to train with up to n samples.
int loom_network_layout(loomNetwork* network, int n, loomError* err);
void loom_network_destroy(loomNetwork* network);
/// See loomNetworkType.loss; gradients are zeroed first. step names the random stream.
double loom_network_loss(loomNetwork* network, const loomSamples* samples, uint64_t seed, uint64_t step,
                         bool train);

/// One that acts, with the network's parameters as they are at each decision.
typedef struct loomActor {
  const loomNetwork* network;
  void* layers;
  loomArena arena;
  loomEncoder encoder;
  loomArena encoder_arena;
} loomActor;

int loom_actor_create(loomActor* out, const loomNetwork* network, loomError* err);
void loom_actor_destroy(loomActor* actor);
void loom_actor_begin(loomActor* actor);
/// A row (obs_dim) whose first low_dim numbers are set: the features of visual (one row of each of the
/// encoder's keys) behind them.
void loom_actor_see(loomReal* row, loomActor* actor, const loomReal* const* visual);
void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random);

#endif
