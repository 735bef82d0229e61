// An arm that has lost its way, or what it held: where its plan goes on from the state as it is. Attempts
// that recover (recover.h) and the generator as an expert (expert/guide.h) ask it. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_REGAIN_H
#define LOOM_GENERATORS_ATTEMPT_REGAIN_H

#include "generators/attempt/plan.h"

/// What the fingers should have at the arm's row and have not (1), or have and should not (-1).
int loom_grasp_differs(const loomPlan* plan, int arm);
/// Back to the latest subtask in whose segment the gripper closes; a partner waits before its own again.
void loom_grasp_again(loomPlan* plan, int arm);
/// Open the hand, go back a little of the way on which it came, and grasp again what it grasps in its
/// subtask; a partner waits where it is or goes back with it. False where it has done so as often as the
/// task says (`retries`), or nothing is grasped in it.
bool loom_grasp_retry(loomPlan* plan, int arm);
/// All arms go on from where they and the objects are now, whatever has moved them: to the row of their
/// segment from which it is as far along it to where they were as they are off it; those that lost what they
/// held to where they grasp it.
void loom_regain(loomPlan* plan);

#endif
