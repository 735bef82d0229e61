// Rigid poses. A loomPose named a_b is T_a_b: the pose of frame b in frame a. Quaternions are w-x-y-z, as
// MuJoCo's.
#ifndef LOOM_ENGINE_BASE_POSE_H
#define LOOM_ENGINE_BASE_POSE_H

#include "engine/base/api.h"

LOOM_C_BEGIN

typedef struct loomPose {
  double pos[3];   // m
  double quat[4];  // w-x-y-z, unit
} loomPose;

loomPose loom_pose_identity(void);
/// From a position and a row-major rotation matrix (3 x 3), as mjData keeps site and geom frames.
loomPose loom_pose_from_mat(const double pos[3], const double mat[9]);
loomPose loom_pose_from_quat(const double pos[3], const double quat[4]);
/// T_a_c = T_a_b * T_b_c.
loomPose loom_pose_mul(loomPose a_b, loomPose b_c);
loomPose loom_pose_inverse(loomPose a_b);
/// The pose at t in [0, 1] on the way: position linear, rotation slerp along the shorter arc.
loomPose loom_pose_interpolate(loomPose from, loomPose to, double t);
/// Axis-angle vector (rad) of a rotation, its length in [0, pi], and back.
void loom_quat_log(double axis_angle[3], const double quat[4]);
void loom_quat_exp(double quat[4], const double axis_angle[3]);
/// Roll, pitch, yaw (rad) about the fixed x, then y, then z axis, as URDF and robosuite have them.
void loom_quat_from_rpy(double quat[4], const double rpy[3]);
/// out = a * b; out may be a or b.
void loom_quat_mul(double out[4], const double a[4], const double b[4]);
void loom_quat_rotate(double out[3], const double quat[4], const double v[3]);
/// Angle of the rotation between two orientations, rad in [0, pi].
double loom_quat_angle(const double a[4], const double b[4]);
double loom_pose_distance(loomPose a, loomPose b);
/// The part of a rotation about the world's z axis (swing-twist), rad in (-pi, pi].
double loom_quat_yaw(const double quat[4]);
/// Row-major (4 x 4) homogeneous matrix, and back.
void loom_pose_to_matrix(double out[16], loomPose pose);
loomPose loom_pose_from_matrix(const double matrix[16]);

LOOM_C_END

#endif
