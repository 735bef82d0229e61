#include "engine/model/simplify.h"

#include <math.h>
#include <meshoptimizer.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

loomSimplifyDef loom_default_simplify_def(void) {
  return (loomSimplifyDef){.error = 0.004, .min_faces = 200, .texture = 512};
}

// Corners of a mesh's triangles as they were: vertex, normal and texture coordinate. Its places: vertices of
// one place are one, though their normals differ and, where no picture is on it, their texture coordinates,
// else no edge between them could go (OBJ files have them apart). And the corners at each place as a linked
// list.
typedef struct corners {
  int count;                     // 3 a face
  int *vertex, *normal, *coord;  // (count); coord is NULL where there are none
  size_t places;
  float* place;                   // (places x 3)
  int *first, *next;              // (places), (count); -1 ends a list
  unsigned int *index, *reduced;  // (count) places
} corners;

static void free_corners(corners* c) {
  free(c->vertex);
  free(c->normal);
  free(c->coord);
  free(c->place);
  free(c->first);
  free(c->next);
  free(c->index);
  free(c->reduced);
}

static int* copy_ints(const int* from, int n) {
  int* to = malloc((size_t)n * sizeof *to);
  if (to) memcpy(to, from, (size_t)n * sizeof *to);
  return to;
}

// Corners of one position and, where a picture is on the mesh, one texture coordinate: what lies on two sides
// of its seam stays so, and goes together (meshoptimizer knows vertices of one position).
static bool find_places(corners* c, const mjModel* m, int mesh, bool pictured) {
  size_t count = (size_t)c->count, bytes = 3 * sizeof(float), streams = c->coord && pictured ? 2 : 1;
  const float *vert = m->mesh_vert + 3 * m->mesh_vertadr[mesh],
              *coord = c->coord ? m->mesh_texcoord + 2 * m->mesh_texcoordadr[mesh] : NULL;
  float *at = malloc(count * bytes), *on = malloc(2 * count * sizeof *on);
  unsigned int* remap = malloc(count * sizeof *remap);
  bool room = at && on && remap;

  for (size_t i = 0; room && i < count; i++) {
    memcpy(at + 3 * i, vert + 3 * c->vertex[i], bytes);
    if (coord) memcpy(on + 2 * i, coord + 2 * c->coord[i], 2 * sizeof *on);
  }
  if (room) {
    const struct meshopt_Stream stream[2] = {{at, bytes, bytes}, {on, 2 * sizeof *on, 2 * sizeof *on}};
    c->places = meshopt_generateVertexRemapMulti(remap, NULL, count, count, stream, streams);
    meshopt_remapVertexBuffer(c->place, at, count, bytes, remap);
    meshopt_remapIndexBuffer(c->index, NULL, count, remap);
  }

  free(at);
  free(on);
  free(remap);
  return room;
}

static bool read_corners(corners* c, const mjModel* m, int mesh, bool pictured) {
  int from = 3 * m->mesh_faceadr[mesh];
  bool coords = m->mesh_texcoordadr[mesh] >= 0;

  *c = (corners){.count = 3 * m->mesh_facenum[mesh]};
  size_t count = (size_t)c->count;
  c->vertex = copy_ints(m->mesh_face + from, c->count);
  c->normal = copy_ints(m->mesh_facenormal + from, c->count);
  if (coords) c->coord = copy_ints(m->mesh_facetexcoord + from, c->count);

  c->place = malloc(3 * count * sizeof *c->place);
  c->first = malloc(count * sizeof *c->first);
  c->next = malloc(count * sizeof *c->next);
  c->index = malloc(count * sizeof *c->index);
  c->reduced = malloc(count * sizeof *c->reduced);
  bool room = c->vertex && c->normal && (!coords || c->coord) && c->place && c->first && c->next &&
              c->index && c->reduced;
  if (!room || !find_places(c, m, mesh, pictured)) return false;

  // Linked from the last corner back, so that each list runs in the mesh's order.
  for (size_t v = 0; v < c->places; v++) c->first[v] = -1;
  for (int i = c->count - 1; i >= 0; i--) {
    c->next[i] = c->first[c->index[i]];
    c->first[c->index[i]] = i;
  }

  return true;
}

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simpler mesh");
}

static void face_normal(double out[3], const float* vert, const unsigned int* face) {
  double a[3], b[3];

  for (int k = 0; k < 3; k++) {
    a[k] = (double)vert[3 * face[1] + (unsigned)k] - (double)vert[3 * face[0] + (unsigned)k];
    b[k] = (double)vert[3 * face[2] + (unsigned)k] - (double)vert[3 * face[0] + (unsigned)k];
  }

  // Its length does not matter: only corners at one place are compared by it.
  mju_cross(out, a, b);
}

// Of the corners at a place, the one whose normal is nearest the new triangle's: sharp edges stay sharp.
static int best_corner(const corners* c, const float* normals, unsigned int place, const double n[3]) {
  int best = -1;
  double most = -INFINITY;

  for (int i = c->first[place]; i >= 0; i = c->next[i]) {
    const float* at = normals + 3 * c->normal[i];
    double along = n[0] * (double)at[0] + n[1] * (double)at[1] + n[2] * (double)at[2];
    if (along > most) {
      most = along;
      best = i;
    }
  }

  return best;
}

static int simplify_mesh(mjModel* m, int mesh, bool pictured, const loomSimplifyDef* def, loomError* err) {
  corners c;
  const float* normals = m->mesh_normal + 3 * m->mesh_normaladr[mesh];
  if (!read_corners(&c, m, mesh, pictured)) {
    free_corners(&c);
    return no_memory(err);
  }

  // As few triangles as the largest deviation allows: a share of the mesh's size, and so many meters.
  double size = (double)meshopt_simplifyScale(c.place, c.places, 3 * sizeof(float)),
         error = def->most > 0 && size > 0 ? fmin(def->error, def->most / size) : def->error;
  size_t n = meshopt_simplify(c.reduced, c.index, (size_t)c.count, c.place, c.places, 3 * sizeof(float), 0,
                              (float)error, 0, NULL);

  // Written over the mesh's own: there are never more.
  int to = 3 * m->mesh_faceadr[mesh];
  for (size_t i = 0; n && i < n; i++) {
    double normal[3];
    face_normal(normal, c.place, c.reduced + i - i % 3);
    int corner = best_corner(&c, normals, c.reduced[i], normal);
    m->mesh_face[to + (int)i] = c.vertex[corner];
    m->mesh_facenormal[to + (int)i] = c.normal[corner];
    if (c.coord) m->mesh_facetexcoord[to + (int)i] = c.coord[corner];
  }

  if (n) m->mesh_facenum[mesh] = (int)(n / 3);
  free_corners(&c);
  return 0;
}

// ---- meshes in files, before the model is compiled

// Does anything show a picture on it?
static bool textured(const mjModel* m, int mesh) {
  for (int g = 0; g < m->ngeom; g++) {
    bool shown = m->geom_type[g] == mjGEOM_MESH && m->geom_dataid[g] == mesh && m->geom_matid[g] >= 0;
    if (shown && m->mat_texid[m->geom_matid[g] * mjNTEXROLE + mjTEXROLE_RGB] >= 0) return true;
  }
  return false;
}

// One that only gives a box or the like its size, or that something collides with, stays as it is.
static bool may_change(const mjModel* m, int mesh, const loomSimplifyDef* def) {
  bool seen = false;
  for (int g = 0; g < m->ngeom; g++) {
    bool of_it = m->geom_type[g] == mjGEOM_MESH && m->geom_dataid[g] == mesh;
    if (of_it && !def->colliding && (m->geom_contype[g] || m->geom_conaffinity[g])) return false;
    seen = seen || of_it;
  }
  return seen;
}

// A model of this mesh alone; NULL where MuJoCo does not take it.
static mjModel* compile_alone(const mjsMesh* mesh, const mjVFS* vfs) {
  mjSpec* spec = mj_makeSpec();
  if (!spec) return NULL;

  mjsMesh* copy = mjs_addMesh(spec, NULL);
  mjs_setName(copy->element, "mesh");
  mjs_setString(copy->file, mjs_getString(mesh->file));
  mjs_setString(copy->content_type, mjs_getString(mesh->content_type));
  memcpy(copy->refpos, mesh->refpos, sizeof copy->refpos);
  memcpy(copy->refquat, mesh->refquat, sizeof copy->refquat);
  memcpy(copy->scale, mesh->scale, sizeof copy->scale);
  copy->inertia = mjMESH_INERTIA_SHELL;  // no mesh is too thin for that
  copy->smoothnormal = mesh->smoothnormal;

  mjModel* m = mj_compile(spec, vfs);
  mj_deleteSpec(spec);
  return m;
}

// Rows of `from` (width numbers each) that index names, in the order in which it does, and index into those.
static float* keep_used(int* rows, int* index, int n, const float* from, int all, int width) {
  int* place = malloc((size_t)all * sizeof *place);
  float* used = malloc((size_t)n * (size_t)width * sizeof *used);
  *rows = 0;

  for (int i = 0; place && i < all; i++) place[i] = -1;
  for (int i = 0; place && used && i < n; i++) {
    int at = index[i];
    if (place[at] < 0) {
      memcpy(used + (ptrdiff_t)width * *rows, from + (ptrdiff_t)width * at, (size_t)width * sizeof *used);
      place[at] = (*rows)++;
    }
    index[i] = place[at];
  }

  bool room = place && used;
  free(place);
  if (room) return used;
  free(used);
  return NULL;
}

// From the frame that MuJoCo has moved a mesh to, back into that of its file.
static void move_back(float* at, int n, const double pos[3], const double quat[4]) {
  for (int i = 0; i < n; i++) {
    double v[3] = {(double)at[3 * i], (double)at[3 * i + 1], (double)at[3 * i + 2]};
    mju_rotVecQuat(v, v, quat);
    for (int k = 0; k < 3; k++) at[3 * i + k] = (float)(v[k] + pos[k]);
  }
}

// Mesh 0 of m in place of the file that the specification names.
static bool put_mesh(mjsMesh* mesh, mjModel* m) {
  static const double origin[3] = {0};
  int n = 3 * m->mesh_facenum[0], verts, normals, coords = 0;
  bool pictures = m->mesh_texcoordadr[0] >= 0;

  float* vert = keep_used(&verts, m->mesh_face, n, m->mesh_vert, m->mesh_vertnum[0], 3);
  float* normal = keep_used(&normals, m->mesh_facenormal, n, m->mesh_normal, m->mesh_normalnum[0], 3);
  float* coord =
      pictures ? keep_used(&coords, m->mesh_facetexcoord, n, m->mesh_texcoord, m->mesh_texcoordnum[0], 2)
               : NULL;

  bool room = vert && normal && (!pictures || coord);
  if (room) {
    move_back(vert, verts, m->mesh_pos, m->mesh_quat);
    move_back(normal, normals, origin, m->mesh_quat);

    mjs_setString(mesh->file, "");
    mjs_setFloat(mesh->uservert, vert, 3 * verts);
    mjs_setFloat(mesh->usernormal, normal, 3 * normals);
    mjs_setInt(mesh->userface, m->mesh_face, n);
    mjs_setInt(mesh->userfacenormal, m->mesh_facenormal, n);
    if (pictures) mjs_setFloat(mesh->usertexcoord, coord, 2 * coords);
    if (pictures) mjs_setInt(mesh->userfacetexcoord, m->mesh_facetexcoord, n);

    mju_zero3(mesh->refpos);
    mju_unit4(mesh->refquat);
    for (int k = 0; k < 3; k++) mesh->scale[k] = 1;
    mesh->inertia = mjMESH_INERTIA_SHELL;  // little is left of a thin one
  }

  free(vert);
  free(normal);
  free(coord);
  return room;
}

int loom_simplify_files(bool* done, mjSpec* spec, const mjVFS* vfs, const mjModel* outline,
                        const loomSimplifyDef* def, loomError* err) {
  int code = 0, i = 0;
  mjsElement* element = mjs_firstElement(spec, mjOBJ_MESH);

  for (; !code && element && i < outline->nmesh; element = mjs_nextElement(spec, element), i++) {
    mjsMesh* mesh = mjs_asMesh(element);
    if (!*mjs_getString(mesh->file) || !may_change(outline, i, def)) continue;

    mjModel* m = compile_alone(mesh, vfs);
    if (!m) continue;

    if (m->mesh_facenum[0] >= def->min_faces) {
      code = simplify_mesh(m, 0, textured(outline, i), def, err);
      if (!code && !put_mesh(mesh, m)) code = no_memory(err);
    }
    done[i] = true;
    mj_deleteModel(m);
  }

  return code;
}

// ---- what is compiled

// Each pixel becomes the mean of four.
static void halve_texture(mjModel* m, int tex) {
  int width = m->tex_width[tex], channels = m->tex_nchannel[tex];
  mjtByte* data = m->tex_data + m->tex_adr[tex];

  // In place: what a pixel is written over has been read already.
  for (int y = 0; y < m->tex_height[tex] / 2; y++) {
    for (int x = 0; x < width / 2; x++) {
      for (int c = 0; c < channels; c++) {
        const mjtByte* from = data + (size_t)channels * (size_t)(2 * y * width + 2 * x) + c;
        size_t line = (size_t)channels * (size_t)width;
        int sum = from[0] + from[channels] + from[line] + from[line + (size_t)channels];

        data[(size_t)channels * (size_t)(y * (width / 2) + x) + (size_t)c] = (mjtByte)((sum + 2) / 4);
      }
    }
  }

  m->tex_width[tex] = width / 2;
  m->tex_height[tex] /= 2;
}

int loom_simplify_compiled(mjModel* m, const bool* done, const loomSimplifyDef* def, loomError* err) {
  int code = 0;

  for (int mesh = 0; !code && mesh < m->nmesh; mesh++) {
    if (!(done && done[mesh]) && m->mesh_facenum[mesh] >= def->min_faces && may_change(m, mesh, def))
      code = simplify_mesh(m, mesh, textured(m, mesh), def, err);
  }

  for (int tex = 0; !code && tex < m->ntex; tex++) {
    while (m->tex_type[tex] == mjTEXTURE_2D && m->tex_width[tex] > def->texture) halve_texture(m, tex);
  }

  return code;
}
