// When a path of joints is where: as fast as the joints' limits of speed and acceleration and a pace allow.
// Internal.
#ifndef LOOM_GENERATORS_SOURCE_RETIME_H
#define LOOM_GENERATORS_SOURCE_RETIME_H

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

typedef struct loomRetimeDef {
  int joints;                  // n
  const double* velocity;      // (n) rad/s; 0 = no limit
  const double* acceleration;  // (n) rad/s^2; 0 = no limit
} loomRetimeDef;

/// time (points): when the path is at each of its points, s; 0 at the first, growing, at rest there and at
/// the last. rate (points): how fast it goes through them then, points/s. q (points x joints) are the joints
/// there, and cap (points) the highest rate allowed, > 0. At least 3 points.
///
/// Time-optimal by reachability analysis, "TOPP-RA" (H. Pham and Q.-C. Pham, "A new approach to time-optimal
/// path parameterization based on reachability analysis", IEEE T-RO 2018, sections III and IV): with x the
/// squared rate and u its acceleration, limits are linear in (u, x) at each point. Backwards, the
/// controllable sets; forwards, the greediest u that stays in them. LOOM_ERR_USAGE for a cap that is not
/// positive, LOOM_ERR_MEMORY.
int loom_retime(double* time, double* rate, const double* q, const double* cap, int points,
                const loomRetimeDef* def, loomError* err);

LOOM_C_END

#endif
