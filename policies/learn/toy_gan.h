// A generator that learns to draw samples of several modes against a discriminator: PacGAN's experiments in
// the plane (policies/learn/modes.h), on which a discriminator shows whether it makes a generator forget
// modes. Internal.
#ifndef LOOM_POLICIES_LEARN_TOY_GAN_H
#define LOOM_POLICIES_LEARN_TOY_GAN_H

#include <signal.h>

#include "engine/base/api.h"
#include "policies/learn/modes.h"
#include "policies/network/discriminator.h"
#include "policies/report/scatter.h"

LOOM_C_BEGIN

typedef struct loomToyConfig {
  int toy;                      // loomToy
  int discriminator;            // loomDiscriminatorKind
  int pack, reward;             // reward: loomRewardForm, what the generator climbs
  int steps;                    // of the generator
  int critic_steps;             // of the discriminator, before each of the generator's
  int batch;                    // packs of each class in a step
  int samples;                  // of the modes, to learn from
  int latent;                   // normal numbers that the generator makes a sample of
  loomSizes generator, hidden;  // hidden layers of both
  double rate, critic_rate, beta1, beta2;
  double penalty;
  bool spectral;
  int every;   // steps from one look at the modes to the next
  int looked;  // samples of a look
  int seed;
} loomToyConfig;

extern const loomFields loom_toy_fields;
/// What is left open (below its range) follows from the kind of discriminator.
loomToyConfig loom_default_toy_config(void);

typedef struct loomToyState {
  int step, steps;               // of the generator
  loomModeLook modes;            // the last look, after the last step unless it was stopped
  loomDiscriminatorLook critic;  // of the last step
  int won;                       // the first step after which the discriminator had won LOOM_WIN_ROUNDS in a
                                 // row; 0 = never
} loomToyState;

typedef struct loomToyDef {
  const loomToyConfig* config;
  const char* folder;                 // NULL: nothing is written
  bool overwrite, resume;             // what is there already
  const volatile sig_atomic_t* stop;  // non-zero: write a checkpoint and return; may be NULL
  loomReal* samples;                  // (looked x 2) of the last look; may be NULL
  void (*progress)(void* user, const loomToyState* state);  // after each look; may be NULL
  void* user;
} loomToyDef;

/// In the folder: config.yaml, last.safetensors (both networks), samples.png, scalars.csv and curves.png,
/// event files. The same weights and samples to the last bit on any number of threads, stopped and resumed or
/// not. LOOM_ERR_INTERRUPTED after `stop`; LOOM_ERR_FORMAT: gradients that are no finite numbers any more;
/// LOOM_ERR_USAGE: a folder that holds a run, or one of other settings; sizes that are none.
int loom_toy_gan(loomToyState* out, const loomToyDef* def, loomError* err);

enum { LOOM_TOY_TITLE = 120 };
/// Samples (looked x 2) over the modes, as a panel of a picture; its title is written into title. modes and
/// samples have to outlive it.
loomScatter loom_toy_scatter(char title[LOOM_TOY_TITLE], const loomToyConfig* config, const loomModes* modes,
                             const loomReal* samples, const loomToyState* state);

LOOM_C_END

#endif
