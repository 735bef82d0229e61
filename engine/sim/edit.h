// Internal. Changes of an episode's own physics and of its start: masses, frictions, damping, contacts,
// gains, a table's height, objects put a little elsewhere. What disturbs episodes, and `verify --perturb`,
// make them here. Derived quantities of the model follow with loom_edit_constants.
#ifndef LOOM_ENGINE_SIM_EDIT_H
#define LOOM_ENGINE_SIM_EDIT_H

#include "engine/sim/episode.h"

// ---- the model: each multiplies what is there

/// Another density of an object: mass and inertia of all its bodies together.
void loom_edit_mass(loomEpisode* episode, int object, double by);
/// Friction of a body's geoms, and the time constant (or, where that is negative, the stiffness) of their
/// contacts. Of a pair of geoms MuJoCo takes one's numbers, or a mean.
void loom_edit_friction(mjModel* m, int body, double by);
void loom_edit_solref(mjModel* m, int body, double by);
/// The same of a contact pair that the model lists, which has numbers of its own.
void loom_edit_pair_friction(mjModel* m, int pair, double by);
void loom_edit_pair_solref(mjModel* m, int pair, double by);
/// Stiffness of an arm's controller; dampers follow, since they are given by their ratio.
void loom_edit_gains(loomEpisode* episode, int arm, double by);
/// Strength of an arm's gripper: gain and bias of its actuators.
void loom_edit_grip(loomEpisode* episode, int arm, double by);
/// What follows from masses and places: weights of constraints. The solver's yardsticks (mjStatistic) stay.
/// LOOM_ERR_SIM.
int loom_edit_constants(loomEpisode* episode, loomError* err);

// ---- the start

/// How far an object is put from where it is: m, m, rad about the vertical.
typedef struct loomNudge {
  double x, y, yaw;
} loomNudge;

/// state (S), which the episode shows: its free objects are moved, each by its nudge (objects). Those that
/// touch each other are moved as one, by the nudge of the lowest number; those that a robot, or anything else
/// that can move, touches stay.
void loom_edit_place(double* state, const loomEpisode* episode, const loomNudge* nudge);
/// state (S): all free objects are raised, m.
void loom_edit_raise(double* state, const loomEpisode* episode, double by);

#endif
