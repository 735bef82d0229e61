#include "engine/sim/brake.h"

#include <math.h>

double loom_brake_scale(double share, double from) {
  if (share <= from) return 1;
  return fmax(0, (1 - share) / (1 - from));
}

bool loom_brakes(double* scale, const loomEpisode* e) {
  const loomTask* task = e->scene->task;
  bool any = false;

  for (int a = 0; a < e->arm_count; a++) {
    scale[a] = 1;

    // Absolute targets cannot be shortened: they are poses.
    if (!(task->brake > 0) || !(task->limit_joint_speed > 0) || !e->arms[a].control.delta) continue;

    int fastest = 0;
    scale[a] = loom_brake_scale(loom_arm_speed_share(&fastest, &e->arms[a], e->d) / task->limit_joint_speed,
                                task->brake);
    any = any || scale[a] < 1;
  }
  return any;
}
