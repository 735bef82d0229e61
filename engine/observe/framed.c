#include "engine/observe/framed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rotation.h"

bool loom_framed_parse(loomFramed* out, const char* key) {
  const char* at = strchr(key, '@');
  *out = (loomFramed){0};
  if (!at || at == key || !at[1] || strchr(at + 1, '@') || at - key >= LOOM_NAME_MAX ||
      strlen(at + 1) >= LOOM_NAME_MAX)
    return false;
  memcpy(out->of, key, (size_t)(at - key));
  memcpy(out->in, at + 1, strlen(at + 1));
  return true;
}

void loom_framed_row(float out[LOOM_FRAMED_DIM], loomPose of, loomPose in) {
  loomPose pose = loom_pose_mul(loom_pose_inverse(in), of);
  double columns[6];
  loom_rotation_columns(columns, pose.quat);
  for (int i = 0; i < 3; i++) out[i] = (float)pose.pos[i];
  for (int i = 0; i < 6; i++) out[3 + i] = (float)columns[i];
}

// The arm of "eefN", or -1.
static int eef_number(const char* name) {
  char* end;
  if (strncmp(name, "eef", 3) || name[3] < '0' || name[3] > '9') return -1;
  long arm = strtol(name + 3, &end, 10);
  return *end || arm >= LOOM_MAX_ARMS ? -1 : (int)arm;
}

int loom_framed_keys(loomName* key, int room, int arms, loomName* gripper, int grippers, loomName* object,
                     int objects) {
  int n = 0;
  if (arms < 1 || objects < 1 || arms + grippers + objects * (1 + arms) > room) return 0;
  for (int a = 0; a < arms; a++) snprintf(key[n++], LOOM_NAME_MAX, "eef%d@world", a);
  for (int g = 0; g < grippers; g++) snprintf(key[n++], LOOM_NAME_MAX, "%s", gripper[g]);
  for (int k = 0; k < objects; k++) {
    snprintf(key[n++], LOOM_NAME_MAX, "%.40s@world", object[k]);
    for (int a = 0; a < arms; a++) snprintf(key[n++], LOOM_NAME_MAX, "%.40s@eef%d", object[k], a);
  }
  return n;
}

// ---- episodes

static int find_frame(int* out, const char* name, const loomEpisode* e, loomError* err) {
  const loomTask* task = e->scene->task;
  int arm = eef_number(name);
  *out = LOOM_FRAME_WORLD;
  if (!strcmp(name, "world")) return 0;
  *out = arm;
  if (arm >= 0 && arm < e->arm_count) return 0;
  for (int k = 0; k < task->object_count; k++) {
    *out = LOOM_MAX_ARMS + k;
    if (!strcmp(name, task->objects[k].name)) return 0;
  }
  char list[600] = "";
  for (int k = 0; k < task->object_count; k++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, ", %s", task->objects[k].name);
  }
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the task has no frame '%s'; it has world, eef0 to eef%d%s",
                        task->path, name, e->arm_count - 1, list);
}

int loom_framed_bind(int frame[2], const loomFramed* framed, const loomEpisode* e, loomError* err) {
  int code = find_frame(&frame[0], framed->of, e, err);
  return code ? code : find_frame(&frame[1], framed->in, e, err);
}

static loomPose frame_pose(int frame, const loomEpisode* e) {
  if (frame == LOOM_FRAME_WORLD) return loom_pose_identity();
  return frame < LOOM_MAX_ARMS ? loom_episode_eef(e, frame) : loom_episode_object(e, frame - LOOM_MAX_ARMS);
}

void loom_framed_observe(float out[LOOM_FRAMED_DIM], const int frame[2], const loomEpisode* e) {
  loom_framed_row(out, frame_pose(frame[0], e), frame_pose(frame[1], e));
}

// ---- datasets

/// A frame's poses in a demo.
typedef struct frameRows {
  loomArray poses;  // (rows x 4 x 4), or all arms'; empty: the world
  int arm, arms;
} frameRows;

// With the numbers, or only their shape.
static int read_frame(frameRows* out, const char* name, bool numbers, const loomDataset* set,
                      const char* object, loomError* err) {
  char path[LOOM_NAME_MAX + 40];
  int arm = eef_number(name);
  *out = (frameRows){.arm = arm < 0 ? 0 : arm, .arms = 1};
  if (!strcmp(name, "world")) return 0;
  if (arm < 0)
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", name);
  else
    snprintf(path, sizeof path, "datagen_info/eef_pose");
  if (!loom_dataset_has(set, object, path))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: %s has no %s, the poses of '%s'; `demoloom generate`, `teleop` and `replay -o` "
        "write them",
        loom_dataset_path(set), object, path, name);
  int code = numbers ? loom_dataset_doubles(&out->poses, set, object, path, err)
                     : loom_dataset_describe(&out->poses, set, object, path, err);
  if (code) return code;
  const loomArray* a = &out->poses;
  if (arm >= 0 && a->rank == 4) out->arms = (int)a->shape[1];
  if (a->rank != (arm < 0 ? 3 : 4) || a->count != a->shape[0] * out->arms * 16 || out->arm >= out->arms)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s has not the shape of poses of '%s'",
                          loom_dataset_path(set), object, path, name);
  return code;
}

static loomPose pose_at(const frameRows* f, int64_t row) {
  if (!f->poses.count) return loom_pose_identity();
  return loom_pose_from_matrix((const double*)f->poses.data + (row * f->arms + f->arm) * 16);
}

int loom_framed_read(float* out, int stride, int64_t* rows, const loomFramed* framed, const loomDataset* set,
                     const char* object, loomError* err) {
  frameRows of, in = {0};
  int code = read_frame(&of, framed->of, out != NULL, set, object, err);
  if (!code) code = read_frame(&in, framed->in, out != NULL, set, object, err);
  const frameRows* longer = of.poses.count ? &of : &in;
  int64_t n = !code && longer->poses.count ? longer->poses.shape[0] : 0;
  if (!code && (!n || (*rows && n != *rows) || (in.poses.count && in.poses.shape[0] != n)))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: '%s@%s' has %lld rows where %lld are wanted",
                          loom_dataset_path(set), object, framed->of, framed->in, (long long)n,
                          (long long)*rows);
  for (int64_t i = 0; !code && out && i < n; i++)
    loom_framed_row(out + i * stride, pose_at(&of, i), pose_at(&in, i));
  if (!code) *rows = n;
  loom_array_destroy(&of.poses);
  loom_array_destroy(&in.poses);
  return code;
}
