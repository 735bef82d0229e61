// What the runs of a grid came to, as their folders say.
#ifndef LOOM_TOOLS_COMMAND_GRID_RESULTS_H
#define LOOM_TOOLS_COMMAND_GRID_RESULTS_H

#include "policies/agent/tested.h"
#include "tools/command/grid.h"
#include "tools/shared/cells.h"

// How some starts went; n 0: not told.
typedef struct gridRate {
  int64_t n, success, within_limits;  // within_limits -1: not told
  int64_t breaches[LOOM_LIMITS];      // episodes by limit, [LOOM_LIMIT_NONE] = of any; -1 likewise
  double jerk;                        // mean squared, m^2/s^6; NAN likewise
} gridRate;

typedef struct gridResult {
  toolCellState state;
  char why[400];                       // it failed, or cannot be run
  gridRate before, after;              // of the policy that it began with, and of the one that it made
  int64_t paired, both, gained, lost;  // starts that both were tried on, and of these: both succeed, only the
                                       // one after, only the one before; paired 0: not told
  double value;                        // return without noise; NAN = not told
  double steps, core_seconds;          // NAN likewise
  double reached;                      // steps to the report's `reach`; NAN = not told, or not reached
} gridResult;

/// State of a cell, from what is in its folder alone.
toolCellState grid_cell_state(const gridCell* cell, const char* folder);

/// Put a run's closing line (`output.json`) and its settings in result.json, or what it failed of in
/// failed.json.
int grid_finish_cell(const gridCell* cell, const char* folder, int status, double core_seconds,
                     loomError* err);
/// Failed cells may be tried again.
void grid_forget_failures(const grid* g, const char* folder);

/// Whether what a cell made breaches limits or jerks more than LOOM_ROUGHER times as much as what was before.
bool grid_is_rougher(const gridResult* result);

/// Of all cells, out (g->n).
int grid_read_results(gridResult* out, const grid* g, const char* folder, loomError* err);

#endif
