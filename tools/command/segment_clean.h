#ifndef LOOM_TOOLS_COMMAND_SEGMENT_CLEAN_H
#define LOOM_TOOLS_COMMAND_SEGMENT_CLEAN_H

#include <cjson/cJSON.h>

#include "generators/source/clean.h"

/// What `demoloom segment --clean` is asked for.
typedef struct segmentClean {
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  const char* segments;  // --segments
  const char* output;    // NULL = only shown
  int limit;             // demos
  bool skip, json;
} segmentClean;

/// Clean the demos, show them before and after as lines, or as objects of `demos` (JSON), and write them:
/// cleaned ones, and the others as they were.
int segment_clean(const segmentClean* args, cJSON* demos, loomError* err);

#endif
