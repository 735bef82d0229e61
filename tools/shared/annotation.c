#include "tools/shared/annotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"

const loomColor annotation_arm_color[LOOM_MAX_ARMS] = {
    {0.337, 0.706, 0.914}, {0.902, 0.624, 0}, {0.941, 0.894, 0.259}, {0.8, 0.475, 0.655}};

// A generated demo says which row belongs to which subtask.
static bool ends_from_rows(loomReplay* replay, const loomDataset* d, const char* path, const loomTask* task) {
  loomArray rows;
  if (!loom_dataset_has(d, path, "datagen_info/subtask") ||
      loom_dataset_doubles(&rows, d, path, "datagen_info/subtask", NULL))
    return false;

  // Another task's subtasks do not fit this one's arms.
  const double* k = rows.data;
  bool fits = rows.rank == 2 && rows.shape[0] == replay->rows && rows.shape[1] == task->arm_count;

  for (int a = 0; fits && a < task->arm_count; a++) {
    // A subtask ends before the first row that belongs to a later one.
    for (int i = 0; i < task->subtask_count[a]; i++) {
      int end = replay->rows;
      while (end > 0 && k[(end - 1) * task->arm_count + a] > i) end--;
      replay->end[a][i] = end;
    }
  }

  loom_array_destroy(&rows);
  return fits;
}

void annotation_guess_ends(loomReplay* replay, const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++) {
    for (int i = 0; i < task->subtask_count[a]; i++)
      replay->end[a][i] = replay->rows * (i + 1) / task->subtask_count[a];
  }
}

int annotation_find_ends(loomReplay* replay, const loomTask* task, const loomDataset* dataset, int demo,
                         const loomSegmentFile* given, loomError* err) {
  if (dataset && ends_from_rows(replay, dataset, loom_dataset_demo_path(dataset, demo), task)) return 0;

  // Otherwise they are found in the demo; where they are not, an even cut is better than none.
  int code = loom_segment(replay, task, dataset, demo, given, err);
  if (code) annotation_guess_ends(replay, task);
  return code;
}

int annotation_segments(annotationSegment out[ANNOTATION_MAX_SEGMENTS], const loomReplay* replay,
                        const loomTask* task) {
  int n = 0;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int first = loom_segment_start(replay, a, k), end = replay->end[a][k];
      if (end > first) out[n++] = (annotationSegment){.arm = a, .subtask = k, .first = first, .end = end};
    }
  }
  return n;
}

void annotation_name_sources(annotationSegment* segment, int n, const loomTask* task,
                             const loomDataset* dataset, int demo) {
  const char* path = loom_dataset_demo_path(dataset, demo);
  char* text = NULL;
  if (!loom_dataset_has_attr(dataset, path, "loom_provenance") ||
      loom_dataset_attr_string(&text, dataset, path, "loom_provenance", NULL))
    return;

  cJSON* root = loom_json_read(text);
  const cJSON* one;

  // An entry that is not as we write it is passed over: the file may be another program's.
  cJSON_ArrayForEach(one, cJSON_GetObjectItem(root, "segments")) {
    const cJSON *arm = cJSON_GetObjectItem(one, "arm"), *name = cJSON_GetObjectItem(one, "subtask"),
                *from = cJSON_GetObjectItem(one, "source"), *start = cJSON_GetObjectItem(one, "source_start"),
                *end = cJSON_GetObjectItem(one, "source_end");
    if (!cJSON_IsNumber(arm) || !cJSON_IsString(name) || !cJSON_IsString(from) || !cJSON_IsNumber(start) ||
        !cJSON_IsNumber(end))
      continue;

    for (int i = 0; i < n; i++) {
      // An entry names its segment by arm and subtask.
      annotationSegment* g = &segment[i];
      if (g->arm != arm->valueint || strcmp(task->subtasks[g->arm][g->subtask].name, name->valuestring))
        continue;
      snprintf(g->source_name, sizeof g->source_name, "%.*s", LOOM_NAME_MAX - 1, from->valuestring);
      g->source_start = start->valueint;
      g->source_end = end->valueint;
    }
  }

  cJSON_Delete(root);
  free(text);
}

const annotationSegment* annotation_segment_at(const annotation* s, int arm, int row) {
  for (int i = 0; i < s->segment_count; i++) {
    const annotationSegment* g = &s->segment[i];
    if (g->arm == arm && row >= g->first && row < g->end) return g;
  }
  return NULL;
}
