// How much noise a policy that acts well already bears while it explores: as much as leaves it a share of
// the successes that it has without. What that is differs by a hundred from policy to policy: a tenth of the
// actions' range is little where actions are moves, and ruins every episode where they are places. Internal.
#ifndef LOOM_POLICIES_LEARN_EXPLORING_H
#define LOOM_POLICIES_LEARN_EXPLORING_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/run/vector.h"

LOOM_C_BEGIN

/// Part of checkpoints: numbers alone.
typedef struct loomExploring {
  double factor;               // of the deviations that settings say, in (0, 1]
  double wanted;               // share of episodes that are to succeed; NAN = not known, the factor stays
  double episodes, successes;  // of those that began since the factor is what it is
} loomExploring;

enum { LOOM_EXPLORING_NUMBERS = sizeof(loomExploring) / sizeof(double) };

/// Begin with a quarter of the deviations: what is ruined at first teaches nothing.
loomExploring loom_exploring_begin(void);
/// An episode that began since has ended.
void loom_exploring_take(loomExploring* e, bool success);
/// Those that ended in the vector's last step, of which count those that began where policies are compared
/// and whose number is from[i] or more: with the present noise alone.
void loom_exploring_follow(loomExploring* e, const double* from, const loomVector* v);
/// Halve the factor where fewer succeed than are wanted, raise it by half where more do, once the 95 %
/// interval of what was taken leaves no doubt (Wilson's). True: it has changed, and that is forgotten.
bool loom_exploring_move(loomExploring* e);
/// from (n) after such a change: episodes that are under way do not tell of the new noise.
void loom_exploring_restart(double* from, const loomVector* v);

LOOM_C_END

#endif
