// Cutting each arm's demo into the task's subtasks (MimicGen, Mandlekar et al. 2023, section IV-A; per arm as
// in DexMimicGen, Jiang et al. 2024, section III).
#ifndef LOOM_GENERATORS_SOURCE_SEGMENT_H
#define LOOM_GENERATORS_SOURCE_SEGMENT_H

#include "engine/base/api.h"
#include "generators/source/segment_file.h"

LOOM_C_BEGIN

/// Attribute of `data` in files whose signals were written by loom_segment_dataset_write: there they say
/// where segments end, whatever the task file does.
#define LOOM_ANNOTATED "loom_annotated"

/// Fill replay->end: segments of an arm partition [0, rows), none is empty, and the last one ends with the
/// demo. Ends come from the task file's conditions, from the first change from 0 to 1 of
/// datagen_info/subtask_term_signals/NAME in demo number `demo` (whose row is the segment's last), or from
/// grasps and releases (`auto`: of this arm; of any arm for a subtask without a reference object). dataset
/// may be NULL where the task uses no signals. Coordinated subtasks are widened to start and end at the same
/// rows. `given` (may be NULL) holds ends that come first: they stand as they are, and what is coordinated
/// with them follows. LOOM_ERR_FORMAT when an end is not found, naming demo, arm and subtask.
int loom_segment(loomReplay* replay, const loomTask* task, const loomDataset* dataset, int demo,
                 const loomSegmentFile* given, loomError* err);

/// Path of a subtask's signal in a demo: "datagen_info/subtask_term_signals/arm0_grasp". It is 0, and 1 from
/// the segment's last row on.
void loom_segment_signal(char* out, size_t n, int arm, const char* subtask);

/// First row of a segment; its last is end - 1.
int loom_segment_start(const loomReplay* replay, int arm, int subtask);

LOOM_C_END

#endif
