// How jerkily the hands move: the mean squared jerk of the end effectors' positions, the third derivative by
// time, whose integral people's reaches make least (Flash and Hogan, "The coordination of arm movements",
// 1985). It tells a policy that trembles or pushes from one that succeeds as calmly.
#ifndef LOOM_ENGINE_RUN_JERK_H
#define LOOM_ENGINE_RUN_JERK_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

/// Of the positions so far. Zero to begin with.
typedef struct loomJerk {
  int rows;                            // control steps whose positions were taken in
  double latest[3][LOOM_MAX_ARMS][3];  // (3 x arms x 3) the last ones, the oldest first, m
  double sum;                          // of squared jerks, m^2/s^6
  int64_t n;                           // how many these are: one an arm and control step, from the fourth on
} loomJerk;

/// Take in where the end effectors (arms x 3) are one control step of `step` s later; by third differences of
/// four positions in a row, which are exact for polynomials of time up to the third power.
void loom_jerk_add(loomJerk* jerk, const double* position, int arms, double step);
/// The same of an episode as it stands.
void loom_jerk_state(loomJerk* jerk, const loomEpisode* episode);
/// Mean over arms and control steps, m^2/s^6; NAN with fewer than four positions.
double loom_jerk_mean(const loomJerk* jerk);

LOOM_C_END

#endif
