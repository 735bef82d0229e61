// demoloom dataset isaac: demos in the layout of Isaac Lab Mimic, and back.
#ifndef LOOM_TOOLS_COMMAND_DATASET_ISAAC_H
#define LOOM_TOOLS_COMMAND_DATASET_ISAAC_H

#include "engine/model/model.h"
#include "tools/shared/outputs.h"

typedef struct datasetIsaac {
  const char *map, *task;  // file, name; NULL: what the dataset says
  bool skip, overwrite;    // go on without demos that cannot be turned; replace the output
  loomAssetRoots roots;
} datasetIsaac;

/// What lies in `in` decides which way it goes; `out` is a file of the other kind. What was made is printed,
/// as JSON where `json`.
int dataset_isaac(const char* in, const char* out, datasetIsaac* def, toolOutputs* outputs, bool json,
                  loomError* err);

#endif
