// What the actuators of a model do with what is written to them, against what a robot's file promises:
// torques go to motors only, and a gripper's commands to actuators that have a range. Internal.
#ifndef LOOM_ENGINE_SIM_ACTUATOR_H
#define LOOM_ENGINE_SIM_ACTUATOR_H

#include <mujoco/mujoco.h>

#include "engine/base/error.h"
#include "engine/task/robot.h"

/// LOOM_ERR_FORMAT: joint number `joint` is a ball or free, and no number says where it stands.
int loom_actuator_joint(int joint, const mjModel* m, loomError* err);

/// The motor `name` that turns (or slides) joint number `joint`: its number, and `gear`, the torque in N m
/// (N) that a control of 1 gives. LOOM_ERR_FORMAT names the actuator, what it is and what to write instead,
/// where it is no motor, drives something else, is switched off, or cannot give `torque_limit`, and where
/// another actuator holds the joint.
int loom_actuator_motor(int* out, double* gear, const char* name, int joint, double torque_limit,
                        const mjModel* m, loomError* err);

/// The actuator `name` of a gripper or hand: its number, and the range of its control: its ctrlrange, or for
/// a position servo without one the range of its joint. LOOM_ERR_FORMAT names an actuator that could never
/// move, or that drives another joint than `joint` (one that pulls at a tendon may drive several).
int loom_actuator_gripper(int* out, double range[2], const char* name, int joint, const mjModel* m,
                          loomError* err);

#endif
