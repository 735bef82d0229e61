#ifndef LOOM_TOOLS_COMMAND_SEGMENT_CLEAN_H
#define LOOM_TOOLS_COMMAND_SEGMENT_CLEAN_H

#include <cjson/cJSON.h>

#include "engine/run/record_demo.h"
#include "generators/source/clean.h"

/// What `demoloom segment --clean` has of a demo: how it was before and is now, a line or an object of JSON.
void segment_clean_head(void);
void segment_clean_line(const loomReplay* replay, const loomCleanResult* result);
cJSON* segment_clean_json(const loomCleanResult* result);

/// A cleaned demo as its file will have it; zero: the demo is as it was.
typedef struct segmentCleaned {
  loomDemoRecord record;
  char* xml;  // its model
} segmentCleaned;

/// Keep what the file needs of a demo that was replayed into the trace. Free with segment_cleaned_destroy.
int segment_clean_keep(segmentCleaned* out, const loomReplay* replay, const loomTrace* trace,
                       const loomTask* task, const loomDataset* dataset, loomError* err);
void segment_cleaned_destroy(segmentCleaned* cleaned);

/// Write the demos replay[0 .. n - 1] of a dataset to path: cleaned ones, and the others as they were.
int segment_clean_write(const char* path, const loomDataset* dataset, const loomReplay* replay,
                        const segmentCleaned* cleaned, int n, loomError* err);

#endif
