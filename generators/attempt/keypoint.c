#include "generators/attempt/keypoint.h"

#include <math.h>
#include <string.h>

#include "engine/base/expr.h"
#include "generators/source/mirror.h"

// ---- fit

// The unit eigenvector of the largest eigenvalue of a symmetric matrix (4 x 4), which is lost: Jacobi's
// rotations.
static void largest_eigenvector(double out[4], double a[4][4]) {
  enum { SWEEPS = 30 };  // far more than four columns take
  double v[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
  for (int i = 0; i < SWEEPS * 6; i++) {
    static const int pair[6][2] = {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}};
    int p = pair[i % 6][0], q = pair[i % 6][1];
    if (a[p][q] == 0) continue;

    // The rotation that makes a[p][q] zero.
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < 4; k++) {
      double x = a[k][p], y = a[k][q];
      a[k][p] = c * x - s * y;
      a[k][q] = s * x + c * y;
    }
    for (int k = 0; k < 4; k++) {
      double x = a[p][k], y = a[q][k], vx = v[k][p], vy = v[k][q];
      a[p][k] = c * x - s * y;
      a[q][k] = s * x + c * y;
      v[k][p] = c * vx - s * vy;
      v[k][q] = s * vx + c * vy;
    }
  }

  int best = 0;
  for (int i = 1; i < 4; i++)
    if (a[i][i] > a[best][best]) best = i;
  for (int k = 0; k < 4; k++) out[k] = v[0][best] < 0 ? -v[k][best] : v[k][best];
}

static void mean_of(double mean[3], const double* x, int n) {
  for (int c = 0; c < 3; c++) {
    mean[c] = 0;
    for (int i = 0; i < n; i++) mean[c] += x[3 * i + c] / n;
  }
}

loomPose loom_keypoint_fit(const double* to, const double* from, int n) {
  loomPose out = loom_pose_identity();
  double a[3], b[3], m[3][3] = {{0}}, size = 0;
  if (n < 1) return out;
  mean_of(a, from, n);
  mean_of(b, to, n);

  // Sums of products about the means.
  for (int i = 0; i < n; i++)
    for (int r = 0; r < 3; r++)
      for (int c = 0; c < 3; c++) m[r][c] += (from[3 * i + r] - a[r]) * (to[3 * i + c] - b[c]);
  for (int k = 0; k < 9; k++) size = fmax(size, fabs(m[k / 3][k % 3]));

  // A little of "as it was" settles what points in a line, or one alone, leave open.
  for (int c = 0; c < 3; c++) m[c][c] += size > 0 ? 1e-9 * size : 1;

  // Horn, "Closed-form solution of absolute orientation using unit quaternions", section 4.
  double h[4][4] = {{m[0][0] + m[1][1] + m[2][2], m[1][2] - m[2][1], m[2][0] - m[0][2], m[0][1] - m[1][0]},
                    {m[1][2] - m[2][1], m[0][0] - m[1][1] - m[2][2], m[0][1] + m[1][0], m[2][0] + m[0][2]},
                    {m[2][0] - m[0][2], m[0][1] + m[1][0], m[1][1] - m[0][0] - m[2][2], m[1][2] + m[2][1]},
                    {m[0][1] - m[1][0], m[2][0] + m[0][2], m[1][2] + m[2][1], m[2][2] - m[0][0] - m[1][1]}};
  largest_eigenvector(out.quat, h);

  double turned[3];
  loom_quat_rotate(turned, out.quat, a);
  for (int c = 0; c < 3; c++) out.pos[c] = b[c] - turned[c];
  return out;
}

// ---- an object's points

// False where they cannot be told.
static bool points_of(double (*out)[3], const loomObjectDef* o, const double* variables, const int* keypoints,
                      int count) {
  const char* names[LOOM_MAX_VARIABLES];
  double values[LOOM_MAX_VARIABLES];
  int n = 0;
  for (int v = 0; v < o->variable_count; v++) {
    if (!isfinite(variables[v])) continue;
    names[n] = o->variables[v].name;
    values[n++] = variables[v];
  }

  for (int i = 0; i < count; i++)
    for (int c = 0; c < 3; c++)
      if (loom_expr_eval(&out[i][c], o->keypoints[keypoints[i]].at[c], names, values, n, NULL)) return false;
  return true;
}

loomPose loom_keypoint_reshape(const loomTask* task, const loomReplay* source, const double* now, int object,
                               const int* keypoints, int count) {
  const loomObjectDef* o = &task->objects[object];
  double to[LOOM_MAX_KEYPOINTS][3], from[LOOM_MAX_KEYPOINTS][3];
  if (count < 1 || !points_of(to, o, now, keypoints, count) ||
      !points_of(from, o, source->variables[object], keypoints, count))
    return loom_pose_identity();

  // A mirrored motion is about the mirrored points, which move as these do, mirrored.
  loomPose out = loom_keypoint_fit(to[0], from[0], count);
  const double none[3] = {0, 0, 0}, *own = task->mirror.object[object];
  return source->mirrored ? loom_mirror_pose(out, own, none, own) : out;
}
