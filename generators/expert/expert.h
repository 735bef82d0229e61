// A scripted expert as a policy: it records source demos of tasks nobody has demonstrated yet. Waypoints are
// relative to objects and followed closed-loop; speeds, pauses and goals differ from demo to demo as a
// person's do. Generation never calls it.
//
// As a teacher (`corrective`) it is asked what to do in states that somebody else has brought about: nothing
// varies, goals follow their objects, the command starts at each step from where the arm is, a step is done
// only when the arm is there, and an object that is not in the hand that should hold it sends the arm back to
// the steps before it was grasped.
#ifndef LOOM_GENERATORS_EXPERT_EXPERT_H
#define LOOM_GENERATORS_EXPERT_EXPERT_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "engine/run/policy.h"

LOOM_C_BEGIN

/// One arm on its way through its steps.
typedef struct loomExpertArm {
  int step;
  bool begun, arrived;
  int since;                   // control steps since arrival
  int pause;                   // a person's hesitation before the step, control steps
  int turn;                    // the equivalent goal taken
  int lost;                    // corrective: control steps in a row it has not held what it should
  int stalled;                 // corrective: control steps it did as told and came no nearer to its goal
  double nearest;              // corrective: nearest it came to the goal, m and rad in one
  double jitter[3];            // m
  loomPose frame;              // the goal's frame
  loomPose held;               // T_eef_object when the step began, of a carried object
  loomPose command;            // where the arm is sent now
  double grip;                 // mean of `hand`
  double hand[LOOM_MAX_HAND];  // the gripper's or hand's action
} loomExpertArm;

typedef struct loomExpert {
  uint64_t seed, attempt;
  loomRandom random;
  double pace;  // factor on all speeds of this demo
  int point_id[LOOM_MAX_ARMS][LOOM_MAX_EXPERT];
  loomExpertArm arm[LOOM_MAX_ARMS];
  loomTrace* trace;              // target and gripper action are noted here; may be NULL
  bool corrective;               // set after create
  double said[LOOM_MAX_ACTION];  // the last action, to see whether it was done
  // Of each step: the object that must be in the hand, and where to go back to when it is not; -1 = none.
  int held[LOOM_MAX_ARMS][LOOM_MAX_EXPERT], back[LOOM_MAX_ARMS][LOOM_MAX_EXPERT];
} loomExpert;

/// Bind to an episode's model. LOOM_ERR_USAGE when the task file has no `expert:`.
int loom_expert_create(loomExpert* expert, const loomEpisode* episode, uint64_t seed, uint64_t attempt,
                       loomTrace* trace, loomError* err);
/// The policy; `expert` must outlive it.
loomPolicy loom_expert_policy(loomExpert* expert);
/// Name of the step an arm is at, for messages ("arm 1 at 'insert'").
void loom_expert_where(char* out, size_t n, const loomExpert* expert, const loomTask* task);

LOOM_C_END

#endif
