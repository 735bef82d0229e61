// A scripted expert as a policy: it records source demos of tasks nobody has demonstrated yet. Waypoints are
// relative to objects and followed closed-loop; speeds, pauses and goals differ from demo to demo as a
// person's do. Generation never calls it.
//
// As a teacher (`corrective`) it is asked what to do in states that somebody else has brought about. As long
// as what it says is what is done it is the demonstrator of the same seed and number, step for step, and
// succeeds where that does. From the first action that is somebody else's on it corrects: nothing varies,
// goals follow their objects, the command starts at each step from where the arm is, and an object that is no
// longer in the hand that closed on it sends the arm back to the steps before it was grasped. What an arm
// that does as told cannot reach, or a grasp with fewer fingers than the hand has, it takes as it is, as the
// demonstrator does.
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
  double short_of;             // how far from the goal it had to stay when it arrived, m and rad in one
  int missed;                  // the step whose goal it stayed furthest from, for messages; and:
  double missed_by;            // how far, m; 0: none
  int limit;                   // the joint that was at its limit then; -1: none
  unsigned grasp;              // fingers that touched the object when the hand had closed
  loomPose part;               // T_object_eef then
  int lost;                    // correcting: control steps in a row it has not held what it should
  int tries;                   // correcting: times the hand closed on nothing
  int stalled;                 // correcting: control steps it did as told and came no nearer to its goal
  int push;                    // correcting: and those since the step began
  double nearest;              // correcting: nearest it came to the goal, m and rad in one
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
  bool corrective;               // a teacher; set after create
  bool corrects;                 // somebody else has acted
  double said[LOOM_MAX_ACTION];  // the last action, to see whether it was done
  // Of each step: the object that must be in the hand, and where to go back to when it is not; -1 = none.
  int held[LOOM_MAX_ARMS][LOOM_MAX_EXPERT], back[LOOM_MAX_ARMS][LOOM_MAX_EXPERT];
  bool in_hand[LOOM_MAX_ARMS][LOOM_MAX_EXPERT];  // and whether its frame is what the hand carries
} loomExpert;

/// Bind to an episode's model. LOOM_ERR_USAGE when the task file has no `expert:`.
int loom_expert_create(loomExpert* expert, const loomEpisode* episode, uint64_t seed, uint64_t attempt,
                       loomTrace* trace, loomError* err);
/// The policy; `expert` must outlive it.
loomPolicy loom_expert_policy(loomExpert* expert);
/// The step an arm is at, and the goal that it stayed furthest from, for messages ("arm 1 at step insert,
/// 61 mm short of step 3, joint 4 at its limit").
void loom_expert_where(char* out, size_t n, const loomExpert* expert, const loomTask* task);

LOOM_C_END

#endif
