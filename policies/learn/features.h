// Features of a task's steps that a reward is linear in: terms of rewards, in the words that reward files
// have (engine/task/task_reward.h, plain control tasks: engine/task/control_task.h), so that weights of them
// are a reward file by themselves. Internal.
#ifndef LOOM_POLICIES_LEARN_FEATURES_H
#define LOOM_POLICIES_LEARN_FEATURES_H

#include "engine/base/api.h"
#include "engine/scene/scene.h"
#include "engine/sim/control_sim.h"

LOOM_C_BEGIN

enum { LOOM_FEATURES = 24, LOOM_FEATURE_TEXT = 256 };

/// Each is one line of YAML, a map without its braces: "term: distance, from: box, to: {eef: 0}".
typedef struct loomFeatures {
  int n;
  char text[LOOM_FEATURES][LOOM_FEATURE_TEXT];
} loomFeatures;

/// One more, with or without braces. LOOM_ERR_FORMAT: no map, or one with a weight, which is what is found;
/// LOOM_ERR_USAGE: too many, too long.
int loom_features_add(loomFeatures* features, const char* text, loomError* err);
/// What a task is known by besides its reward, which is not looked at. Of plain control tasks: healthy, where
/// it has bounds, action, and the velocity of each entry of qpos; of robots': time, margins of success (from
/// afar and from near), lost and each named condition, how near each arm's hand is to what its subtasks are
/// about.
int loom_features_of_control(loomFeatures* out, const loomControlScene* scene, loomError* err);
int loom_features_of_task(loomFeatures* out, const loomTask* task, loomError* err);

/// A reward file, malloc'ed: one line a feature, with weights (n), or 1 each (NULL). NULL: no memory.
char* loom_features_reward(const loomFeatures* features, const double* weights);
/// "term: margin, condition: lifted" as a name: what stands behind its term, shortened.
void loom_feature_name(char out[LOOM_NAME_MAX], const loomFeatures* features, int i);

/// Features as they are learned by: feature - c base, where base is how long an episode goes on (`time`, of
/// plain control tasks `healthy`). What follows an end then counts, but in base, as a step with c. For those
/// that are 1 where something holds (margins, conditions, distances with a scale) c is 1: who is done early
/// lacks less, where of the feature itself whoever lingers near success had more. For all others it is the
/// expert's mean step: who goes on for longer has no more of them for that.
typedef struct loomFeatureBasis {
  int n, base;  // -1: none among them, and all are as they are
  double c[LOOM_FEATURES];
} loomFeatureBasis;

/// expert (n): its mean episode sums.
loomFeatureBasis loom_feature_basis(const loomFeatures* features, const double* expert);
/// Of a step, or of an episode's sums: x (n) becomes those of the basis, and the other way.
void loom_feature_basis_change(double* x, const loomFeatureBasis* basis);
void loom_feature_basis_back(double* x, const loomFeatureBasis* basis);
/// Weights (n) of these become weights of the features themselves.
void loom_feature_basis_fold(double* weights, const loomFeatureBasis* basis);

/// LOOM_ERR_FORMAT, of a sum of products of a step's features (n x n): one that others make up, and which.
int loom_features_refuse_collinear(const loomFeatures* features, const double* gram, loomError* err);

/// Bind them: as terms behind the task's own, whose reward stays as it is (weights 0), or as a reward of
/// their own (weights 1). Errors name "--feature", the number of the feature as a line, and the key.
int loom_features_to_control(loomControlTask* task, const loomFeatures* features, loomError* err);
int loom_features_to_reward(loomRewardDef** out, const loomTask* task, const loomFeatures* features,
                            loomError* err);

LOOM_C_END

#endif
