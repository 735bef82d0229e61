#include "generators/source/mimicgen.h"

#include <stdio.h>
#include <string.h>

static void put_poses(loomDemoRecord* out, const char* path, const loomPose* pose, int rows) {
  double* to = loom_demo_record_room(out, path, LOOM_TYPE_F64, 3, (int64_t[]){rows, 4, 4});
  for (int t = 0; to && t < rows; t++) loom_pose_to_matrix(to + 16 * (size_t)t, pose[t]);
}

static void put_hand(loomDemoRecord* out, const loomReplay* r, int dim) {
  double* to =
      loom_demo_record_room(out, "datagen_info/gripper_action", LOOM_TYPE_F64, 2, (int64_t[]){r->rows, dim});
  for (int t = 0; to && t < r->rows; t++)
    memcpy(to + (size_t)t * (size_t)dim, r->hand[0] + (size_t)t * LOOM_MAX_HAND, sizeof *to * (size_t)dim);
}

int loom_mimicgen_info(loomDemoRecord* out, const loomTask* task, const loomReplay* r, loomError* err) {
  char path[2 * LOOM_NAME_MAX];
  if (r->arm_count != 1)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: '%s' has %d arms, and MimicGen's layout has one",
                          r->name, task->name, r->arm_count);

  put_poses(out, "datagen_info/eef_pose", r->eef[0], r->rows);
  put_poses(out, "datagen_info/target_pose", r->target[0], r->rows);
  put_hand(out, r, task->robots[0].gripper_dim);

  for (int o = 0; o < r->object_count; o++) {
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", task->objects[o].name);
    put_poses(out, path, r->object[o], r->rows);
  }

  // The last subtask ends with the demo and has no signal.
  for (int k = 0; k + 1 < task->subtask_count[0]; k++) {
    snprintf(path, sizeof path, "datagen_info/subtask_term_signals/%s", task->subtasks[0][k].name);
    int64_t* signal = loom_demo_record_room(out, path, LOOM_TYPE_I64, 1, (int64_t[]){r->rows});
    for (int t = r->end[0][k] - 1; signal && t < r->rows; t++) signal[t] = 1;
  }

  return out->out_of_memory ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo") : 0;
}
