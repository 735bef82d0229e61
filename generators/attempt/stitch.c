#include "generators/attempt/stitch.h"

#include <math.h>
#include <stdint.h>

// Speed 0 on the way's ends and least jerk between (Flash and Hogan 1985), in the middle 15/8 of the mean
// speed.
static double minimum_jerk(double t) {
  return t * t * t * (10 + t * (6 * t - 15));
}

static const double minimum_jerk_peak = 15.0 / 8;

enum { most_steps = 100000 };  // of a way at next to no speed: longer than any episode

static int at_least(int steps, double wanted) {
  if (wanted <= steps) return steps;
  return wanted < most_steps ? (int)ceil(wanted) : most_steps;
}

// As many as the speed limits ask for, where that is more than the subtask's own.
static int steps_for(const loomSubtaskDef* s, double meters, double radians, double linear, double angular,
                     double freq) {
  double peak = freq * (s->smooth ? minimum_jerk_peak : 1);
  int steps = s->interpolate_steps;
  if (linear > 0) steps = at_least(steps, meters / linear * peak);
  if (angular > 0) steps = at_least(steps, radians / angular * peak);
  return steps;
}

int loom_stitch_steps(const loomSubtaskDef* s, loomPose from, loomPose to, double freq) {
  return steps_for(s, loom_pose_distance(from, to), loom_quat_angle(from.quat, to.quat), s->speed_linear,
                   s->speed_angular, freq);
}

static double share_done(const loomSubtaskDef* s, int step, int steps) {
  double t = (step + 1.0) / steps;
  return s->smooth ? minimum_jerk(t) : t;
}

loomPose loom_stitch_pose(const loomSubtaskDef* s, loomPose from, loomPose to, int step, int steps) {
  return loom_pose_interpolate(from, to, share_done(s, step, steps));
}

// ---- by way of other poses

static const double way_linear = 0.3, way_angular = 1.5;  // m/s, rad/s

// The poses of a way one after the other: the ends are 0 and count + 1.
static loomPose way_point(loomPose from, const loomWay* way, loomPose to, int i) {
  if (i == 0) return from;
  return i <= way->count ? way->at[i - 1] : to;
}

static double careful(double limit, double own) {
  return limit > 0 && limit < own ? limit : own;
}

int loom_stitch_way_steps(const loomSubtaskDef* s, loomPose from, const loomWay* way, loomPose to,
                          double freq) {
  double meters = 0, radians = 0;
  for (int i = 0; i <= way->count; i++) {
    loomPose a = way_point(from, way, to, i), b = way_point(from, way, to, i + 1);
    meters += loom_pose_distance(a, b);
    radians += loom_quat_angle(a.quat, b.quat);
  }
  return steps_for(s, meters, radians, careful(s->speed_linear, way_linear),
                   careful(s->speed_angular, way_angular), freq);
}

// A leg takes as long as its slower part, the hand's way or its turn.
static double leg_time(loomPose a, loomPose b) {
  return fmax(loom_pose_distance(a, b) / way_linear, loom_quat_angle(a.quat, b.quat) / way_angular);
}

loomPose loom_stitch_way_pose(const loomSubtaskDef* s, loomPose from, const loomWay* way, loomPose to,
                              int step, int steps) {
  double all = 0;
  for (int i = 0; i <= way->count; i++)
    all += leg_time(way_point(from, way, to, i), way_point(from, way, to, i + 1));

  // The leg that it is on by now.
  double left = all * share_done(s, step, steps);
  for (int i = 0;; i++) {
    loomPose a = way_point(from, way, to, i), b = way_point(from, way, to, i + 1);
    double leg = leg_time(a, b);
    if (left < leg || i == way->count) return loom_pose_interpolate(a, b, left < leg ? left / leg : 1);
    left -= leg;
  }
}

int loom_stitch_end(int start, int end, int shift, int rows) {
  int64_t shifted = (int64_t)end + shift;

  // One row at least, and none beyond the demo.
  if (shifted <= start) shifted = (int64_t)start + 1;
  return shifted < rows ? (int)shifted : rows;
}

int loom_stitch_length(int rows, double pace) {
  if (rows <= 0 || pace == 1) return rows;

  // The first step at whose end nothing is left.
  return (int)ceil((rows - 1) / pace) + 1;
}

double loom_stitch_row(int step, double pace) {
  return pace == 1 ? step : step * pace;
}
