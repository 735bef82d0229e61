// A trained policy and its file: weights, normalisation, and the configuration it was trained with, in one
// safetensors file. What trains writes it, what acts reads it.
#ifndef LOOM_POLICIES_TRAINED_H
#define LOOM_POLICIES_TRAINED_H

#include "policies/network.h"
#include "policies/rollout.h"

/// Free with loom_trained_destroy.
typedef struct loomTrained {
  loomTrainConfig config;
  int dim[LOOM_DATA_KEYS];  // numbers of each of config.data.key
  loomNormal obs, actions;
  loomNetwork network;
} loomTrained;

/// For the keys and actions of a training set; statistics are taken over all of it, weights drawn by the
/// configuration's seed. LOOM_ERR_UNSUPPORTED names a key that is an image or a point cloud.
int loom_trained_create(loomTrained* out, const loomTrainConfig* config, loomData* data, loomError* err);
void loom_trained_destroy(loomTrained* trained);

/// More tensors and texts that a checkpoint has.
typedef struct loomTrainedExtra {
  int ntensor, nmeta;
  const loomSafeTensor* tensor;
  const loomSafeMeta* meta;
} loomTrainedExtra;

/// Atomic. Tensors: model.NAME (the weights as they are now), obs.* and actions.* (statistics), obs.dims (one
/// entry a key); metadata `config` (YAML). extra may be NULL.
int loom_trained_save(const char* path, const loomTrained* trained, const loomTrainedExtra* extra,
                      loomError* err);
int loom_trained_load(loomTrained* out, const char* path, loomError* err);
/// The same from a file that has been read, named label in messages.
int loom_trained_read(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err);

/// The policy for episodes; trained stays as it is meanwhile.
loomPolicyMaker loom_trained_maker(loomTrained* trained);

#endif
