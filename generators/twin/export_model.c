// What URDF and USD are written from: names, joints, and how bodies lie at their joints' zero.
#include <ctype.h>
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdarg.h>
#include <string.h>

#include "generators/twin/export_work.h"

void loom_export_name(char out[LOOM_NAME_MAX], const mjModel* m, mjtObj kind, int id) {
  const char* name = mj_id2name(m, kind, id);
  if (!name || !*name) {
    snprintf(out, LOOM_NAME_MAX, "%s_%d",
             kind == mjOBJ_BODY    ? "body"
             : kind == mjOBJ_JOINT ? "joint"
                                   : "shape",
             id);
    return;
  }
  snprintf(out, LOOM_NAME_MAX, "%s%s", isdigit((unsigned char)*name) ? "_" : "", name);
  for (char* c = out; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
}

int loom_export_joint(const mjModel* m, int body) {
  return m->body_jntnum[body] ? m->body_jntadr[body] : -1;
}

bool loom_export_collides(const mjModel* m, int geom) {
  return m->geom_contype[geom] || m->geom_conaffinity[geom];
}

bool loom_export_shows(const mjModel* m, int geom) {
  int body = m->geom_bodyid[geom], first = m->body_geomadr[body];
  bool looks = false;
  for (int g = first; g < first + m->body_geomnum[body]; g++) looks = looks || !loom_export_collides(m, g);
  return !looks || !loom_export_collides(m, geom);
}

const float* loom_export_color(const mjModel* m, int geom) {
  int material = m->geom_matid[geom];
  return material >= 0 ? m->mat_rgba + 4 * (ptrdiff_t)material : m->geom_rgba + 4 * (ptrdiff_t)geom;
}

loomPose loom_export_zero(const mjModel* m, int body) {
  loomPose pose = loom_pose_from_quat(m->body_pos + 3 * (ptrdiff_t)body, m->body_quat + 4 * (ptrdiff_t)body);
  int j = loom_export_joint(m, body);
  if (j < 0 || m->jnt_type[j] == mjJNT_FREE) return pose;
  double back = -m->qpos0[m->jnt_qposadr[j]], axis[3], turn[4], by[3], anchor[3], moved[3];
  const double *own = m->jnt_axis + 3 * (ptrdiff_t)j, *at = m->jnt_pos + 3 * (ptrdiff_t)j;
  if (m->jnt_type[j] == mjJNT_SLIDE) {
    loom_quat_rotate(axis, pose.quat, own);
    for (int k = 0; k < 3; k++) pose.pos[k] += back * axis[k];
    return pose;
  }

  // About its point, which stays where it is.
  for (int k = 0; k < 3; k++) by[k] = back * own[k];
  loom_quat_rotate(anchor, pose.quat, at);
  loom_quat_exp(turn, by);
  loom_quat_mul(pose.quat, pose.quat, turn);
  loom_quat_rotate(moved, pose.quat, at);

  for (int k = 0; k < 3; k++) pose.pos[k] += anchor[k] - moved[k];

  return pose;
}

int loom_export_warn(loomExportWork* w, loomError* err, const char* format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (loom_names_has(&w->out->warnings, text) || !loom_names_add(&w->out->warnings, text)) return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an export");
}
