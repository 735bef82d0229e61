// How well-behaved an episode is, beyond succeeding: nothing pressed deep into anything, actions inside their
// range, no joint faster than it can.
#ifndef LOOM_ENGINE_RUN_QUALITY_H
#define LOOM_ENGINE_RUN_QUALITY_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

/// What a well-behaved demo keeps to; 0 = no limit. A task's attempts are lost beyond its own.
#define LOOM_PENETRATION_LIMIT 0.005  // m
#define LOOM_JOINT_SPEED_LIMIT 1.0    // share of the joint's limit

/// The worst an episode has shown so far. Zero to begin with.
typedef struct loomQuality {
  // Deepest contact that a robot presses, itself or through what it touches, at a control step once objects
  // have settled, m.
  double penetration;
  char penetrating[2 * LOOM_NAME_MAX + 8];  // its two geoms
  int contact[2];                           // and their numbers in the model
  double action_size;                       // largest action entry as a share of its limit
  double joint_speed;  // largest arm joint speed as a share of its limit; 0 where limits are not known
  char fastest[LOOM_NAME_MAX];     // that joint
  int fastest_arm, fastest_joint;  // the arm it is of, and its number in the model
} loomQuality;

/// A limit of the task's.
typedef enum loomLimit {
  LOOM_LIMIT_NONE,
  LOOM_LIMIT_PENETRATION,
  LOOM_LIMIT_JOINT_SPEED,
  LOOM_LIMITS
} loomLimit;
/// As `limits:` has them: "penetration", "joint_speed"; "none".
const char* loom_limit_name(loomLimit limit);

/// Take in the episode as it stands at this control step.
void loom_quality_state(loomQuality* quality, const loomEpisode* episode);
/// Take in the action (A) about to be taken.
void loom_quality_action(loomQuality* quality, const loomEpisode* episode, const double* action);
/// Is it what is expected of a demo?
bool loom_quality_good(const loomQuality* quality);
/// The limit of the task that it is beyond; then `reason` (size) says by how much.
loomLimit loom_quality_beyond(const loomQuality* quality, const loomTask* task, char* reason, size_t size);

LOOM_C_END

#endif
