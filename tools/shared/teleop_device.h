// What keys, a gamepad or a 3-D mouse mean to a teleoperated arm: pure functions of the device's state.
#ifndef LOOM_TOOLS_SHARED_TELEOP_DEVICE_H
#define LOOM_TOOLS_SHARED_TELEOP_DEVICE_H

#include "engine/run/teleop.h"

/// Speeds at factor 1.
#define TELEOP_MOVE_SPEED 0.2  // m/s
#define TELEOP_TURN_SPEED 1.0  // rad/s

/// Move and turn of one control step of `dt` s from the keys held (by upper-case letter), as robosuite's
/// keyboard: W S A D in the plane, R F up and down, Z X, T G, C V about the three axes. In the world frame
/// forward is away from a camera at `azimuth` (degrees, mjvCamera's); in the others W is along x.
void teleop_keys(loomTeleopArm* out, const bool held[128], double azimuth, double dt);

/// The same from a device's axes, -1 .. 1, forward, left and up positive: three to move, three to turn.
/// Within a dead zone of 0.12 nothing happens; beyond it speed grows with the cube.
void teleop_axes(loomTeleopArm* out, const double axis[6], double azimuth, double dt);

/// A gamepad's sticks and triggers as GLFW orders them (left x y, right x y, left and right
/// trigger), to axes.
void teleop_gamepad(double axis[6], const float stick[6]);
/// A SpaceMouse-like joystick's axes (x right, y back, z down, pitch, roll, yaw), to axes.
void teleop_spacemouse(double axis[6], const float* raw, int n);

#endif
