// Inverse dynamics by regression: which action lies between two states, learned from states and actions that
// somebody tried, such as self-play (Torabi, Warnell and Stone, "Behavioral cloning from observation", IJCAI
// 2018). What is seen and answered is the caller's (policies/data/motion.h). Internal.
//
//   loom_dynamics_fit(&model, &def, &rows, seed, err);
//   loom_dynamics_answer(answers, &model, inputs, n);
#ifndef LOOM_POLICIES_LEARN_DYNAMICS_H
#define LOOM_POLICIES_LEARN_DYNAMICS_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/data/normal.h"
#include "policies/nn/mlp.h"

LOOM_C_BEGIN

typedef struct loomDynamicsDef {
  loomSizes hidden;
  int steps, batch;
  double rate;   // of learning, falling to 0 by a cosine
  double huber;  // errors beyond are taken absolutely, not squared; in deviations of what is left to learn
} loomDynamicsDef;

loomDynamicsDef loom_default_dynamics_def(void);

/// A perceptron that adds what the best linear answer lacks. Free with loom_dynamics_destroy.
typedef struct loomDynamics {
  loomDynamicsDef def;
  int inputs, answers;
  loomNormal x, y;
  double* linear;  // (answers x (inputs + 1)) of normalized inputs, the constant last
  double* left;    // (answers) deviation of what it leaves
  loomParams params;
  loomMlp mlp;
  loomArena arena;
  loomReal *seen, *wanted, *slope;  // (batch x inputs), (batch x answers) twice
} loomDynamics;

/// Rows to learn from.
typedef struct loomDynamicsRows {
  int64_t n;
  const float* x;  // (n x inputs)
  const float* y;  // (n x answers)
  int inputs, answers;
  const volatile sig_atomic_t* stop;                  // non-zero: LOOM_ERR_INTERRUPTED; may be NULL
  void (*progress)(void* user, int step, int steps);  // from the calling thread; may be NULL
  void* user;
} loomDynamicsRows;

/// The model of these rows, a pure function of them, def and seed. LOOM_ERR_USAGE: fewer rows than inputs;
/// LOOM_ERR_FORMAT: numbers that are not finite.
int loom_dynamics_fit(loomDynamics* out, const loomDynamicsDef* def, const loomDynamicsRows* rows,
                      uint64_t seed, loomError* err);
void loom_dynamics_destroy(loomDynamics* model);
/// out (n x answers) of x (n x inputs).
void loom_dynamics_answer(float* out, loomDynamics* model, const float* x, int64_t n);
/// What tells one model from another.
uint64_t loom_dynamics_digest(const loomDynamics* model);

LOOM_C_END

#endif
