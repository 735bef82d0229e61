#include "engine/base/rotation.h"

#include <math.h>

#include "engine/base/pose.h"

static const double tiny = 1e-9;

static double dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

// To length 1; false, and left alone, when it has none.
static int normalize(double v[3]) {
  double length = sqrt(dot(v, v));
  if (!(length > tiny)) return 0;

  for (int i = 0; i < 3; i++) v[i] /= length;
  return 1;
}

static void remove_part_along(double v[3], const double unit[3]) {
  double along = dot(v, unit);

  for (int i = 0; i < 3; i++) v[i] -= along * unit[i];
}

void loom_rotation_columns(double out[6], const double quat[4]) {
  const double x[3] = {1, 0, 0}, y[3] = {0, 1, 0};

  // The first two columns of R are where it takes the x and y axes.
  loom_quat_rotate(out, quat, x);
  loom_quat_rotate(out + 3, quat, y);
}

void loom_rotation_6d(double out[6], const double axis_angle[3]) {
  double quat[4];
  loom_quat_exp(quat, axis_angle);

  loom_rotation_columns(out, quat);
}

void loom_rotation_axis_angle(double axis_angle[3], const double columns[6]) {
  double x[3] = {columns[0], columns[1], columns[2]}, y[3] = {columns[3], columns[4], columns[5]};

  // The first column gives the x axis; one of length 0 the world's.
  if (!normalize(x)) {
    x[0] = 1;
    x[1] = x[2] = 0;
  }

  // The second, without its part along x, gives y. Where nothing is left, a world axis stands in: y, z or x.
  remove_part_along(y, x);
  for (int axis = 1; !normalize(y); axis++) {
    for (int i = 0; i < 3; i++) y[i] = i == axis % 3;
    remove_part_along(y, x);
  }

  // z makes it a right-handed frame.
  double z[3] = {x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]};
  const double nowhere[3] = {0, 0, 0}, mat[9] = {x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]};

  loom_quat_log(axis_angle, loom_pose_from_mat(nowhere, mat).quat);
}
