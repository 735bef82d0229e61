// What the actuators of a model do with what is written to them, against what a robot's file promises:
// torques go to motors only, joint goals to position servos too, and a gripper's commands to actuators that
// have a range. Internal.
#ifndef LOOM_ENGINE_SIM_ACTUATOR_H
#define LOOM_ENGINE_SIM_ACTUATOR_H

#include <mujoco/mujoco.h>

#include "engine/base/error.h"
#include "engine/task/controller_def.h"

/// LOOM_ERR_FORMAT: joint number `joint` is a ball or free, and no number says where it stands.
int loom_actuator_joint(int joint, const mjModel* m, loomError* err);

/// What moves a joint of an arm: a motor, or a servo that takes the joint there by a spring of its own.
typedef struct loomDrive {
  int actuator;
  bool servo;   // a position servo
  double gear;  // of a motor the torque in N m (N) for a control of 1; of a servo the control for 1 rad (m)
} loomDrive;

/// The actuator `name` that turns (or slides) joint number `joint` as a controller of that type has it: a
/// motor, or a position servo where the controller knows joint goals (all but OSC_POSE). One without a name
/// goes by its joint's. LOOM_ERR_FORMAT names the actuator, what it is and what to write instead, where it is
/// neither, drives something else, is switched off, or cannot give `torque_limit`, and where another actuator
/// holds the joint.
int loom_actuator_drive(loomDrive* out, const char* name, int joint, double torque_limit,
                        loomControllerType type, const mjModel* m, loomError* err);

/// The actuator `name` of a torso, head or base under robosuite 1.5's composite controllers: a motor of gear
/// 1, or, of a base, a servo that holds a speed; with a ctrlrange. LOOM_ERR_UNSUPPORTED says what it is
/// instead.
int loom_actuator_part(int* out, const char* name, int joint, bool speed, const mjModel* m, loomError* err);

/// The actuator `name` of a gripper or hand, or the one without a name of the joint `name`: its number, and
/// the range of its control: its ctrlrange, or for a position servo without one the range of its joint.
/// LOOM_ERR_FORMAT names an actuator that could never move, or that drives another joint than `joint` (one
/// that pulls at a tendon may drive several).
int loom_actuator_gripper(int* out, double range[2], const char* name, int joint, const mjModel* m,
                          loomError* err);

#endif
