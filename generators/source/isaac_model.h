// Internal. A model's joints as Isaac Lab keeps them: articulations and rigid objects. Pure functions.
#ifndef LOOM_GENERATORS_SOURCE_ISAAC_MODEL_H
#define LOOM_GENERATORS_SOURCE_ISAAC_MODEL_H

#include "generators/source/isaac.h"

/// A body that hangs on nothing, by its free joint (-1: it is fixed to the world).
typedef struct isaacRoot {
  loomName name;
  int body, free_joint;
} isaacRoot;

/// Is a body one of a robot's?
bool isaac_is_robots(const loomEpisode* episode, int body);
/// Whether a joint has one number.
bool isaac_is_plain(const mjModel* m, int joint);
/// The root of an articulation: of its first joint that the model has; LOOM_ERR_FORMAT where it has none of
/// them.
int isaac_root_of_tree(isaacRoot* out, const loomIsaacMap* map, int tree, const mjModel* m, loomError* err);
/// The bodies that lie free, those of articulations left out (n of them, at most `most`).
int isaac_free_roots(isaacRoot* out, int most, const loomIsaacMap* map, const loomScene* scene);

/// A root's pose and velocity in theirs (7, 6) of a state of ours (S), and back into one.
void isaac_put_root(double pose[7], double velocity[6], const loomIsaacMap* map, loomPose frame,
                    const isaacRoot* root, const mjModel* m, const double* state);
void isaac_take_velocity(double* state, const loomIsaacMap* map, const isaacRoot* root, const mjModel* m,
                         const double velocity[6]);
/// A pose of theirs (7), in our world.
loomPose isaac_take_root(const loomIsaacMap* map, loomPose frame, const double pose[7]);

/// Poses of ours as theirs, and back; frame as in loomIsaacMap.
loomPose isaac_theirs(const loomIsaacMap* map, loomPose frame, loomPose ours);
loomPose isaac_ours(const loomIsaacMap* map, loomPose frame, loomPose theirs);

#endif
