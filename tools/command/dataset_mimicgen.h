// demoloom dataset mimicgen: a copy of demos of one arm with what MimicGen wants to know of source demos.
#ifndef LOOM_TOOLS_COMMAND_DATASET_MIMICGEN_H
#define LOOM_TOOLS_COMMAND_DATASET_MIMICGEN_H

#include "engine/model/model.h"
#include "tools/shared/outputs.h"

typedef struct datasetMimicgen {
  const char *interface, *type;  // their environment interface; NULL: MG_ENVIRONMENT, robosuite
  const char* task;              // NULL: what the dataset says
  bool skip, overwrite;          // go on without demos that cannot be segmented; replace the output
  loomAssetRoots roots;
} datasetMimicgen;

int dataset_mimicgen(const char* in, const char* out, datasetMimicgen* def, toolOutputs* outputs,
                     loomError* err);

#endif
