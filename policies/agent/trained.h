// A trained policy and its file: weights, normalization, and what acting needs of its configuration, in one
// safetensors file. What trains writes it, what acts reads it.
#ifndef LOOM_POLICIES_AGENT_TRAINED_H
#define LOOM_POLICIES_AGENT_TRAINED_H

#include "engine/base/api.h"
#include "engine/observe/sense.h"
#include "policies/agent/policy_config.h"
#include "policies/agent/rollout.h"
#include "policies/network/actor.h"

LOOM_C_BEGIN

typedef struct loomResidual loomResidual;

/// Free with loom_trained_destroy.
typedef struct loomTrained {
  loomPolicyConfig config;
  int dim[LOOM_DATA_KEYS];           // numbers of each of config.data.key
  int shape[LOOM_DATA_KEYS][4];      // axes of its rows (images 3, point clouds 2) and their sizes
  loomNormal obs, actions;           // of the vectors side by side
  loomNormal cloud[LOOM_DATA_KEYS];  // of each key that is a point cloud: its points
  loomOffsets* offsets;              // what chunks are told from; NULL = nothing
  loomSenseDef sense;                // how its pictures and point clouds are made
  char* driven;  // how the robots of its data were driven (loom_env_args_driven); NULL = not known
  loomNetwork network;
  bool even_bounds;        // of a file of before: what is held while acting is held on the scaled side
  loomResidual* residual;  // what finetuning adds to its actions; NULL = nothing
} loomTrained;

/// For the keys and actions of a training set; statistics are taken over all of it, weights drawn by the
/// seed. LOOM_ERR_UNSUPPORTED names file, demo and key of what no encoder takes.
int loom_trained_create(loomTrained* out, const loomPolicyConfig* config, uint64_t seed, loomData* data,
                        loomError* err);
void loom_trained_destroy(loomTrained* trained);

/// A key as files and episodes have it: images are height x width x channels there.
loomObsKey loom_trained_key(const loomTrained* trained, int key);
/// Whether a key is an image or a point cloud.
bool loom_trained_visual(const loomTrained* trained, int key);
/// Has a dataset, opened by the policy's own keys from `path`, as many numbers a row? LOOM_ERR_FORMAT tells
/// both.
int loom_trained_check_rows(const loomTrained* trained, const loomData* data, const char* path,
                            loomError* err);
/// A batch normalized in place, as the network wants its samples.
loomSamples loom_trained_samples(const loomTrained* trained, loomBatch* batch);

/// More tensors and texts that a checkpoint has.
typedef struct loomTrainedExtra {
  int ntensor, nmeta;
  const loomSafeTensor* tensor;
  const loomSafeMeta* meta;
} loomTrainedExtra;

/// Atomic. Tensors: model.NAME (the weights as they are now), obs.* and actions.* (statistics), offsets.*
/// where chunks are told from hands, obs.dims (one entry a key) and obs.shapes (four), point_cloud.KEY.*
/// (statistics); metadata `config` (loom_policy_config_text), `sense` (YAML), `residual` (YAML; with tensors
/// residual.*) where it has one and, where it is known, `env_args` (rate, controllers and robots of its
/// data). extra may be NULL.
int loom_trained_save(const char* path, const loomTrained* trained, const loomTrainedExtra* extra,
                      loomError* err);
int loom_trained_load(loomTrained* out, const char* path, loomError* err);
/// The same from a file that has been read, named label in messages.
int loom_trained_read(loomTrained* out, const loomSafetensors* file, const char* label, loomError* err);

/// LOOM_ERR_FORMAT or LOOM_ERR_UNSUPPORTED: what it learned from was driven at another rate or otherwise than
/// the scene's arms are. Files that do not say fit.
int loom_trained_agrees(const loomTrained* trained, const loomScene* scene, loomError* err);
/// Control steps a second of its data, 0 = not known.
double loom_trained_rate(const loomTrained* trained);

/// The policy for episodes; trained stays as it is meanwhile.
loomPolicyMaker loom_trained_maker(loomTrained* trained);

LOOM_C_END

#endif
