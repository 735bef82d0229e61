// Who learns by trying, as a run sees it (policies/learn/finetune.h): one iteration is some steps of its
// environments and what is learned from them. Everything that it goes on from is a list of tensors. Internal.
#ifndef LOOM_POLICIES_LEARN_LEARNER_H
#define LOOM_POLICIES_LEARN_LEARNER_H

#include <stdio.h>

#include "engine/run/vector.h"
#include "policies/agent/rollout.h"
#include "policies/network/discriminator.h"
#include "policies/nn/safetensors.h"
#include "policies/nn/tensor.h"

enum { LOOM_LEARNER_TENSORS = 256, LOOM_LEARNER_SCALARS = 24 };

/// A curve's name ("train/loss") and its value in the last iteration.
typedef struct loomScalar {
  const char* tag;
  double value;
} loomScalar;

typedef struct loomLearner {
  void* self;
  loomVector* vector;  // of its environments
  /// Steps that the last iteration took, of all environments together.
  int64_t (*size)(const void* self);
  int (*iterate)(void* self, loomError* err);
  /// The action (actions) that it takes for the best in obs (obs), in the environment's units, without noise.
  void (*act)(double* action, void* self, const double* obs);
  /// What the last iteration gave, at most LOOM_LEARNER_SCALARS; how many.
  int (*scalars)(loomScalar* out, const void* self);
  /// NULL, or told the share of episodes that are rewarded as successes without noise.
  void (*evaluated)(void* self, double rewarded);
  /// Where its state lies, at most LOOM_LEARNER_TENSORS tensors, to be written or (by their data) read into;
  /// those that begin with "model." and "obs." are what acts, and come first. `acting`: how many these are.
  int (*tensors)(loomSafeTensor* out, int* acting, void* self);
  /// Before tensors are written, and after they were read.
  void (*freeze)(void* self);
  int (*thaw)(void* self, loomError* err);
  void (*destroy)(void* self);

  // Where what it learns is part of something larger, whose success counts; all NULL: it is not.
  void* owner;
  /// The share of n episodes, of starts of `seed`, that succeed, and the deviation of one; the share that
  /// would have been rewarded as successes, had it learned from them.
  int (*evaluate)(double* mean, double* deviation, double* rewarded, void* owner, int n, uint64_t seed,
                  loomTrialLook look, loomError* err);
  /// What acts, as a file.
  int (*save)(const char* path, void* owner, const loomSafeMeta* meta, int nmeta, loomError* err);
  void (*release)(void* owner);  // after destroy
  /// NULL, or the share of the demos' states that a reverse curriculum has opened so far.
  double (*opened)(const void* owner);
  /// NULL, or how far ranges of disturbances have widened, of what their limits leave (loom_adr_width), and
  /// they themselves.
  double (*widened)(const void* owner);
  void (*write_ranges)(FILE* out, const void* owner);
} loomLearner;

/// For `tensors`: so many numbers that lie in a row, and weights by their names and shapes (how many).
loomSafeTensor loom_learner_numbers(const char* name, loomSafeType type, const void* data, size_t count);
int loom_learner_params(loomSafeTensor* out, const loomParams* params);
/// All of a discriminator that a checkpoint keeps; after it is read, loom_discriminator_refresh.
int loom_learner_discriminator(loomSafeTensor* out, const loomDiscriminator* d);
/// A checkpoint's tensor of that name, read into where `to` has it. LOOM_ERR_FORMAT: missing, or of another
/// size.
int loom_learner_read(const loomSafeTensor* to, const loomSafetensors* file, const char* path,
                      loomError* err);

#endif
