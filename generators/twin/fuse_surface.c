// The surface of a grid: each cube between eight voxels is divided into six tetrahedra along its diagonal
// (Freudenthal's division, alike in all cubes, so that neighbors agree), and each of these is cut where the
// distance is 0 (Doi and Koide, "An efficient method of triangulating equi-valued surfaces by using
// tetrahedral cells", 1991).
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fuse_work.h"

/// A corner of a cube.
typedef struct corner {
  double distance, pos[3], color[3];
  int64_t number;  // of its voxel
} corner;

/// A mesh that grows, and which vertex lies on which edge between voxels.
typedef struct surface {
  const loomGrid* grid;
  int nvert, vert_room, nface, face_room;
  double* pos;
  unsigned char* color;
  int* face;
  size_t used, slots;  // of the table, a power of 2
  int64_t (*edge)[2];  // (slots) voxel and direction, 0 = empty; vertex
} surface;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");
}

// ---- vertices on edges

static size_t slot_of(const surface* s, int64_t key) {
  uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u;
  size_t i = (size_t)(h >> 20) & (s->slots - 1);
  while (s->edge[i][0] && s->edge[i][0] != key) i = (i + 1) & (s->slots - 1);
  return i;
}

static int grow_edges(surface* s, loomError* err) {
  if (2 * (s->used + 1) < s->slots) return 0;
  size_t before = s->slots;
  int64_t(*old)[2] = s->edge;
  s->slots = before ? 2 * before : 1 << 14;
  s->edge = calloc(s->slots, sizeof *s->edge);
  if (!s->edge) {
    s->edge = old;
    s->slots = before;
    return no_memory(err);
  }
  for (size_t i = 0; i < before; i++)
    if (old[i][0]) memcpy(s->edge[slot_of(s, old[i][0])], old[i], sizeof *old);

  free(old);
  return 0;
}

static int grow_vertices(surface* s, loomError* err) {
  if (s->nvert < s->vert_room) return 0;
  int room = s->vert_room ? 2 * s->vert_room : 1 << 14;
  double* pos = realloc(s->pos, 3 * (size_t)room * sizeof *pos);
  if (pos) s->pos = pos;
  unsigned char* color = realloc(s->color, 3 * (size_t)room);
  if (color) s->color = color;
  if (!pos || !color) return no_memory(err);
  s->vert_room = room;

  return 0;
}

// The vertex between two corners, a before b in all coordinates; direction: which of x, y, z b is further in.
static int vertex_on(int* out, surface* s, const corner* a, const corner* b, int direction, loomError* err) {
  int code = grow_edges(s, err);
  if (code) return code;
  int64_t key = 8 * (a->number + 1) + direction;
  size_t i = slot_of(s, key);
  *out = (int)s->edge[i][1];
  if (s->edge[i][0]) return 0;

  code = grow_vertices(s, err);
  if (code) return code;
  double t = a->distance / (a->distance - b->distance);
  for (int k = 0; k < 3; k++) {
    s->pos[3 * (size_t)s->nvert + (size_t)k] = a->pos[k] + t * (b->pos[k] - a->pos[k]);
    s->color[3 * (size_t)s->nvert + (size_t)k] =
        (unsigned char)fmin(255, (a->color[k] + t * (b->color[k] - a->color[k])) / 256 + 0.5);
  }
  s->edge[i][0] = key;
  s->edge[i][1] = *out = s->nvert++;
  s->used++;

  return 0;
}

// ---- triangles

// Turned so that it is seen from where the distance grows.
static int add_face(surface* s, const int v[3], const double out[3], loomError* err) {
  double a[3], b[3];
  if (v[0] == v[1] || v[1] == v[2] || v[0] == v[2]) return 0;
  if (s->nface == s->face_room) {
    int room = s->face_room ? 2 * s->face_room : 1 << 14;
    int* more = realloc(s->face, 3 * (size_t)room * sizeof *more);
    if (!more) return no_memory(err);
    s->face = more;
    s->face_room = room;
  }
  for (int k = 0; k < 3; k++) {
    a[k] = s->pos[3 * (size_t)v[1] + (size_t)k] - s->pos[3 * (size_t)v[0] + (size_t)k];
    b[k] = s->pos[3 * (size_t)v[2] + (size_t)k] - s->pos[3 * (size_t)v[0] + (size_t)k];
  }
  double up = (a[1] * b[2] - a[2] * b[1]) * out[0] + (a[2] * b[0] - a[0] * b[2]) * out[1] +
              (a[0] * b[1] - a[1] * b[0]) * out[2];
  int* to = s->face + 3 * (size_t)s->nface++;
  to[0] = v[0];
  to[1] = up < 0 ? v[2] : v[1];
  to[2] = up < 0 ? v[1] : v[2];

  return 0;
}

// Corners (4) of a tetrahedron, each before the next; which: their places in the cube, a bit an axis.
static int cut_tetrahedron(surface* s, const corner* c[4], const int which[4], loomError* err) {
  int in[4], n = 0, out[4], m = 0, v[4], code = 0;
  double way[3] = {0};
  for (int i = 0; i < 4; i++) {
    bool inside = c[i]->distance < 0;
    if (inside)
      in[n++] = i;
    else
      out[m++] = i;
  }
  if (!n || !m) return 0;
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 3; k++) way[k] += c[i]->pos[k] * (c[i]->distance < 0 ? -1.0 / n : 1.0 / m);

  // One corner alone is cut off by a triangle, two by a quadrangle, in the order of its sides.
  int count = 0;
  for (int i = 0; !code && i < n; i++)
    for (int k = 0; !code && k < m; k++) {
      int o = n == 2 && i ? m - 1 - k : k, low = in[i] < out[o] ? in[i] : out[o],
          high = in[i] < out[o] ? out[o] : in[i];
      code = vertex_on(&v[count++], s, c[low], c[high], which[low] ^ which[high], err);
    }
  if (!code) code = add_face(s, v, way, err);
  const int second[3] = {v[0], v[2], count == 4 ? v[3] : v[0]};

  return !code && count == 4 ? add_face(s, second, way, err) : code;
}

static int cut_cube(surface* s, const corner all[8], loomError* err) {
  static const int order[6][2] = {{1, 2}, {1, 4}, {2, 1}, {2, 4}, {4, 1}, {4, 2}};
  int code = 0;
  for (int i = 0; !code && i < 6; i++) {
    const int which[4] = {0, order[i][0], order[i][0] | order[i][1], 7};
    const corner* c[4] = {&all[0], &all[which[1]], &all[which[2]], &all[7]};
    code = cut_tetrahedron(s, c, which, err);
  }

  return code;
}

// Of a block and the seven after it.
static bool take_corner(corner* out, const loomGrid* g, loomBlock* const near[8], const int number[8],
                        const int at[3]) {
  int n = 0, in[3], place = 0;
  for (int k = 0; k < 3; k++) {
    place |= (at[k] == LOOM_BLOCK) << k;
    in[k] = at[k] % LOOM_BLOCK;
  }
  const loomBlock* b = near[place];
  if (!b) return false;
  n = in[0] + LOOM_BLOCK * (in[1] + LOOM_BLOCK * in[2]);
  const loomVoxel* v = &b->voxel[n];
  if (!v->weight) return false;
  out->distance = v->distance;
  out->number = (int64_t)number[place] * LOOM_BLOCK_VOXELS + n;
  for (int k = 0; k < 3; k++) {
    out->pos[k] = g->voxel * (b->at[k] * LOOM_BLOCK + in[k]);
    out->color[k] = v->color[k];
  }

  return true;
}

static int cut_block(surface* s, const int* numbers, loomBlock* const near[8], loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < LOOM_BLOCK_VOXELS; i++) {
    const int at[3] = {i % LOOM_BLOCK, i / LOOM_BLOCK % LOOM_BLOCK, i / (LOOM_BLOCK * LOOM_BLOCK)};
    corner all[8];
    bool whole = true, in = false, out = false;
    for (int c = 0; whole && c < 8; c++) {
      const int corner_at[3] = {at[0] + (c & 1), at[1] + (c >> 1 & 1), at[2] + (c >> 2)};
      whole = take_corner(&all[c], s->grid, near, numbers, corner_at);
      in = in || (whole && all[c].distance < 0);
      out = out || (whole && all[c].distance >= 0);
    }
    if (whole && in && out) code = cut_cube(s, all, err);
  }

  return code;
}

int loom_grid_surface(loomMesh* mesh, const loomGrid* g, loomError* err) {
  surface s = {.grid = g};
  int code = 0;
  *mesh = (loomMesh){0};
  for (int b = 0; !code && b < g->n; b++) {
    loomBlock* near[8];
    int number[8];
    for (int c = 0; c < 8; c++) {
      const int at[3] = {g->block[b]->at[0] + (c & 1), g->block[b]->at[1] + (c >> 1 & 1),
                         g->block[b]->at[2] + (c >> 2)};
      near[c] = loom_grid_find(g, at);
      number[c] = near[c] ? loom_grid_number(g, at) : -1;
    }
    code = cut_block(&s, number, near, err);
  }
  if (!code && s.nface) code = loom_mesh_create(mesh, s.nvert, s.nface, LOOM_MESH_COLORS, err);
  if (!code && s.nface) {
    memcpy(mesh->pos, s.pos, 3 * (size_t)s.nvert * sizeof *s.pos);
    memcpy(mesh->color, s.color, 3 * (size_t)s.nvert);
    memcpy(mesh->face, s.face, 3 * (size_t)s.nface * sizeof *s.face);
  }

  free(s.pos);
  free(s.color);
  free(s.face);
  free(s.edge);
  return code;
}
