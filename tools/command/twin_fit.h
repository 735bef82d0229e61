// `demoloom twin fit`.
#ifndef LOOM_TOOLS_COMMAND_TWIN_FIT_H
#define LOOM_TOOLS_COMMAND_TWIN_FIT_H

#include "generators/twin/fit.h"

typedef struct twinFit {
  loomTwinFitDef def;
  const char *kinds, *output;  // "mass,friction"; a script for `twin edit`
} twinFit;

/// Fit a task's objects to a log and say what was found. *told: at least one parameter was.
int twin_fit(const char* folder, twinFit* fit, bool overwrite, bool json, loomAssetRoots* roots, bool* told,
             loomError* err);

#endif
