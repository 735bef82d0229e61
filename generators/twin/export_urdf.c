// URDF: a link a body, whose frame is its joint's, as that format has it.
#include <math.h>
#include <mujoco/mujoco.h>
#include <string.h>

#include "engine/base/file.h"
#include "generators/twin/export_work.h"

// Where a link's frame is in its body's: at what it turns about.
static void frame_of(double out[3], const mjModel* m, int body) {
  int j = loom_export_joint(m, body);
  mju_zero3(out);
  if (j >= 0 && m->jnt_type[j] == mjJNT_HINGE) mju_copy3(out, m->jnt_pos + 3 * (ptrdiff_t)j);
}

// Roll, pitch and yaw about fixed axes.
static void put_origin(FILE* out, const double pos[3], const double quat[4]) {
  double r[9];
  mju_quat2Mat(r, quat);
  double pitch = atan2(-r[6], hypot(r[0], r[3])), roll, yaw;
  bool up = hypot(r[0], r[3]) > 1e-9;
  roll = up ? atan2(r[7], r[8]) : atan2(-r[5], r[4]);
  yaw = up ? atan2(r[3], r[0]) : 0;
  fprintf(out, "<origin xyz=\"%.15g %.15g %.15g\" rpy=\"%.15g %.15g %.15g\"/>", pos[0], pos[1], pos[2], roll,
          pitch, yaw);
}

static void put_inertial(const loomExportWork* w, int body, const double at[3]) {
  const mjModel* m = w->m;
  const double *diagonal = m->body_inertia + 3 * (ptrdiff_t)body, still[4] = {1, 0, 0, 0};
  double r[9], i[9] = {0}, center[3];
  if (m->body_mass[body] <= 0) return;
  mju_quat2Mat(r, m->body_iquat + 4 * (ptrdiff_t)body);

  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++)
      for (int k = 0; k < 3; k++) i[3 * a + b] += r[3 * a + k] * diagonal[k] * r[3 * b + k];
  mju_sub3(center, m->body_ipos + 3 * (ptrdiff_t)body, at);
  fputs("    <inertial>", w->file);
  put_origin(w->file, center, still);
  fprintf(
      w->file,
      "<mass value=\"%.15g\"/><inertia ixx=\"%.15g\" ixy=\"%.15g\" ixz=\"%.15g\" iyy=\"%.15g\" iyz=\"%.15g\" "
      "izz=\"%.15g\"/></inertial>\n",
      m->body_mass[body], i[0], i[1], i[2], i[4], i[5], i[8]);
}

// ---- shapes

static int write_mesh(const loomExportWork* w, int mesh, const char* name, loomError* err) {
  char path[2 * LOOM_PATH_MAX];
  const mjModel* m = w->m;
  loomFile file = {0};
  snprintf(path, sizeof path, "%s/%s.obj", w->mesh_path, name);
  int code = loom_file_begin(&file, path, err);
  if (code) return code;
  const float* v = m->mesh_vert + 3 * (ptrdiff_t)m->mesh_vertadr[mesh];
  const int* f = m->mesh_face + 3 * (ptrdiff_t)m->mesh_faceadr[mesh];
  for (int i = 0; i < m->mesh_vertnum[mesh]; i++)
    fprintf(file.stream, "v %.9g %.9g %.9g\n", (double)v[3 * i], (double)v[3 * i + 1], (double)v[3 * i + 2]);
  for (int i = 0; i < m->mesh_facenum[mesh]; i++)
    fprintf(file.stream, "f %d %d %d\n", f[3 * i] + 1, f[3 * i + 1] + 1, f[3 * i + 2] + 1);

  return loom_file_commit(&file, err);
}

static int put_shape(loomExportWork* w, int geom, const char* kind, const double at[3], loomError* err) {
  const mjModel* m = w->m;
  const double* size = m->geom_size + 3 * (ptrdiff_t)geom;
  double pos[3];
  char shape[LOOM_PATH_MAX + 128] = "", name[LOOM_NAME_MAX];
  int mesh = m->geom_dataid[geom], code = 0;
  mju_sub3(pos, m->geom_pos + 3 * (ptrdiff_t)geom, at);

  switch (m->geom_type[geom]) {
    case mjGEOM_BOX:
      snprintf(shape, sizeof shape, "<box size=\"%.15g %.15g %.15g\"/>", 2 * size[0], 2 * size[1],
               2 * size[2]);
      break;
    case mjGEOM_PLANE:  // a slab below it
      snprintf(shape, sizeof shape, "<box size=\"%.15g %.15g 0.1\"/>", size[0] > 0 ? 2 * size[0] : 20,
               size[1] > 0 ? 2 * size[1] : 20);
      pos[2] -= 0.05;
      break;
    case mjGEOM_SPHERE:
      snprintf(shape, sizeof shape, "<sphere radius=\"%.15g\"/>", size[0]);
      break;
    case mjGEOM_CYLINDER:
      snprintf(shape, sizeof shape, "<cylinder radius=\"%.15g\" length=\"%.15g\"/>", size[0], 2 * size[1]);
      break;
    case mjGEOM_CAPSULE:
      snprintf(shape, sizeof shape, "<cylinder radius=\"%.15g\" length=\"%.15g\"/>", size[0],
               2 * (size[1] + size[0]));
      code = loom_export_warn(w, err, "URDF has no capsules: they are cylinders as long");
      break;
    case mjGEOM_MESH:
      loom_export_name(name, m, mjOBJ_MESH, mesh);
      snprintf(shape, sizeof shape, "<mesh filename=\"%.900s/%s.obj\"/>", w->mesh_dir, name);
      break;
    default:
      return loom_export_warn(w, err,
                              "URDF has no shapes of some kind that the scene has: they are left out");
  }
  const float* c = loom_export_color(m, geom);
  fprintf(w->file, "    <%s>", kind);
  put_origin(w->file, pos, m->geom_quat + 4 * (ptrdiff_t)geom);
  fprintf(w->file, "<geometry>%s</geometry>", shape);
  if (*kind == 'v')
    fprintf(w->file, "<material name=\"m%d\"><color rgba=\"%.4g %.4g %.4g %.4g\"/></material>", geom,
            (double)c[0], (double)c[1], (double)c[2], (double)c[3]);
  fprintf(w->file, "</%s>\n", kind);
  w->out->shapes++;
  if (!code && m->geom_matid[geom] >= 0 &&
      m->mat_texid[mjNTEXROLE * m->geom_matid[geom] + mjTEXROLE_RGB] >= 0)
    code = loom_export_warn(w, err, "textures stay behind: shapes have their material's color");

  return code;
}

// ---- links and joints

static int put_link(loomExportWork* w, int body, loomError* err) {
  const mjModel* m = w->m;
  char name[LOOM_NAME_MAX];
  double at[3];
  int code = 0, first = m->body_geomadr[body];
  loom_export_name(name, m, mjOBJ_BODY, body);
  frame_of(at, m, body);
  fprintf(w->file, "  <link name=\"%s\">\n", name);
  if (body) put_inertial(w, body, at);
  for (int g = first; !code && g < first + m->body_geomnum[body]; g++) {
    if (loom_export_shows(m, g)) code = put_shape(w, g, "visual", at, err);
    if (!code && loom_export_collides(m, g)) code = put_shape(w, g, "collision", at, err);
  }
  fputs("  </link>\n", w->file);

  return code;
}

static void put_joint(loomExportWork* w, int body) {
  const mjModel* m = w->m;
  int j = loom_export_joint(m, body), type = j < 0 ? -1 : m->jnt_type[j], parent = m->body_parentid[body];
  char link[LOOM_NAME_MAX], above[LOOM_NAME_MAX], name[2 * LOOM_NAME_MAX];
  double own[3], others[3], at[3], turned[3];
  loomPose pose = loom_export_zero(m, body);
  loom_export_name(link, m, mjOBJ_BODY, body);
  loom_export_name(above, m, mjOBJ_BODY, parent);
  if (j >= 0)
    loom_export_name(name, m, mjOBJ_JOINT, j);
  else
    snprintf(name, sizeof name, "%s_fixed", link);
  frame_of(own, m, body);
  frame_of(others, m, parent);
  loom_quat_rotate(turned, pose.quat, own);

  for (int k = 0; k < 3; k++) at[k] = pose.pos[k] + turned[k] - others[k];

  bool limited = j >= 0 && m->jnt_limited[j], slides = type == mjJNT_SLIDE, turns = type == mjJNT_HINGE;
  const char* kind = j < 0     ? "fixed"
                     : slides  ? "prismatic"
                     : !turns  ? "floating"
                     : limited ? "revolute"
                               : "continuous";
  fprintf(w->file, "  <joint name=\"%s\" type=\"%s\">\n    <parent link=\"%s\"/><child link=\"%s\"/>", name,
          kind, above, link);
  put_origin(w->file, at, pose.quat);
  if (slides || turns) {
    const double* axis = m->jnt_axis + 3 * (ptrdiff_t)j;
    int dof = m->jnt_dofadr[j];
    fprintf(w->file, "\n    <axis xyz=\"%.15g %.15g %.15g\"/>", axis[0], axis[1], axis[2]);
    if (limited || slides)
      fprintf(w->file, "<limit lower=\"%.15g\" upper=\"%.15g\" effort=\"1000\" velocity=\"100\"/>",
              limited ? m->jnt_range[2 * j] : -10, limited ? m->jnt_range[2 * j + 1] : 10);
    fprintf(w->file, "<dynamics damping=\"%.15g\" friction=\"%.15g\"/>", m->dof_damping[dof],
            m->dof_frictionloss[dof]);
    w->out->joints++;
  }
  fputs("\n  </joint>\n", w->file);
}

int loom_export_urdf(loomExportWork* w, loomError* err) {
  const mjModel* m = w->m;
  int code = 0;
  for (int i = 0; !code && i < m->nmesh; i++) {
    char name[LOOM_NAME_MAX];
    if (!i) code = loom_make_folder(w->mesh_path, false, err);
    loom_export_name(name, m, mjOBJ_MESH, i);
    if (!code) code = write_mesh(w, i, name, err);
    w->out->meshes++;
  }

  // MuJoCo, which reads it too, keeps links that are fixed, and finds meshes in their folder.
  fprintf(w->file,
          "<?xml version=\"1.0\"?>\n<robot name=\"%s\">\n"
          "  <mujoco><compiler strippath=\"false\" fusestatic=\"false\" discardvisual=\"true\"/></mujoco>\n",
          w->title);

  for (int b = 0; !code && b < m->nbody; b++) code = put_link(w, b, err);

  for (int b = 1; !code && b < m->nbody; b++) put_joint(w, b);
  fputs("</robot>\n", w->file);

  return code;
}
