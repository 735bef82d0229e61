#include "generators/attempt/keypoint.h"

#include <math.h>
#include <mujoco/mujoco.h>

#include "engine/base/expr.h"
#include "generators/source/mirror.h"

// ---- fit

static void mean_of(double mean[3], const double* x, int n) {
  for (int c = 0; c < 3; c++) {
    mean[c] = 0;
    for (int i = 0; i < n; i++) mean[c] += x[3 * i + c] / n;
  }
}

enum { MOST_CALLS = 100 };

loomPose loom_keypoint_fit(const double* to, const double* from, int n) {
  loomPose out = loom_pose_identity();
  double a[3], b[3], m[9] = {0};
  if (n < 1) return out;
  mean_of(a, from, n);
  mean_of(b, to, n);

  // Sums of products about the means.
  for (int i = 0; i < n; i++)
    for (int r = 0; r < 3; r++)
      for (int c = 0; c < 3; c++) m[3 * r + c] += (to[3 * i + r] - b[r]) * (from[3 * i + c] - a[c]);

  // The turn nearest to these (Müller et al., "A robust method to extract the rotational part of
  // deformations", 2016), sought from no turn: what points in a line, or one alone, leave open stays as it
  // was. A call ends after 500 rounds, which points nearly in a line may need more of.
  for (int i = 0; i < MOST_CALLS && mju_mat2Rot(out.quat, m) > 0; i++) continue;

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

void loom_keypoint_bring_between(double shift[3], const double at[3], const loomTask* task,
                                 const loomReplay* source, const double* now, int object, const int pair[2]) {
  double end[2][3], line[3], from[3];
  mju_zero3(shift);
  if (!points_of(end, &task->objects[object], now, pair, 2)) return;
  const double* own = task->mirror.object[object];
  for (int i = 0; i < 2 && source->mirrored; i++) mju_addToScl3(end[i], own, -2 * mju_dot3(end[i], own));

  mju_sub3(line, end[1], end[0]);
  mju_sub3(from, at, end[0]);
  double length = mju_normalize3(line), along = mju_dot3(from, line);
  if (length < mjMINVAL) return;
  mju_scl3(shift, line, mju_clip(along, 0, length) - along);
}
