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

// Does anything show a picture on it?
static bool textured(const mjModel* m, int mesh) {
  for (int g = 0; g < m->ngeom; g++) {
    bool shown = m->geom_type[g] == mjGEOM_MESH && m->geom_dataid[g] == mesh && m->geom_matid[g] >= 0;
    if (shown && m->mat_texid[m->geom_matid[g] * mjNTEXROLE + mjTEXROLE_RGB] >= 0) return true;
  }
  return false;
}

// Corners of one position and, where a picture is on the mesh, one texture coordinate: what lies on two sides
// of its seam stays so, and goes together (meshoptimizer knows vertices of one position).
static bool find_places(corners* c, const mjModel* m, int mesh) {
  size_t count = (size_t)c->count, bytes = 3 * sizeof(float), streams = c->coord && textured(m, mesh) ? 2 : 1;
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

static bool read_corners(corners* c, const mjModel* m, int mesh) {
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
  if (!room || !find_places(c, m, mesh)) return false;

  // Linked from the last corner back, so that each list runs in the mesh's order.
  for (size_t v = 0; v < c->places; v++) c->first[v] = -1;
  for (int i = c->count - 1; i >= 0; i--) {
    c->next[i] = c->first[c->index[i]];
    c->first[c->index[i]] = i;
  }

  return true;
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

static int simplify_mesh(mjModel* m, int mesh, const loomSimplifyDef* def, loomError* err) {
  corners c;
  const float* normals = m->mesh_normal + 3 * m->mesh_normaladr[mesh];
  if (!read_corners(&c, m, mesh)) {
    free_corners(&c);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simpler mesh");
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

static bool collides(const mjModel* m, int mesh) {
  for (int g = 0; g < m->ngeom; g++) {
    if (m->geom_dataid[g] == mesh && (m->geom_contype[g] || m->geom_conaffinity[g])) return true;
  }

  return false;
}

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

int loom_model_simplify(mjModel* m, const loomSimplifyDef* def, loomError* err) {
  loomSimplifyDef usual = loom_default_simplify_def();
  if (!def) def = &usual;
  int code = 0;

  for (int mesh = 0; !code && mesh < m->nmesh; mesh++) {
    if (m->mesh_facenum[mesh] >= def->min_faces && !collides(m, mesh))
      code = simplify_mesh(m, mesh, def, err);
  }

  for (int tex = 0; !code && tex < m->ntex; tex++) {
    while (m->tex_type[tex] == mjTEXTURE_2D && m->tex_width[tex] > def->texture) halve_texture(m, tex);
  }

  return code;
}
