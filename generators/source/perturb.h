// How much of a demo's success is luck: its actions replayed in physics that are a few percent off.
#ifndef LOOM_GENERATORS_SOURCE_PERTURB_H
#define LOOM_GENERATORS_SOURCE_PERTURB_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/scene/scene.h"

LOOM_C_BEGIN

/// How far off. Every factor is drawn from [1 - share, 1 + share], every move from [-most, most], uniformly.
typedef struct loomPerturbDef {
  uint64_t seed;
  double friction;  // share, of each body's geoms and each contact pair
  double mass;     // share, of each object with its inertia; robots keep theirs, as their controllers know it
  double damping;  // share, of each degree of freedom's
  double solref;   // share, of the time constant of contacts, of each body's geoms and each contact pair
  double place;    // m, along x and along y, of each free object at the start
  double yaw;      // rad, about the vertical
  bool libccd;     // contacts are found by MuJoCo's older code, as before its version 3.3
} loomPerturbDef;

/// 5 % each, 1 mm and 0.02 rad, contacts by libccd.
loomPerturbDef loom_default_perturb_def(void);

/// Which of the perturbed worlds a demo meets is its own: the same number gives the same one, under whatever
/// name the demo lies in whatever file.
uint64_t loom_perturb_number(const loomDemo* demo, int replay);

/// What a replay in perturbed physics showed.
typedef struct loomPerturbed {
  bool success;        // at the end, for as long as the task says, by up to so long after the last action
  double state_error;  // largest error of any number of a state, against the recorded ones
} loomPerturbed;

/// Step the demo's actions from its first state in world number `number` of the demo's scene. Objects that
/// touch each other at the start are moved as one, those that a robot holds not at all. A simulation that
/// fails is no success and no error.
int loom_replay_perturbed(loomPerturbed* out, const loomScene* scene, const loomDemo* demo, uint64_t number,
                          const loomPerturbDef* def, loomError* err);

LOOM_C_END

#endif
