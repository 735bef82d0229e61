// `demoloom twin fuse`.
#ifndef LOOM_TOOLS_COMMAND_TWIN_FUSE_H
#define LOOM_TOOLS_COMMAND_TWIN_FUSE_H

#include "generators/twin/fuse.h"

typedef struct twinFuse {
  loomFuseDef def;
  const char* camera;  // "FX,FY,CX,CY"; NULL: as the sequence says
} twinFuse;

/// Fuse a folder's pictures with depth to the mesh `output`, and say what became of them.
int twin_fuse(const char* folder, twinFuse* fuse, const char* output, bool overwrite, bool json,
              loomError* err);

#endif
