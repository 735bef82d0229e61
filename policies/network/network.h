// A policy's network, whatever its kind: from rows of observations to rows of outputs, and from the gradient
// of the outputs to that of the parameters. What outputs mean is the objective's matter
// (policies/objective), how actions are made of them the actor's (actor.h). Kinds are tables of functions
// (network_mlp.c, network_rnn.c, ...) over a plain struct of layers, in which offsets name parameters and
// pointers name activations; so whoever acts copies the struct, lays out activations of its own and shares
// the parameters. Where there are images or point clouds an encoder stands before it.
#ifndef LOOM_POLICIES_NETWORK_NETWORK_H
#define LOOM_POLICIES_NETWORK_NETWORK_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/data/offsets.h"
#include "policies/network/encoder.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/tensor.h"
#include "policies/objective/objective.h"

LOOM_C_BEGIN

enum { LOOM_TOGETHER = 8 };  // decisions made at once, at most

typedef struct loomNetworkType loomNetworkType;

extern const loomNetworkType loom_network_mlp, loom_network_rnn, loom_network_transformer,
    loom_network_diffusion;

typedef struct loomNetworkDef {
  const loomNetworkType* type;
  loomNetworkConfig policy;
  int obs_dim, action_dim;        // numbers of a row, as the kind sees it
  int obs_rows, action_rows;      // of a training sample
  int output_rows, output_width;  // of a training sample, as its objective wants them
  int stack;                      // rows seen at once by kinds that see some (data.stack)
  int low_dim;                    // numbers of a row's vectors; features of what is encoded come after them
  loomBounds obs_bounds,          // denoisers: within which a row's vectors are held while acting (low_dim)
      action_bounds;              // and its actions (action_dim)
  const loomOffsets* offsets;     // denoisers: what their chunks are told from; NULL: from nothing
  loomEncoderDef encoder;
} loomNetworkDef;

/// For samples of stack and length rows, where the kind has no windows of its own.
loomNetworkDef loom_network_def(const loomNetworkConfig* policy, const loomEncoderConfig* encoder, int stack,
                                int length, int low_dim, int action_dim);
/// An image or a point cloud more in each row.
void loom_network_add_visual(loomNetworkDef* def, const loomVisualKey* key);
/// What a policy of that kind learns by: squared error, a likelihood, denoising.
loomObjectiveDef loom_network_objective(const loomNetworkDef* def);
/// Rows of observations that a decision takes, oldest first, and rows of actions that it gives.
int loom_network_seen(const loomNetworkDef* def);
int loom_network_decided(const loomNetworkDef* def);
/// While acting: the vectors of rows (rows x obs_dim) held within def->obs_bounds, in place.
void loom_network_hold(loomReal* obs, const loomNetworkDef* def, int rows);
/// Whether several decisions, up to LOOM_TOGETHER, can be made at once (loom_actor_decide_together).
bool loom_network_together(const loomNetworkDef* def);

/// What goes into a network, and what it is to learn.
typedef struct loomSamples {
  int n;
  const loomReal* obs;  // (n x obs_rows x obs_dim); (... x low_dim) for the network as a whole
  loomReal* dobs;       // (n x obs_rows x obs_dim) takes the gradient of obs; may be NULL
  const loomReal* visual[LOOM_DATA_KEYS];  // (n x obs_rows x its numbers) of each of the encoder's keys
  // Denoisers: what the noise is to be found in, from the objective while training.
  const loomReal* noisy;  // (n x output_width)
  const int* noise_step;  // (n) how far the diffusion has gone
  // Targets.
  const loomReal* actions;  // (n x action_rows x action_dim)
  const loomReal* real;     // (n x action_rows) 1, or 0 where an action is padding
} loomSamples;

/// What a kind is. `layers` is its struct, zeroed before declare.
struct loomNetworkType {
  size_t size;  // bytes of layers
  void (*declare)(void* layers, loomParams* params, const loomNetworkDef* def);
  void (*init)(const void* layers, loomParams* params, loomRandom* random);
  /// Activations: for training with up to n samples, or to act (n = 0: begin and decide only, for one, or for
  /// LOOM_TOGETHER where they can be decided together).
  void (*layout)(void* layers, loomArena* arena, int n);
  /// Outputs (n x output_rows x output_width), valid until the next call. `random` is for dropout;
  /// NULL: none.
  const loomReal* (*forward)(void* layers, const loomParams* params, const loomSamples* samples,
                             loomRandom* random);
  /// After forward with the same samples, from doutputs (as outputs): the gradients of all parameters are
  /// added up, and that of obs is written where dobs is given.
  void (*backward)(void* layers, loomParams* params, const loomSamples* samples, const loomReal* doutputs);
  /// Forget what came before; NULL: it keeps nothing.
  void (*begin)(void* layers);
  /// Acting: outputs (output_width) for the newest row of one sample's obs (seen x obs_dim), moving on
  /// whatever is kept from row to row; NULL: forward.
  const loomReal* (*decide)(void* layers, const loomParams* params, const loomSamples* samples);
  /// Acting: whether forward takes up to LOOM_TOGETHER samples at once, each of which gets to the last bit
  /// what it gets alone; NULL: it does not.
  bool (*together)(const loomNetworkDef* def);
};

typedef struct loomNetwork {
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

/// Outputs (n x output_rows x output_width), valid until the next call. seed and step name the random
/// streams of dropout and crops, which only training has.
const loomReal* loom_network_forward(loomNetwork* network, const loomSamples* samples, uint64_t seed,
                                     uint64_t step, bool train);
/// After forward in training, with the same samples: adds doutputs' gradients to those of all parameters,
/// the encoder's too.
void loom_network_backward(loomNetwork* network, const loomSamples* samples, const loomReal* doutputs);

/// Measure, allocate and lay out activations of `layers`, for good; a former arena is freed.
int loom_network_place(void* layers, loomArena* arena, const loomNetworkType* type, int n, loomError* err);

LOOM_C_END

#endif
