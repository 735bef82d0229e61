// What a scripted expert does as a teacher once somebody else has acted: it finds its way back, sees whether
// what should be in the hand still is, and goes on where it cannot come nearer. Internal.
#ifndef LOOM_GENERATORS_EXPERT_EXPERT_CORRECT_H
#define LOOM_GENERATORS_EXPERT_EXPERT_CORRECT_H

#include "generators/expert/expert.h"

/// Of each of an arm's steps: the object it must hold, where to go back to when it does not, and whether the
/// step's frame is in that hand. After its points are bound.
void loom_expert_find_holds(loomExpert* x, const loomEpisode* e, int arm);

/// From the first action that is not what it said the expert corrects; until then it does what a demonstrator
/// does.
void loom_expert_watch(loomExpert* x, const loomEpisode* e);

/// An arm that is on the way to its next goal need not go back to where that way begins; one that has left it
/// must.
void loom_expert_find_way(loomExpert* x, const loomEpisode* e, int arm);
/// One control step of the command towards the goal, from where the arm is.
void loom_expert_lead(loomExpert* x, const loomEpisode* e, int arm);

/// Back to before the grasp when the object is not in the hand. False while a grasp has still to come about.
bool loom_expert_holds(loomExpert* x, const loomEpisode* e, int arm);
/// The hand has closed: with what, and where. Noted by demonstrators too, for whoever corrects later.
void loom_expert_note_grasp(loomExpert* x, const loomEpisode* e, int arm);

#endif
