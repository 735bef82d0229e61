#include "generators/attempt/brake.h"

#include <math.h>

#include "engine/run/quality.h"

double loom_brake_scale(double share, double from) {
  if (share <= from) return 1;
  return fmax(0, (1 - share) / (1 - from));
}

double loom_brake(const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;

  // Absolute targets cannot be shortened: they are poses.
  if (!(task->brake > 0) || !(task->limit_joint_speed > 0) || !e->arms[a].control.delta) return 1;

  int fastest = 0;
  return loom_brake_scale(loom_joint_speed_share(&fastest, e, a) / task->limit_joint_speed, task->brake);
}
