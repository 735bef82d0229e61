#include "engine/base/pose.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <string.h>

loomPose loom_pose_identity(void) {
  return (loomPose){{0, 0, 0}, {1, 0, 0, 0}};
}

loomPose loom_pose_from_mat(const double pos[3], const double mat[9]) {
  loomPose p;
  memcpy(p.pos, pos, sizeof p.pos);

  mju_mat2Quat(p.quat, mat);
  return p;
}

loomPose loom_pose_from_quat(const double pos[3], const double quat[4]) {
  loomPose p;
  memcpy(p.pos, pos, sizeof p.pos);
  memcpy(p.quat, quat, sizeof p.quat);

  // What comes from files need not be unit.
  mju_normalize4(p.quat);
  return p;
}

loomPose loom_pose_mul(loomPose a_b, loomPose b_c) {
  loomPose out;
  mju_mulPose(out.pos, out.quat, a_b.pos, a_b.quat, b_c.pos, b_c.quat);

  // Rounding takes products off the unit sphere; each is put back.
  mju_normalize4(out.quat);
  return out;
}

loomPose loom_pose_inverse(loomPose a_b) {
  loomPose out;
  mju_negPose(out.pos, out.quat, a_b.pos, a_b.quat);
  return out;
}

void loom_quat_mul(double out[4], const double a[4], const double b[4]) {
  mju_mulQuat(out, a, b);
}

void loom_quat_rotate(double out[3], const double quat[4], const double v[3]) {
  mju_rotVecQuat(out, v, quat);
}

void loom_quat_log(double axis_angle[3], const double quat[4]) {
  // q and -q are one rotation: the one whose w is not negative turns by at most pi.
  double sign = quat[0] < 0 ? -1 : 1;

  // angle = 2 atan2(|xyz|, w), exact near 0 where 2 acos(w) is not; xyz / |xyz| is the axis.
  double sine = sqrt(quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3]);
  double angle = 2 * atan2(sine, sign * quat[0]);

  // Near the identity angle / |xyz| tends to 2.
  double scale = sine > 1e-12 ? sign * angle / sine : 2 * sign;
  for (int i = 0; i < 3; i++) axis_angle[i] = scale * quat[i + 1];
}

void loom_quat_exp(double quat[4], const double axis_angle[3]) {
  double angle =
      sqrt(axis_angle[0] * axis_angle[0] + axis_angle[1] * axis_angle[1] + axis_angle[2] * axis_angle[2]);

  // xyz = axis sin(angle / 2); sin(angle / 2) / angle tends to 1/2.
  double scale = angle > 1e-12 ? sin(angle / 2) / angle : 0.5;

  quat[0] = cos(angle / 2);
  for (int i = 0; i < 3; i++) quat[i + 1] = scale * axis_angle[i];
}

static void quat_difference(double axis_angle[3], const double from[4], const double to[4]) {
  // The turn in the world's frame: to * from^-1.
  double inverse[4] = {from[0], -from[1], -from[2], -from[3]}, delta[4];
  mju_mulQuat(delta, to, inverse);

  loom_quat_log(axis_angle, delta);
}

double loom_quat_angle(const double a[4], const double b[4]) {
  double v[3];
  quat_difference(v, a, b);

  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

double loom_pose_distance(loomPose a, loomPose b) {
  double d[3] = {a.pos[0] - b.pos[0], a.pos[1] - b.pos[1], a.pos[2] - b.pos[2]};

  return sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

loomPose loom_pose_interpolate(loomPose from, loomPose to, double t) {
  loomPose out;
  double turn[3], step[4];

  // Slerp: t of the whole turn, about the same axis; the position goes in a straight line.
  quat_difference(turn, from.quat, to.quat);
  for (int i = 0; i < 3; i++) {
    out.pos[i] = from.pos[i] + t * (to.pos[i] - from.pos[i]);
    turn[i] *= t;
  }

  loom_quat_exp(step, turn);
  mju_mulQuat(out.quat, step, from.quat);
  mju_normalize4(out.quat);

  return out;
}

double loom_quat_yaw(const double quat[4]) {
  // Of a swing-twist decomposition only w and z say how far the twist about z goes.
  double yaw = 2 * atan2(quat[3], quat[0]);

  // That is in [-2 pi, 2 pi]: brought into (-pi, pi].
  if (yaw > mjPI) yaw -= 2 * mjPI;
  if (yaw <= -mjPI) yaw += 2 * mjPI;

  return yaw;
}

void loom_pose_to_matrix(double out[16], loomPose pose) {
  double mat[9];
  mju_quat2Mat(mat, pose.quat);

  // [R p; 0 1], row by row.
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) out[4 * i + j] = mat[3 * i + j];
    out[4 * i + 3] = pose.pos[i];
    out[12 + i] = 0;
  }

  out[15] = 1;
}

void loom_quat_from_rpy(double quat[4], const double rpy[3]) {
  double x[3] = {rpy[0], 0, 0}, y[3] = {0, rpy[1], 0}, z[3] = {0, 0, rpy[2]}, turn[4];

  // About fixed axes: R = Rz(yaw) Ry(pitch) Rx(roll).
  loom_quat_exp(quat, z);
  loom_quat_exp(turn, y);
  loom_quat_mul(quat, quat, turn);
  loom_quat_exp(turn, x);
  loom_quat_mul(quat, quat, turn);
}

loomPose loom_pose_from_matrix(const double m[16]) {
  const double pos[3] = {m[3], m[7], m[11]}, mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]};

  return loom_pose_from_mat(pos, mat);
}
