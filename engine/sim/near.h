// Pairs of bodies that cannot touch for now are kept out of MuJoCo's collision detection.
// A pair that is some distance apart stays apart until its bodies have moved that far. Contacts are those
// that MuJoCo finds among all pairs, bit for bit; only the work of not finding any is saved. Internal.
#ifndef LOOM_ENGINE_SIM_NEAR_H
#define LOOM_ENGINE_SIM_NEAR_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

typedef struct loomNear loomNear;

/// Since it was created: physics steps, pairs that there are, those left for MuJoCo to look at (summed over
/// steps), distances between geoms measured, steps whose contacts were found again.
typedef struct loomNearCounts {
  int64_t steps, pairs, looked_at, measured, again;
} loomNearCounts;

/// Do the masks of two geoms let them collide?
bool loom_geoms_may_collide(const mjModel* m, int geom, int other);
/// Does MuJoCo look for contacts of two bodies: neither parts of one rigid piece, nor jointed to each other,
/// nor excluded by the model? Whatever their geoms' masks.
bool loom_bodies_may_touch(const mjModel* m, int body, int other);
/// Are two geoms at least so far apart (m), by the spheres around them, where they are? False where these
/// cannot tell.
bool loom_spheres_apart(const mjModel* m, int geom, const double at[3], int other, const double other_at[3],
                        double by);
/// The same by spheres and boxes around them.
bool loom_geoms_apart(const mjModel* m, const mjData* d, int geom, int other, double by);
/// For one model, of which bodies, geoms and masks stay; sizes may change (loom_near_forget).
int loom_near_create(loomNear** out, const mjModel* m, loomError* err);
void loom_near_destroy(loomNear* near);
/// Nothing that was measured holds any longer: the geoms' sizes have changed.
void loom_near_forget(loomNear* near);
/// Before physics steps, with the kinematics of the present state in d: from here on until loom_near_end the
/// model m has only pairs that may touch.
void loom_near_begin(loomNear* near, mjModel* m, mjData* d);
/// After a physics step and its kinematics. True when a pair that was left out may touch by now: m has it
/// again, and mj_step1 must run once more.
bool loom_near_moved(loomNear* near, mjModel* m, mjData* d);
/// The model m has all its pairs again, also after an error in between.
void loom_near_end(loomNear* near, mjModel* m);
loomNearCounts loom_near_counts(const loomNear* near);

#endif
