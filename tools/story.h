// What a demo tells besides its states: its replay, each arm's subtasks and where they were taken from. The
// viewer and `demoloom render` draw it over the scene (tools/overlay.h) and below it (tools/timeline.h).
#ifndef LOOM_TOOLS_STORY_H
#define LOOM_TOOLS_STORY_H

#include "engine/chart.h"
#include "generators/segment.h"

enum { STORY_MAX_SEGMENTS = LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS };

typedef struct storySegment {
  int arm, subtask;
  int first, end;                   // rows [first, end)
  int source_start, source_end;     // rows of the source demo
  char source_name[LOOM_NAME_MAX];  // "" = none
} storySegment;

typedef struct story {
  const loomTask* task;
  const loomReplay* replay;
  int segment_count;
  const storySegment* segment;  // (segment_count)
  bool has_ends;                // the replay's ends are known, not guessed
} story;

/// Blue, orange, yellow, purple.
extern const loomColor story_arm_color[LOOM_MAX_ARMS];

/// Fill replay->end as the demo's rows say (datagen_info/subtask), or else as loom_segment finds them. Ends
/// that cannot be found are spaced evenly, and the error says why.
int story_find_ends(loomReplay* replay, const loomTask* task, const loomDataset* dataset, int demo,
                    const loomSegmentFile* given, loomError* err);
void story_guess_ends(loomReplay* replay, const loomTask* task);
/// Segments of a row or more, as replay->end has them; returns how many.
int story_segments(storySegment out[STORY_MAX_SEGMENTS], const loomReplay* replay, const loomTask* task);
/// Sources of the segments, where the demo's provenance tells them.
void story_name_sources(storySegment* segment, int n, const loomTask* task, const loomDataset* dataset,
                        int demo);
/// The segment an arm is in at a row, or NULL.
const storySegment* story_segment_at(const story* s, int arm, int row);

#endif
