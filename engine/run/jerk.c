#include "engine/run/jerk.h"

#include <math.h>
#include <string.h>

void loom_jerk_add(loomJerk* jerk, const double* position, int arms, double step) {
  double cube = step * step * step;

  for (int a = 0; jerk->rows >= 3 && a < arms; a++) {
    double square = 0;
    for (int i = 0; i < 3; i++) {
      double x0 = jerk->latest[0][a][i], x1 = jerk->latest[1][a][i], x2 = jerk->latest[2][a][i];
      double j = (position[3 * a + i] - 3 * x2 + 3 * x1 - x0) / cube;
      square += j * j;
    }
    jerk->sum += square;
    jerk->n++;
  }

  // The oldest one goes.
  memmove(jerk->latest[0], jerk->latest[1], 2 * sizeof *jerk->latest);
  memcpy(jerk->latest[2], position, (size_t)arms * sizeof *jerk->latest[2]);
  jerk->rows++;
}

void loom_jerk_state(loomJerk* jerk, const loomEpisode* e) {
  double position[3 * LOOM_MAX_ARMS];
  for (int a = 0; a < e->arm_count; a++) {
    loomPose pose = loom_episode_eef(e, a);
    memcpy(position + 3 * (ptrdiff_t)a, pose.pos, sizeof pose.pos);
  }
  loom_jerk_add(jerk, position, e->arm_count, 1.0 / e->scene->task->control_freq);
}

double loom_jerk_mean(const loomJerk* jerk) {
  return jerk->n ? jerk->sum / (double)jerk->n : NAN;
}
