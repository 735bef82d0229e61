// USD as text (.usda), with UsdPhysics: bodies side by side in the world, joints by their frames in both
// bodies when the joint is at 0.
#include <math.h>
#include <mujoco/mujoco.h>
#include <string.h>

#include "generators/twin/export_work.h"

static void put_pose(FILE* out, const char* indent, const double pos[3], const double quat[4]) {
  fprintf(out,
          "%sdouble3 xformOp:translate = (%.15g, %.15g, %.15g)\n%squatd xformOp:orient = (%.15g, %.15g, "
          "%.15g, %.15g)\n",
          indent, pos[0], pos[1], pos[2], indent, quat[0], quat[1], quat[2], quat[3]);
}

static void put_order(FILE* out, const char* indent, bool scaled) {
  fprintf(out, "%suniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:orient\"%s]\n", indent,
          scaled ? ", \"xformOp:scale\"" : "");
}

// ---- shapes

static void put_mesh(FILE* out, const mjModel* m, int mesh) {
  const float* v = m->mesh_vert + 3 * (ptrdiff_t)m->mesh_vertadr[mesh];
  const int* f = m->mesh_face + 3 * (ptrdiff_t)m->mesh_faceadr[mesh];
  int nf = m->mesh_facenum[mesh];
  fputs("            int[] faceVertexCounts = [", out);

  for (int i = 0; i < nf; i++) fprintf(out, "%s3", i ? "," : "");
  fputs("]\n            int[] faceVertexIndices = [", out);

  for (int i = 0; i < 3 * nf; i++) fprintf(out, "%s%d", i ? "," : "", f[i]);
  fputs("]\n            point3f[] points = [", out);

  for (int i = 0; i < m->mesh_vertnum[mesh]; i++)
    fprintf(out, "%s(%.9g,%.9g,%.9g)", i ? "," : "", (double)v[3 * i], (double)v[3 * i + 1],
            (double)v[3 * i + 2]);
  fputs("]\n            uniform token subdivisionScheme = \"none\"\n", out);
}

static int put_shape(loomExportWork* w, int geom, loomError* err) {
  const mjModel* m = w->m;
  const double *size = m->geom_size + 3 * (ptrdiff_t)geom, *pos = m->geom_pos + 3 * (ptrdiff_t)geom;
  bool collides = loom_export_collides(m, geom), mesh = m->geom_type[geom] == mjGEOM_MESH, box = false;
  char name[LOOM_NAME_MAX], kind[16] = "", text[256] = "";
  double scale[3] = {1, 1, 1}, at[3];
  mju_copy3(at, pos);
  loom_export_name(name, m, mjOBJ_GEOM, geom);

  switch (m->geom_type[geom]) {
    case mjGEOM_BOX:
    case mjGEOM_PLANE:  // a slab below it
      box = true;
      snprintf(kind, sizeof kind, "Cube");
      snprintf(text, sizeof text, "            double size = 2\n");
      mju_copy3(scale, size);
      if (m->geom_type[geom] == mjGEOM_BOX) break;
      for (int k = 0; k < 2; k++) scale[k] = size[k] > 0 ? size[k] : 10;
      scale[2] = 0.05;
      at[2] -= 0.05;
      break;
    case mjGEOM_SPHERE:
      snprintf(kind, sizeof kind, "Sphere");
      snprintf(text, sizeof text, "            double radius = %.15g\n", size[0]);
      break;
    case mjGEOM_CYLINDER:
    case mjGEOM_CAPSULE:
      snprintf(kind, sizeof kind, m->geom_type[geom] == mjGEOM_CAPSULE ? "Capsule" : "Cylinder");
      snprintf(text, sizeof text,
               "            uniform token axis = \"Z\"\n            double radius = %.15g\n            "
               "double height = %.15g\n",
               size[0], 2 * size[1]);
      break;
    case mjGEOM_MESH:
      snprintf(kind, sizeof kind, "Mesh");
      break;
    default:
      return loom_export_warn(w, err, "shapes of some kind that the scene has are left out");
  }

  const float* c = loom_export_color(m, geom);
  fprintf(w->file, "        def %s \"%s_%d\"", kind, name, geom);
  if (collides)
    fprintf(w->file, " (\n            prepend apiSchemas = [\"PhysicsCollisionAPI\"%s]\n        )",
            mesh ? ", \"PhysicsMeshCollisionAPI\"" : "");
  fputs("\n        {\n", w->file);
  fputs(text, w->file);
  if (mesh) put_mesh(w->file, m, m->geom_dataid[geom]);
  if (mesh && collides) fputs("            uniform token physics:approximation = \"convexHull\"\n", w->file);
  if (!loom_export_shows(m, geom)) fputs("            uniform token purpose = \"guide\"\n", w->file);
  fprintf(w->file, "            color3f[] primvars:displayColor = [(%.4g, %.4g, %.4g)]\n", (double)c[0],
          (double)c[1], (double)c[2]);
  put_pose(w->file, "            ", at, m->geom_quat + 4 * (ptrdiff_t)geom);
  if (box)
    fprintf(w->file, "            double3 xformOp:scale = (%.15g, %.15g, %.15g)\n", scale[0], scale[1],
            scale[2]);
  put_order(w->file, "            ", box);
  fputs("        }\n", w->file);
  w->out->shapes++;
  w->out->meshes += mesh;
  if (m->geom_matid[geom] < 0 || m->mat_texid[mjNTEXROLE * m->geom_matid[geom] + mjTEXROLE_RGB] < 0) return 0;
  return loom_export_warn(w, err, "textures stay behind: shapes have their material's color");
}

// ---- bodies and joints

static int put_body(loomExportWork* w, int body, loomError* err) {
  const mjModel* m = w->m;
  char name[LOOM_NAME_MAX];
  bool moves = m->body_weldid[body] != 0;
  int code = 0, first = m->body_geomadr[body];
  loom_export_name(name, m, mjOBJ_BODY, body);
  fprintf(w->file, "    def Xform \"%s\"", name);
  if (moves)
    fputs(" (\n        prepend apiSchemas = [\"PhysicsRigidBodyAPI\", \"PhysicsMassAPI\"]\n    )", w->file);
  fputs("\n    {\n", w->file);
  if (moves) {
    const double *center = m->body_ipos + 3 * (ptrdiff_t)body, *i = m->body_inertia + 3 * (ptrdiff_t)body,
                 *q = m->body_iquat + 4 * (ptrdiff_t)body;
    fprintf(w->file,
            "        float physics:mass = %.9g\n        point3f physics:centerOfMass = (%.9g, %.9g, %.9g)\n"
            "        float3 physics:diagonalInertia = (%.9g, %.9g, %.9g)\n"
            "        quatf physics:principalAxes = (%.9g, %.9g, %.9g, %.9g)\n",
            m->body_mass[body], center[0], center[1], center[2], i[0], i[1], i[2], q[0], q[1], q[2], q[3]);
  }
  put_pose(w->file, "        ", w->d->xpos + 3 * (ptrdiff_t)body, w->d->xquat + 4 * (ptrdiff_t)body);
  put_order(w->file, "        ", false);

  for (int g = first; !code && g < first + m->body_geomnum[body]; g++) code = put_shape(w, g, err);
  fputs("    }\n", w->file);

  return code;
}

// Its x axis is what it slides along, or turns about.
static void put_joint(loomExportWork* w, int body) {
  const mjModel* m = w->m;
  int j = loom_export_joint(m, body), parent = m->body_parentid[body];
  if ((j >= 0 && m->jnt_type[j] == mjJNT_FREE) || !m->body_weldid[body]) return;
  char link[LOOM_NAME_MAX], above[LOOM_NAME_MAX], name[2 * LOOM_NAME_MAX];
  const double x[3] = {1, 0, 0};
  double at[3] = {0}, frame[4] = {1, 0, 0, 0}, place[3], turn[4];
  bool slides = j >= 0 && m->jnt_type[j] == mjJNT_SLIDE;
  loomPose zero = loom_export_zero(m, body);
  loom_export_name(link, m, mjOBJ_BODY, body);
  loom_export_name(above, m, mjOBJ_BODY, parent);
  snprintf(name, sizeof name, "%s_fixed", link);
  if (j >= 0) {
    const double* axis = m->jnt_axis + 3 * (ptrdiff_t)j;
    double cross[3], half[4];
    loom_export_name(name, m, mjOBJ_JOINT, j);
    mju_copy3(at, m->jnt_pos + 3 * (ptrdiff_t)j);

    // The shortest way from x to the axis; any half turn where they are opposed.
    mju_cross(cross, x, axis);
    half[0] = 1 + axis[0];
    mju_copy3(half + 1, cross);
    if (half[0] < 1e-9) mju_copy4(half, (const double[]){0, 0, 0, 1});
    mju_normalize4(half);
    mju_copy4(frame, half);
  }
  loom_quat_rotate(place, zero.quat, at);
  mju_addTo3(place, zero.pos);
  loom_quat_mul(turn, zero.quat, frame);

  fprintf(w->file, "    def Physics%s \"%s\"\n    {\n",
          j < 0    ? "FixedJoint"
          : slides ? "PrismaticJoint"
                   : "RevoluteJoint",
          name);
  if (parent) fprintf(w->file, "        rel physics:body0 = </World/%s>\n", above);
  fprintf(w->file,
          "        rel physics:body1 = </World/%s>\n"
          "        point3f physics:localPos0 = (%.9g, %.9g, %.9g)\n        quatf physics:localRot0 = (%.9g, "
          "%.9g, %.9g, %.9g)\n"
          "        point3f physics:localPos1 = (%.9g, %.9g, %.9g)\n        quatf physics:localRot1 = (%.9g, "
          "%.9g, %.9g, %.9g)\n",
          link, place[0], place[1], place[2], turn[0], turn[1], turn[2], turn[3], at[0], at[1], at[2],
          frame[0], frame[1], frame[2], frame[3]);
  if (j >= 0) {
    double by = slides ? 1 : 180 / mjPI;
    int dof = m->jnt_dofadr[j];
    fputs("        uniform token physics:axis = \"X\"\n", w->file);
    if (m->jnt_limited[j])
      fprintf(w->file, "        float physics:lowerLimit = %.9g\n        float physics:upperLimit = %.9g\n",
              by * m->jnt_range[2 * j], by * m->jnt_range[2 * j + 1]);
    fprintf(w->file,
            "        custom double demoloom:damping = %.9g\n        custom double demoloom:friction = %.9g\n",
            m->dof_damping[dof], m->dof_frictionloss[dof]);
    w->out->joints++;
  }
  fputs("    }\n", w->file);
}

int loom_export_usd(loomExportWork* w, loomError* err) {
  const mjModel* m = w->m;
  int code = 0;
  fprintf(w->file,
          "#usda 1.0\n(\n    defaultPrim = \"World\"\n    doc = \"%s, by demoloom twin export\"\n    "
          "kilogramsPerUnit = 1\n"
          "    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n\ndef Xform \"World\"\n{\n"
          "    def PhysicsScene \"physics\"\n    {\n        vector3f physics:gravityDirection = (0, 0, -1)\n"
          "        float physics:gravityMagnitude = %.9g\n    }\n",
          w->title, -m->opt.gravity[2]);

  for (int b = 0; !code && b < m->nbody; b++) code = put_body(w, b, err);

  for (int b = 1; !code && b < m->nbody; b++) put_joint(w, b);
  fputs("}\n", w->file);

  return code;
}
