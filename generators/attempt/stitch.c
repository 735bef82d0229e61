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

int loom_stitch_steps(const loomSubtaskDef* s, loomPose from, loomPose to, double freq) {
  double peak = freq * (s->smooth ? minimum_jerk_peak : 1);
  int steps = s->interpolate_steps;

  // As many as the speed limits ask for, where that is more.
  if (s->speed_linear > 0) steps = at_least(steps, loom_pose_distance(from, to) / s->speed_linear * peak);
  if (s->speed_angular > 0)
    steps = at_least(steps, loom_quat_angle(from.quat, to.quat) / s->speed_angular * peak);

  return steps;
}

loomPose loom_stitch_pose(const loomSubtaskDef* s, loomPose from, loomPose to, int step, int steps) {
  double t = (step + 1.0) / steps;
  return loom_pose_interpolate(from, to, s->smooth ? minimum_jerk(t) : t);
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
