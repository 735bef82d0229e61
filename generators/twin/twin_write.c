// A twin's folder: scene.xml, task.yaml, meshes and textures, each by a path within it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "generators/twin/twin_part.h"

static int file_path(char out[LOOM_PATH_MAX + 128], const char* folder, const char* name) {
  return snprintf(out, LOOM_PATH_MAX + 128, "%.*s/%.120s", LOOM_PATH_MAX - 1, folder, name);
}

// ---- what is drawn

// Of each triangle its own square of so many texels, in which its corners' colors run into one another:
// MuJoCo draws textures, not colors of vertices.
enum { TEXELS = 4 };

static void fill_square(loomImage* image, const unsigned char* color[3], int x, int y) {
  for (int j = 0; j < TEXELS; j++) {
    for (int i = 0; i < TEXELS; i++) {
      // Corners lie in the middles of three of its corner texels.
      double u = (double)i / (TEXELS - 1), v = (double)j / (TEXELS - 1), w = fmax(1 - u - v, 0),
             sum = u + v + w;
      unsigned char* to = image->rgb + 3 * ((size_t)(y + j) * (size_t)image->width + (size_t)(x + i));
      for (int k = 0; k < 3; k++)
        to[k] = (unsigned char)((w * color[0][k] + u * color[1][k] + v * color[2][k]) / sum + 0.5);
    }
  }
}

// The mesh with texture coordinates into a picture of its vertices' colors.
static int bake_colors(loomImage* image, loomMesh* out, const loomMesh* mesh, loomError* err) {
  int across = (int)ceil(sqrt(mesh->nface)), side = TEXELS * across;
  int code = loom_image_create(image, side, side, err);
  if (!code) code = loom_mesh_create(out, 3 * mesh->nface, mesh->nface, LOOM_MESH_COORDS, err);

  for (int f = 0; !code && f < mesh->nface; f++) {
    int x = TEXELS * (f % across), y = TEXELS * (f / across);
    const unsigned char* color[3];
    for (int k = 0; k < 3; k++) {
      int from = mesh->face[3 * (size_t)f + (size_t)k], to = 3 * f + k;
      color[k] = mesh->color + 3 * (size_t)from;
      memcpy(out->pos + 3 * (size_t)to, mesh->pos + 3 * (size_t)from, 3 * sizeof *out->pos);
      out->face[3 * (size_t)f + (size_t)k] = to;

      double u = x + 0.5 + (k == 1 ? TEXELS - 1 : 0), v = y + 0.5 + (k == 2 ? TEXELS - 1 : 0);
      out->coord[2 * (size_t)to] = (float)(u / side);
      out->coord[2 * (size_t)to + 1] = (float)(1 - v / side);
    }
    fill_square(image, color, x, y);
  }

  return code;
}

// The triangles of one material.
static int take_material(loomMesh* out, const loomMesh* mesh, int material, loomError* err) {
  bool* keep = malloc((size_t)mesh->nface + 1);
  int code = keep ? loom_mesh_copy(out, mesh, err) : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int f = 0; !code && f < mesh->nface; f++) keep[f] = mesh->material[f] == material;
  if (!code) code = loom_mesh_keep(out, keep, err);

  free(keep);
  return code;
}

static int write_look(const char* folder, const char* name, const loomMesh* mesh,
                      const loomScanMaterial* material, loomError* err) {
  char path[LOOM_PATH_MAX + 128], file[128];
  loomImage image = {0};
  loomMesh baked = {0};
  bool colors = !material->image.rgb && mesh->color;
  int code = colors ? bake_colors(&image, &baked, mesh, err) : 0;

  snprintf(file, sizeof file, "textures/%.100s.png", name);
  file_path(path, folder, file);
  const loomImage* texture = colors ? &image : &material->image;
  if (!code && texture->rgb) code = loom_image_write_png(texture, path, err);

  snprintf(file, sizeof file, "meshes/%.100s.obj", name);
  file_path(path, folder, file);
  if (!code) code = loom_mesh_write_obj(colors ? &baked : mesh, path, false, err);

  loom_image_destroy(&image);
  loom_mesh_destroy(&baked);
  return code;
}

// Meshes and textures of a part, and the lines of the model that name them.
static int write_looks(const char* folder, FILE* assets, FILE* geoms, loomTwinScan* told,
                       const loomTwinPart* part, int look, loomError* err) {
  const loomMesh* mesh = &part->scan.mesh;
  int code = 0, n = part->scan.nmaterial > 0 ? part->scan.nmaterial : 1;
  told->drawn = 0;
  for (int m = 0; !code && m < n; m++) {
    const loomScanMaterial plain = {.rgba = {0.7, 0.7, 0.7, 1}},
                           *material = part->scan.nmaterial ? &part->scan.material[m] : &plain;
    loomMesh own = {0};
    char name[LOOM_TWIN_NAME + 16];
    code = take_material(&own, mesh, m, err);
    int share = own.nface ? (int)fmax(4, (double)look * own.nface / mesh->nface) : 0;
    if (!code) code = loom_mesh_simplify(&own, share, 0.02, err);
    snprintf(name, sizeof name, "%s_look%d", told->name, m);
    if (!code && own.nface) code = write_look(folder, name, &own, material, err);

    if (!code && own.nface) {
      const double* c = material->rgba;
      bool texture = material->image.rgb || own.color;
      fprintf(assets, "    <mesh name=\"%s\" file=\"%s.obj\" inertia=\"shell\"/>\n", name, name);
      if (texture) fprintf(assets, "    <texture name=\"%s\" type=\"2d\" file=\"%s.png\"/>\n", name, name);
      fprintf(assets, "    <material name=\"%s\"%s%s%s rgba=\"%.3g %.3g %.3g %.3g\"/>\n", name,
              texture ? " texture=\"" : "", texture ? name : "", texture ? "\"" : "", c[0], c[1], c[2], c[3]);
      fprintf(geoms, "      <geom name=\"%s\" class=\"look\" type=\"mesh\" mesh=\"%s\" material=\"%s\"/>\n",
              name, name, name);
    }
    told->drawn += own.nface;
    loom_mesh_destroy(&own);
  }

  return code;
}

// ---- what collides

static int write_shapes(const char* folder, FILE* assets, FILE* geoms, const loomTwinPart* part,
                        loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < part->nshape; i++) {
    const loomShape* s = &part->shape[i];
    char name[LOOM_TWIN_NAME + 16], file[128], path[LOOM_PATH_MAX + 128];
    snprintf(name, sizeof name, "%s_%d", part->told.name, i);
    if (s->type != LOOM_SHAPE_HULL) {
      bool box = s->type == LOOM_SHAPE_BOX;
      fprintf(geoms, "      <geom name=\"%s\" class=\"piece\" type=\"%s\" size=\"%.6g %.6g", name,
              box ? "box" : "cylinder", s->size[0], s->size[1]);
      if (box) fprintf(geoms, " %.6g", s->size[2]);
      fprintf(geoms, "\" pos=\"%.6g %.6g %.6g\" quat=\"%.9g %.9g %.9g %.9g\"/>\n", s->pos[0], s->pos[1],
              s->pos[2], s->quat[0], s->quat[1], s->quat[2], s->quat[3]);
      continue;
    }

    snprintf(file, sizeof file, "meshes/%.100s.obj", name);
    file_path(path, folder, file);
    code = loom_mesh_write_obj(&s->hull, path, false, err);
    fprintf(assets, "    <mesh name=\"%s\" file=\"%s.obj\" inertia=\"convex\"/>\n", name, name);
    fprintf(geoms, "      <geom name=\"%s\" class=\"piece\" type=\"mesh\" mesh=\"%s\"/>\n", name, name);
  }

  return code;
}

// What collisions were made from, for whoever cuts it up.
static int write_surface(const char* folder, const loomTwinPart* part, loomError* err) {
  char file[128], path[LOOM_PATH_MAX + 128];
  snprintf(file, sizeof file, "meshes/%.90s_surface.obj", part->told.name);
  file_path(path, folder, file);
  return loom_mesh_write_obj(&part->surface, path, true, err);
}

// ---- the model

static void write_head(FILE* out, const char* task) {
  fprintf(out,
          "<!-- Made by `demoloom twin new`: yours to change. -->\n"
          "<mujoco model=\"%s\">\n"
          "  <compiler angle=\"radian\" autolimits=\"true\" meshdir=\"meshes\" texturedir=\"textures\"/>\n"
          "  <option timestep=\"0.002\" integrator=\"implicitfast\" cone=\"elliptic\" impratio=\"20\"/>\n"
          "  <statistic center=\"0 0 0.8\" extent=\"1.5\"/>\n"
          "  <visual>\n"
          "    <global offwidth=\"1920\" offheight=\"1080\"/>\n"
          "    <headlight ambient=\"0.4 0.4 0.4\" diffuse=\"0.5 0.5 0.5\"/>\n"
          "  </visual>\n"
          "  <default>\n"
          "    <default class=\"look\">\n"
          "      <geom group=\"1\" contype=\"0\" conaffinity=\"0\" density=\"0\"/>\n"
          "    </default>\n"
          "    <default class=\"solid\">\n"
          "      <geom group=\"0\" condim=\"4\" friction=\"1 0.01 0.0001\" solref=\"0.005 1\"/>\n"
          "      <default class=\"piece\">\n"
          "        <geom rgba=\"0.6 0.65 0.75 1\"/>\n"
          "      </default>\n"
          "    </default>\n"
          "  </default>\n",
          task);
}

static void write_object_body(FILE* out, const loomTwinPart* part, const loomTwinSpot* spot,
                              const char* geoms) {
  const double *c = part->center, *i = part->inertia;
  fprintf(out,
          "    <body name=\"%s\" pos=\"%.5g %.5g %.5g\">\n"
          "      <freejoint name=\"%s_joint\"/>\n"
          "      <inertial pos=\"%.9g %.9g %.9g\" mass=\"%.9g\" fullinertia=\"%.9g %.9g %.9g %.9g %.9g "
          "%.9g\"/>\n%s"
          "    </body>\n",
          part->told.name, spot->pos[0], spot->pos[1], spot->pos[2] + 0.001, part->told.name, c[0], c[1],
          c[2], part->told.mass, i[0], i[4], i[8], i[1], i[2], i[5], geoms);
}

static void write_world(FILE* out, const loomTwinLayout* at, bool room) {
  double z = at->top;
  fprintf(
      out,
      "    <light pos=\"0.6 0 %.3g\" dir=\"-0.2 0 -1\" diffuse=\"0.5 0.5 0.5\"/>\n"
      "    <camera name=\"front\" pos=\"1.5 0 %.4g\" xyaxes=\"0 1 0 -0.5 0 1\" fovy=\"50\"/>\n"
      "    <camera name=\"side\" pos=\"1.1 -1.1 %.4g\" xyaxes=\"0.707 0.707 0 -0.35 0.35 1\" fovy=\"50\"/>\n",
      z + 1.8, z + 0.9, z + 0.8);
  fprintf(out,
          "    <geom name=\"floor\" class=\"solid\" group=\"%d\" type=\"plane\" size=\"6 6 0.1\" "
          "material=\"floor\"/>\n",
          room ? 0 : 1);
  if (room)
    fprintf(out,
            "    <geom name=\"floor_look\" class=\"look\" type=\"plane\" size=\"6 6 0.1\" pos=\"0 0 -0.02\" "
            "material=\"floor\"/>\n");
  if (at->table)
    fprintf(
        out,
        "    <body name=\"table\" pos=\"0 0 %.6g\">\n"
        "      <geom name=\"table_top\" class=\"solid\" group=\"1\" type=\"box\" size=\"%.4g %.4g 0.025\" "
        "material=\"table\"/>\n"
        "      <geom name=\"table_leg\" class=\"look\" type=\"box\" size=\"0.06 0.06 %.4g\" pos=\"0 0 %.4g\" "
        "material=\"table\"/>\n"
        "    </body>\n",
        z - 0.025, at->half[0], at->half[1], z / 2 - 0.025, -z / 2);
  fprintf(out, "    <site name=\"surface\" pos=\"0 0 %.6g\" size=\"0.005\" rgba=\"0 0 0 0\"/>\n", z);
}

static int write_parts(const char* folder, FILE* assets, FILE* bodies, const loomTwinWork* work,
                       const loomTwinLayout* at, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < work->out->n; i++) {
    const loomTwinPart* part = &work->part[i];
    char* geoms = NULL;
    size_t size = 0;
    FILE* lines = open_memstream(&geoms, &size);
    if (!lines) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

    work->out->scan[i] = part->told;
    code = write_looks(folder, assets, lines, &work->out->scan[i], part, work->def->look, err);
    if (!code) code = write_shapes(folder, assets, lines, part, err);
    if (!code) code = write_surface(folder, part, err);
    if (fclose(lines) && !code) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

    int object = i - work->part[0].told.scene;
    if (!code && part->told.scene)
      fprintf(bodies, "    <body name=\"%s\" pos=\"%.6g %.6g 0\">\n%s    </body>\n", part->told.name,
              at->room[0], at->room[1], geoms);
    if (!code && !part->told.scene) write_object_body(bodies, part, &at->spot[object], geoms);
    free(geoms);
  }

  return code;
}

static int write_scene(const char* folder, const loomTwinWork* work, const loomTwinLayout* at,
                       loomError* err) {
  char path[LOOM_PATH_MAX + 128], *assets = NULL, *bodies = NULL;
  size_t size[2];
  FILE *list = open_memstream(&assets, &size[0]), *world = open_memstream(&bodies, &size[1]);
  if (!list || !world) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  int code = write_parts(folder, list, world, work, at, err);
  if (fclose(list) + fclose(world) && !code)
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

  loomFile file = {0};
  file_path(path, folder, "scene.xml");
  if (!code) code = loom_file_begin(&file, path, err);
  if (!code) {
    write_head(file.stream, work->out->task);
    fprintf(file.stream,
            "  <asset>\n"
            "    <texture name=\"sky\" type=\"skybox\" builtin=\"gradient\" rgb1=\"0.9 0.92 0.95\" "
            "rgb2=\"0.6 0.66 0.74\" "
            "width=\"64\" height=\"64\"/>\n"
            "    <material name=\"floor\" rgba=\"0.72 0.72 0.74 1\"/>\n"
            "    <material name=\"table\" rgba=\"0.82 0.72 0.58 1\"/>\n%s  </asset>\n  <worldbody>\n",
            assets);
    write_world(file.stream, at, work->part[0].told.scene);
    fprintf(file.stream, "%s  </worldbody>\n</mujoco>\n", bodies);
    code = loom_file_commit(&file, err);
  }

  free(assets);
  free(bodies);
  return code;
}

int loom_twin_write(const char* folder, const loomTwinWork* work, const loomTwinLayout* at, loomError* err) {
  static const char* const folders[] = {"meshes", "textures"};
  char path[LOOM_PATH_MAX + 128];
  int code = 0;
  for (int i = 0; !code && i < 2; i++) {
    file_path(path, folder, folders[i]);
    code = loom_make_folder(path, false, err);
  }
  if (!code) code = write_scene(folder, work, at, err);

  // The task last: a folder that has it is whole.
  loomFile file = {0};
  file_path(path, folder, "task.yaml");
  if (!code) code = loom_file_begin(&file, path, err);
  if (code) return code;
  loom_twin_write_task(file.stream, work, at);

  return loom_file_commit(&file, err);
}
