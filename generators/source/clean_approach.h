// How a hand comes to what it grasps: straight along its own z axis in a cleaned demo, in place of how it
// felt its way there. Internal.
#ifndef LOOM_GENERATORS_SOURCE_CLEAN_APPROACH_H
#define LOOM_GENERATORS_SOURCE_CLEAN_APPROACH_H

#include "generators/source/event.h"

/// A grasp and the rows about it.
typedef struct loomCleanGrasp {
  int arm, object;
  int begin;  // row at which the hand leaves its recorded way: before it first bumped into anything
  int start;  // of the straight approach
  int close;  // the hand's command
  int hold;   // all fingers touch
  double shift
      [3];  // m in the hand's frame: to have the object in the middle between the fingers, and back by what palm
            // or fingertips pressed on something
} loomCleanGrasp;

/// The grasps among n events of a replayed demo, in their order; grasp has room for n. bump (rows x arms):
/// the arm presses on what it does not hold; press (rows x arms): how deep something is pressed along the
/// hand's z axis, m.
int loom_clean_grasps(loomCleanGrasp* grasp, const loomReplay* replay, const loomTask* task,
                      const loomEvent* event, int n, const bool* bump, const double* press);

/// Where the hand is to be at a row from `start` on to `hold`: where it will hold the object, drawn back
/// along its z axis, less and less until it closes.
loomPose loom_clean_approach(const loomCleanGrasp* grasp, const loomReplay* replay, int row);

#endif
