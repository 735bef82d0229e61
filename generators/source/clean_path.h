// The way that a cleaned demo takes: from the rows of a recorded one to targets of the same hands, one a
// control step. Internal.
#ifndef LOOM_GENERATORS_SOURCE_CLEAN_PATH_H
#define LOOM_GENERATORS_SOURCE_CLEAN_PATH_H

#include "engine/base/heap.h"
#include "generators/source/clean.h"
#include "generators/source/clean_approach.h"

/// A recorded demo, looked at.
typedef struct loomCleanInput {
  const loomReplay* replay;
  int joints;     // of all arms, one after the other
  double* q;      // (rows x joints) rad
  bool* bump;     // (rows x arms) the arm presses on something that it does not hold
  double* press;  // (rows x arms) how deep it presses along its hand's z axis, m
  double* slack;  // (rows) as in smooth.h
  int event_count, grasp_count;
  loomEvent* event;       // (event_count), malloc'ed
  loomCleanGrasp* grasp;  // (grasp_count)
} loomCleanInput;

/// What the hands are to do, control step by control step.
typedef struct loomCleanPath {
  const loomCleanDef* def;  // that it was made by
  int steps;
  loomPose* target[LOOM_MAX_ARMS];  // (steps) world frame
  double* hand[LOOM_MAX_ARMS];      // (steps x LOOM_MAX_HAND)
  loomPose* pose[LOOM_MAX_ARMS];    // (steps) where the hand is to be then
  double* row;                      // (steps) of the recorded demo
} loomCleanPath;

/// Look at a demo by state: the figures and the input, which takes its arrays from the heap.
int loom_clean_look(loomCleanInput* out, loomCleanFigures* figures, loomHeap* heap, loomEpisode* episode,
                    const loomReplay* replay, const loomDemo* demo, loomError* err);
/// Only the figures, of any demo of this episode's model.
int loom_clean_measure(loomCleanFigures* figures, loomEpisode* episode, const loomDemo* demo, loomError* err);

int loom_clean_path(loomCleanPath* out, loomHeap* heap, loomEpisode* episode, const loomCleanInput* in,
                    const loomDemo* demo, const loomCleanDef* def, loomError* err);

#endif
