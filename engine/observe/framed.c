#include "engine/observe/framed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rotation.h"
#include "engine/data/one_arm.h"
#include "engine/observe/observe_internal.h"

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

int loom_framed_arm(const char* name) {
  char* end;
  if (strncmp(name, "eef", 3) || name[3] < '0' || name[3] > '9') return -1;

  long arm = strtol(name + 3, &end, 10);
  return *end || arm >= LOOM_MAX_ARMS ? -1 : (int)arm;
}

static const char size_suffix[] = "_size";

void loom_framed_add(loomFramedParts* p, const char* observation) {
  size_t length = strlen(observation), suffix = strlen(size_suffix);
  if (length >= LOOM_NAME_MAX) return;

  if (strstr(observation, "gripper_qpos") && p->grippers < LOOM_MAX_ARMS)
    memcpy(p->gripper[p->grippers++], observation, length + 1);
  if (length > suffix && !strcmp(observation + length - suffix, size_suffix) && p->sizes < LOOM_MAX_OBJECTS)
    memcpy(p->size[p->sizes++], observation, length + 1);
}

// Observations of that name that are of none of the objects mean something else.
static bool is_of_object(const char* size, const loomFramedParts* p) {
  size_t length = strlen(size) - strlen(size_suffix);
  for (int k = 0; k < p->objects; k++)
    if (strlen(p->object[k]) == length && !strncmp(p->object[k], size, length)) return true;
  return false;
}

int loom_framed_keys(loomName* key, int room, const loomFramedParts* p) {
  int n = 0, sizes = 0;
  for (int k = 0; k < p->sizes; k++) sizes += is_of_object(p->size[k], p);
  if (p->arms < 1 || p->objects < 1 || p->arms + p->grippers + p->objects * (1 + p->arms) + sizes > room)
    return 0;

  for (int a = 0; a < p->arms; a++) snprintf(key[n++], LOOM_NAME_MAX, "eef%d@world", a);
  for (int g = 0; g < p->grippers; g++) memcpy(key[n++], p->gripper[g], LOOM_NAME_MAX);

  for (int k = 0; k < p->objects; k++) {
    snprintf(key[n++], LOOM_NAME_MAX, "%.40s@world", p->object[k]);
    for (int a = 0; a < p->arms; a++) snprintf(key[n++], LOOM_NAME_MAX, "%.40s@eef%d", p->object[k], a);
  }
  for (int k = 0; k < p->sizes; k++)
    if (is_of_object(p->size[k], p)) memcpy(key[n++], p->size[k], LOOM_NAME_MAX);
  return n;
}

// ---- what is not there

static void list_hands(loomObsList* there, int arms) {
  char hands[40];
  loom_obs_list_add(there, "world");
  snprintf(hands, sizeof hands, arms > 1 ? "eef0 to eef%d" : "eef%d", arms - 1);
  if (arms > 0) loom_obs_list_add(there, hands);
}

static int unknown_frame(loomError* err, const char* where, const loomFramed* framed, const char* frame,
                         const char* there, const char* hint) {
  char name[2 * LOOM_NAME_MAX];
  snprintf(name, sizeof name, "%s@%s", framed->of, framed->in);
  return loom_obs_unknown(err, where, name, frame, there, hint);
}

// ---- episodes

static int find_frame(int* out, const char* name, const loomFramed* framed, const loomEpisode* e,
                      loomError* err) {
  const loomTask* task = e->scene->task;
  int arm = loom_framed_arm(name);
  *out = LOOM_FRAME_WORLD;
  if (!strcmp(name, "world")) return 0;
  *out = arm;
  if (arm >= 0 && arm < e->arm_count) return 0;
  for (int k = 0; k < task->object_count; k++) {
    *out = LOOM_MAX_ARMS + k;
    if (!strcmp(name, task->objects[k].name)) return 0;
  }

  // It is none of them; these are.
  loomObsList there = {""};
  list_hands(&there, e->arm_count);
  for (int k = 0; k < task->object_count; k++) loom_obs_list_add(&there, task->objects[k].name);
  return unknown_frame(err, task->path, framed, name, there.text, "");
}

int loom_framed_bind(int frame[2], const loomFramed* framed, const loomEpisode* e, loomError* err) {
  int code = find_frame(&frame[0], framed->of, framed, e, err);
  return code ? code : find_frame(&frame[1], framed->in, framed, e, err);
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

static int list_object(void* user, const char* name, const loomArray* array, int unreadable,
                       const loomError* why) {
  (void)array;
  (void)why;
  if (!unreadable) loom_obs_list_add(user, name);
  return 0;
}

static int no_such_frame(const loomFramed* framed, const char* name, const char* path, const loomDataset* set,
                         const char* object, loomError* err) {
  char where[LOOM_PATH_MAX], poses[512], hint[256];
  loomObsList there = {""};
  loomArray hands = {0};
  bool known = loom_dataset_has(set, object, "datagen_info/eef_pose") &&
               !loom_dataset_describe(&hands, set, object, "datagen_info/eef_pose", NULL);
  if (known) loom_array_with_arms(&hands);
  list_hands(&there, known && hands.rank == 4 ? (int)hands.shape[1] : 0);
  snprintf(poses, sizeof poses, "%.400s/datagen_info/object_poses", object);
  if (loom_dataset_has(set, poses, "")) (void)loom_dataset_visit(set, poses, list_object, &there, NULL);

  snprintf(where, sizeof where, "%.700s: %.200s", loom_dataset_path(set), object);
  snprintf(hint, sizeof hint,
           "; its poses would be %s, as `demoloom generate`, `teleop` and `replay -o` write", path);
  return unknown_frame(err, where, framed, name, there.text, hint);
}

// With the numbers, or only their shape.
static int read_frame(frameRows* out, const char* name, bool numbers, const loomFramed* framed,
                      const loomDataset* set, const char* object, loomError* err) {
  char path[LOOM_NAME_MAX + 40];
  int arm = loom_framed_arm(name);
  *out = (frameRows){.arm = arm < 0 ? 0 : arm, .arms = 1};
  if (!strcmp(name, "world")) return 0;

  if (arm < 0)
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", name);
  else
    snprintf(path, sizeof path, "datagen_info/eef_pose");
  if (!loom_dataset_has(set, object, path)) return no_such_frame(framed, name, path, set, object, err);

  int code = numbers ? loom_dataset_doubles(&out->poses, set, object, path, err)
                     : loom_dataset_describe(&out->poses, set, object, path, err);
  if (code) return code;

  // All arms' poses lie in one array, each object has its own.
  if (arm >= 0) loom_array_with_arms(&out->poses);
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
  int code = read_frame(&of, framed->of, out != NULL, framed, set, object, err);
  if (!code) code = read_frame(&in, framed->in, out != NULL, framed, set, object, err);

  // The world has no rows of its own: the other frame says how many there are.
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
