// Cleaning of source demos: pauses cut, bumps and jitter smoothed, what is left run through again at a pace
// that the joints keep to, checked by replay. The originals stay as they are. Internal.
#ifndef LOOM_GENERATORS_SOURCE_CLEAN_H
#define LOOM_GENERATORS_SOURCE_CLEAN_H

#include "engine/base/api.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// How freely a demo is changed.
typedef struct loomCleanDef {
  double tolerance;  // m hands may leave their recorded way, where nothing is grasped or let go
  double turn;       // rad likewise
  double window;     // s: standard deviation of the smoothing there
  double margin;     // share of the joints' limits, which controllers overshoot
  // Whether a hand comes straight to what it grasps, from before it first bumped into anything, in place of
  // as it did: for grasps in turn, the first, the second, the third as the first, ...
  bool straight[2];
} loomCleanDef;

/// The settings that are tried for a demo of so many grasps, number i of them: false after the last.
bool loom_clean_step(loomCleanDef* out, int i, int grasps);

/// What a demo is like.
typedef struct loomCleanFigures {
  int rows;
  double joint_speed;                   // largest, share of the limits
  double acceleration;                  // largest of an arm's joints between two rows, rad/s^2
  double penetration;                   // deepest contact that a robot presses, m
  char pressed[2 * LOOM_NAME_MAX + 8];  // its two geoms
  int pressed_row;
  bool success;  // at the end
} loomCleanFigures;

/// A demo cleaned in one of the ways: it succeeds when its actions are replayed, and is cut into the same
/// subtasks.
typedef struct loomCleanTry {
  loomCleanDef def;
  loomCleanFigures figures;
  loomReplay replay;
  loomTrace trace;
} loomCleanTry;

/// All that came of it.
typedef struct loomCleaned {
  loomCleanFigures before;
  int tries;           // settings tried
  int n;               // ways that are not beyond limits, or not further than the recorded demo is
  loomCleanTry* made;  // (n) in the order of the settings
  char reason[200];    // none: why
} loomCleaned;

/// Clean a demo of the dataset, which was loaded as by loom_source_load with `given`. scene as in
/// loom_replay_open. What comes of it depends on the demo and the task alone. Free with loom_cleaned_destroy,
/// also after an error.
int loom_clean_demo(loomCleaned* out, loomScene** scene, const loomTask* task, const loomDataset* dataset,
                    const loomReplay* replay, const loomAssetRoots* roots, const loomSegmentFile* given,
                    loomError* err);
void loom_cleaned_destroy(loomCleaned* cleaned);

LOOM_C_END

#endif
