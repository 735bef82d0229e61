// Ends of segments outside a task file: a small YAML file to read, edit and give back, and signals in a copy
// of the demos.
#ifndef LOOM_GENERATORS_SOURCE_SEGMENT_FILE_H
#define LOOM_GENERATORS_SOURCE_SEGMENT_FILE_H

#include "engine/base/api.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// One end that a person has set.
typedef struct loomSegmentEnd {
  int demo, arm, subtask;
  int end;   // one past the segment's last row
  int line;  // in the file
} loomSegmentEnd;

struct loomSegmentFile {
  char path[LOOM_PATH_MAX];
  int n;
  loomSegmentEnd* end;  // (n)
};

/// Read such a file:  demo_0: {arm0: {grasp: 322, present: 621}, arm1: {ready: 322}}
/// Any demo, arm or subtask may be left out. LOOM_ERR_FORMAT names FILE:LINE, demo and arm of what is wrong.
int loom_segment_file_load(loomSegmentFile* out, const char* path, const loomTask* task,
                           const loomDataset* dataset, loomError* err);
void loom_segment_file_destroy(loomSegmentFile* file);

/// The end given for a segment, or NULL.
const loomSegmentEnd* loom_segment_file_find(const loomSegmentFile* file, int demo, int arm, int subtask);

/// Write such a file for n replayed and segmented demos of `source`, without each arm's last end, which is
/// the demo's.
int loom_segment_file_write(const char* path, const loomTask* task, const char* source,
                            const loomReplay* replay, int n, loomError* err);

/// Write a copy of the demos replay[0 .. n-1] of `source`, in which datagen_info/subtask_term_signals holds
/// their segments' ends and nothing else (see loom_segment_signal); loom_segment goes by them then. left_out
/// as in loomAssembleDef.
int loom_segment_dataset_write(const char* path, const loomTask* task, const char* source,
                               const loomReplay* replay, int n, loomNames* left_out, loomError* err);

LOOM_C_END

#endif
