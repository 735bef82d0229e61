// What an observation is, told by its name and shape.
#include <stdio.h>
#include <string.h>

#include "engine/observe/framed.h"
#include "engine/observe/observe_internal.h"

loomObsKey loom_obs_named(const char* name) {
  loomObsKey key = {.type = LOOM_TYPE_F64};
  snprintf(key.name, sizeof key.name, "%.*s", LOOM_NAME_MAX - 1, name);
  return key;
}

static bool ends_with(const char* name, const char* end, loomName before) {
  size_t n = strlen(name), m = strlen(end);
  if (n <= m || n - m >= sizeof(loomName) || strcmp(name + n - m, end) != 0) return false;

  memcpy(before, name, n - m);
  before[n - m] = '\0';
  return true;
}

loomObsKind loom_obs_kind(loomName camera, const char* name, int rank, const int* shape) {
  static const struct {
    const char* end;
    int channels;
    loomObsKind kind;
  } pictures[] = {{"_image", 3, LOOM_OBS_IMAGE},
                  {"_depth", 1, LOOM_OBS_DEPTH},
                  {"_segmentation", 1, LOOM_OBS_SEGMENTATION}};
  loomFramed framed;
  camera[0] = '\0';
  if (rank < 2) return loom_framed_parse(&framed, name) ? LOOM_OBS_FRAMED : LOOM_OBS_STATE;

  if (rank == 2) return !strcmp(name, "pointcloud") && shape[1] == 3 ? LOOM_OBS_CLOUD : LOOM_OBS_OTHER;
  for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
    if (shape[2] == pictures[i].channels && ends_with(name, pictures[i].end, camera)) return pictures[i].kind;
  camera[0] = '\0';
  return LOOM_OBS_OTHER;
}
