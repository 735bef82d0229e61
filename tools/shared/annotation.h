// What a demo tells besides its states: its replay, each arm's subtasks and where they were taken
// from. The viewer and `demoloom render` draw it over the scene (tools/shared/overlay.h) and
// below it (tools/shared/timeline.h).
#ifndef LOOM_TOOLS_SHARED_ANNOTATION_H
#define LOOM_TOOLS_SHARED_ANNOTATION_H

#include "engine/draw/chart.h"
#include "generators/source/segment.h"

enum { ANNOTATION_MAX_SEGMENTS = LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS };

typedef struct annotationSegment {
  int arm, subtask;
  int first, end;                   // rows [first, end)
  int source_start, source_end;     // rows of the source demo
  char source_name[LOOM_NAME_MAX];  // "" = none
} annotationSegment;

typedef struct annotation {
  const loomTask* task;
  const loomReplay* replay;
  int segment_count;
  const annotationSegment* segment;  // (segment_count)
  bool has_ends;                     // the replay's ends are known, not guessed
} annotation;

/// Blue, orange, yellow, purple.
extern const loomColor annotation_arm_color[LOOM_MAX_ARMS];

/// Fill replay->end as the demo's rows say (datagen_info/subtask), or else as loom_segment finds them. Ends
/// that cannot be found are spaced evenly, and the error says why.
int annotation_find_ends(loomReplay* replay, const loomTask* task, const loomDataset* dataset, int demo,
                         const loomSegmentFile* given, loomError* err);
void annotation_guess_ends(loomReplay* replay, const loomTask* task);
/// Segments of a row or more, as replay->end has them; returns how many.
int annotation_segments(annotationSegment out[ANNOTATION_MAX_SEGMENTS], const loomReplay* replay,
                        const loomTask* task);
/// Sources of the segments, where the demo's provenance tells them.
void annotation_name_sources(annotationSegment* segment, int n, const loomTask* task,
                             const loomDataset* dataset, int demo);
/// The segment an arm is in at a row, or NULL.
const annotationSegment* annotation_segment_at(const annotation* s, int arm, int row);

#endif
