// Which rows of a source demo must stay as they are, and smoothing of the others: pure functions of a
// replayed demo. Internal.
#ifndef LOOM_GENERATORS_SOURCE_SMOOTH_H
#define LOOM_GENERATORS_SOURCE_SMOOTH_H

#include "generators/source/event.h"

/// slack (rows): how freely each row may be changed, from 0, not at all, to 1. 0 where a hand closes to grasp
/// or opens to let go, where two hands hold an object, where an object goes somewhere else without being
/// held, and at both ends; from there it rises within a second. What is only bumped, and lies where it lay,
/// does not count.
void loom_smooth_slack(double* slack, const loomReplay* replay, const loomTask* task, const loomEvent* event,
                       int n);

/// Rows at which the arm's hand closes although it grasps nothing before it opens again: closed (rows) is
/// true there.
void loom_smooth_vain(bool* vain, const loomReplay* replay, int arm, const loomEvent* event, int n);

/// out (rows x columns) = x averaged over rows with Gaussian weights of standard deviation slack[i] * sigma
/// rows about row i. Rows without slack stay to the bit. The angles of x must not jump by full turns.
void loom_smooth_rows(double* out, const double* x, int rows, int columns, const double* slack, double sigma);

/// Pull share (rows, 0 to 1) down to what its neighbors within `reach` rows have at least, and even it out
/// without going above that: what is mixed by it neither jumps nor exceeds what each row allowed. scratch
/// (rows).
void loom_smooth_share(double* share, double* scratch, int rows, int reach);

#endif
