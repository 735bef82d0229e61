#include "generators/source/mirror.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model_mirror.h"

// ---- poses

// I - 2 n n^T mirrors, and its negative turns by pi about n. M R F = (-M) R (-F) is a product of three turns.
static void half_turn(double quat[4], const double axis[3]) {
  quat[0] = 0;
  memcpy(quat + 1, axis, 3 * sizeof *axis);
}

loomPose loom_mirror_pose(loomPose pose, const double plane[3], const double at[3], const double own[3]) {
  double world[4], frame[4], off = 0;
  half_turn(world, plane);
  half_turn(frame, own);

  loom_quat_mul(pose.quat, world, pose.quat);
  loom_quat_mul(pose.quat, pose.quat, frame);

  // As far behind the plane as it was before it.
  for (int i = 0; i < 3; i++) off += plane[i] * (pose.pos[i] - at[i]);
  for (int i = 0; i < 3; i++) pose.pos[i] -= 2 * off * plane[i];
  return pose;
}

static loomPose* mirror_poses(const loomPose* poses, int rows, const loomMirrorDef* m, const double own[3]) {
  loomPose* out = malloc(sizeof *out * (size_t)rows);
  for (int t = 0; out && t < rows; t++) out[t] = loom_mirror_pose(poses[t], m->plane, m->at, own);
  return out;
}

// In the frame of a hand that is its own mirror image in this plane of it.
static double* mirror_points(const double* points, int rows, const double own[3]) {
  double* out = malloc(3 * sizeof *out * (size_t)rows);
  for (int t = 0; out && t < rows; t++)
    mju_addScl3(out + 3 * t, points + 3 * t, own, -2 * mju_dot3(points + 3 * t, own));
  return out;
}

static void* copy_of(const void* data, size_t bytes) {
  void* out = malloc(bytes + 1);
  if (out) memcpy(out, data, bytes);
  return out;
}

// ---- a demo

// Entries of a hand's action mean the same finger of the other hand.
static bool mirror_arm(loomReplay* out, const loomReplay* r, const loomTask* task, int a) {
  const loomMirrorDef* m = &task->mirror;
  int b = m->arms[a];
  size_t rows = (size_t)r->rows;
  out->eef[b] = mirror_poses(r->eef[a], r->rows, m, task->robots[a].mirror);
  out->target[b] = mirror_poses(r->target[a], r->rows, m, task->robots[a].mirror);
  out->grip[b] = copy_of(r->grip[a], rows * sizeof *r->grip[a]);
  out->pads[b] = mirror_points(r->pads[a], r->rows, task->robots[a].mirror);
  out->hand[b] = copy_of(r->hand[a], rows * LOOM_MAX_HAND * sizeof *r->hand[a]);

  memcpy(out->end[b], r->end[a], sizeof r->end[a]);
  return out->eef[b] && out->target[b] && out->grip[b] && out->pads[b] && out->hand[b];
}

static void mirror_touches(loomReplay* out, const loomReplay* r, const loomMirrorDef* m) {
  for (int t = 0; t < r->rows; t++) {
    for (int a = 0; a < r->arm_count; a++) {
      size_t from = ((size_t)t * (size_t)r->arm_count + (size_t)a) * (size_t)r->object_count;
      size_t to = ((size_t)t * (size_t)r->arm_count + (size_t)m->arms[a]) * (size_t)r->object_count;
      for (int o = 0; o < r->object_count; o++)
        out->touch[to + (size_t)m->as[o]] = r->touch[from + (size_t)o];
    }
  }
}

int loom_mirror_replay(loomReplay* out, const loomReplay* r, const loomTask* task, loomError* err) {
  const loomMirrorDef* m = &task->mirror;
  memset(out, 0, sizeof *out);
  snprintf(out->name, sizeof out->name, "%.*s mirrored", LOOM_NAME_MAX - 10, r->name);
  out->number = r->number;
  out->mirrored = !r->mirrored;
  out->rows = r->rows;
  out->arm_count = r->arm_count;
  out->object_count = r->object_count;
  out->success_row = r->success_row;
  out->success_end = r->success_end;

  bool ok = true;
  for (int a = 0; a < r->arm_count; a++) ok = mirror_arm(out, r, task, a) && ok;
  for (int o = 0; o < r->object_count; o++) {
    out->object[m->as[o]] = mirror_poses(r->object[o], r->rows, m, m->object[o]);
    memcpy(out->variables[m->as[o]], r->variables[o], sizeof r->variables[o]);
    ok = ok && out->object[m->as[o]];
  }

  out->touch = calloc((size_t)r->rows, (size_t)(r->arm_count * r->object_count) + 1);
  out->condition = calloc((size_t)r->rows, 1);
  if (ok && out->touch && out->condition) {
    mirror_touches(out, r, m);
    return 0;
  }

  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mirrored demo");
}

// ---- what is declared

static const double same_shape = 0.001;  // m
static const double same_place = 0.001;  // m between a robot's mirrored place and the other's

static int check_objects(const loomScene* scene, loomError* err) {
  const loomTask* task = scene->task;
  const loomMirrorDef* m = &task->mirror;
  for (int o = 0; o < task->object_count; o++) {
    double off = loom_model_mirror_error(scene->model, scene->object_body[o], scene->object_body[m->as[o]],
                                         m->object[o]);
    if (off <= same_shape) continue;

    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s:%d: `mirror:`: '%s' mirrored in plane [%g, %g, %g] of its frame is not '%s': %s "
        "by %.1f mm",
        LOOM_TASK_AT(task, m->line), task->objects[o].name, m->object[o][0], m->object[o][1], m->object[o][2],
        task->objects[m->as[o]].name, isfinite(off) ? "it differs" : "not as many geoms: it differs",
        1000 * off);
  }
  return 0;
}

// A robot stands where the one that it changes with would in a mirror.
static int check_robots(const loomScene* scene, loomError* err) {
  const loomTask* task = scene->task;
  const loomMirrorDef* m = &task->mirror;
  const double none[3] = {0, 0, 1};
  for (int a = 0; task->placed && a < task->arm_count; a++) {
    loomPose here = loom_pose_identity(), there = here;
    memcpy(here.pos, task->place_pos[a], sizeof here.pos);
    memcpy(there.pos, task->place_pos[m->arms[a]], sizeof there.pos);
    if (loom_pose_distance(loom_mirror_pose(here, m->plane, m->at, none), there) <= same_place) continue;

    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s:%d: `mirror:`: the place of arm %d, mirrored, is not that of arm %d",
                          LOOM_TASK_AT(task, m->line), a, m->arms[a]);
  }
  return 0;
}

int loom_mirror_check(const loomScene* scene, loomError* err) {
  int code = check_robots(scene, err);
  return code ? code : check_objects(scene, err);
}
