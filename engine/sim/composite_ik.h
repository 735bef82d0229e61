// robosuite 1.5's WHOLE_BODY_IK: once a control step, poses of the hands to goals of the joints of arms,
// torso and head, whose JOINT_POSITION controllers then go there (engine/sim/controller.h, body_part.h).
// Internal.
#ifndef LOOM_ENGINE_SIM_COMPOSITE_IK_H
#define LOOM_ENGINE_SIM_COMPOSITE_IK_H

#include "engine/sim/body_part.h"
#include "engine/sim/controller.h"

/// Bound to a model.
typedef struct loomIk {
  const loomIkDef* def;
  int n;
  int joint[LOOM_IK_JOINTS];     // numbers in the model, of the joints as of their places in qpos and qvel
  double* goal[LOOM_IK_JOINTS];  // where each one's controller has its goal, rad (m)
  int site[LOOM_IK_HANDS];
  double frame[4];  // quaternion: what axes times angles are in
  int torso_count;
  int torso[LOOM_IK_JOINTS];  // which joints robosuite slows down as the torso's
} loomIk;

/// The arms and parts are the episode's, and stay where they are. Errors name what the model lacks, and what
/// robosuite would mix up.
int loom_ik_bind(loomIk* ik, const loomIkDef* def, loomArm* arms, struct loomBodyPart* parts, int part_count,
                 const mjModel* m, loomError* err);
/// Set the goals of its joints for an action: a whole one, as robosuite's recorder keeps it (positions in the
/// world, m; rotations in the frame where they are axes times angles, rad, else in the world). jacobian is
/// room (6 x nv); d's kinematics and centers of mass are up to date.
void loom_ik_plan(const loomIk* ik, const mjModel* m, const mjData* d, double* jacobian,
                  const double* action);

#endif
