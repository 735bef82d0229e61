// How a mesh's triangles hang together: its parts, its open edges, and how holes are closed.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/mesh.h"

// ---- parts

// The root of a place, halving the way there (union-find).
static int root_of(int* parent, int i) {
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i = parent[i];
  }
  return i;
}

static void join_corners(int* parent, const loomMesh* mesh, const int* place) {
  for (int f = 0; f < mesh->nface; f++) {
    const int* i = mesh->face + 3 * (size_t)f;
    int a = root_of(parent, place[i[0]]);
    for (int k = 1; k < 3; k++) parent[root_of(parent, place[i[k]])] = a;
  }
}

typedef struct part {
  double area;
  int root;
} part;

static int compare_parts(const void* a, const void* b) {
  const part *x = a, *y = b;
  if (x->area != y->area) return x->area > y->area ? -1 : 1;
  return x->root < y->root ? -1 : x->root > y->root;
}

static double face_area(const loomMesh* mesh, int f) {
  double c[3];
  loom_face_cross(c, mesh, f);
  return sqrt(c[0] * c[0] + c[1] * c[1] + c[2] * c[2]) / 2;
}

// The parts' areas in `list`, largest first; number (places) becomes each root's number.
static int list_parts(part* list, int* number, const loomMesh* mesh, const int* of, int places) {
  int n = 0;
  for (int p = 0; p < places; p++) number[p] = -1;

  for (int f = 0; f < mesh->nface; f++) {
    if (number[of[f]] < 0) {
      list[n] = (part){0, of[f]};
      number[of[f]] = n++;
    }
    list[number[of[f]]].area += face_area(mesh, f);
  }

  qsort(list, (size_t)n, sizeof *list, compare_parts);
  for (int i = 0; i < n; i++) number[list[i].root] = i;
  return n;
}

int* loom_mesh_parts(int* parts, double** area, const loomMesh* mesh) {
  int places = 0, *place = loom_mesh_places(&places, mesh);
  size_t n = (size_t)places + 1;
  int *parent = malloc(n * sizeof *parent), *number = malloc(n * sizeof *number);
  int* of = malloc(((size_t)mesh->nface + 1) * sizeof *of);
  part* list = malloc(n * sizeof *list);
  double* areas = malloc(n * sizeof *areas);
  bool room = place && parent && number && of && list && areas;

  *parts = 0;
  if (room) {
    for (int p = 0; p < places; p++) parent[p] = p;
    join_corners(parent, mesh, place);
    for (int f = 0; f < mesh->nface; f++) of[f] = root_of(parent, place[mesh->face[3 * (size_t)f]]);

    *parts = list_parts(list, number, mesh, of, places);
    for (int f = 0; f < mesh->nface; f++) of[f] = number[of[f]];
    for (int i = 0; i < *parts; i++) areas[i] = list[i].area;
  }

  free(place);
  free(parent);
  free(number);
  free(list);
  if (!room || !area) free(areas);
  if (room && area) *area = areas;
  if (!room) free(of);
  return room ? of : NULL;
}

// ---- edges

// An edge of a triangle between two places, from < to, and which way the triangle goes along it.
typedef struct edge {
  int from, to, way;
} edge;

static int compare_edges(const void* a, const void* b) {
  const edge *x = a, *y = b;
  if (x->from != y->from) return x->from < y->from ? -1 : 1;
  return x->to < y->to ? -1 : x->to > y->to;
}

// All edges, sorted; NULL: out of memory.
static edge* list_edges(const loomMesh* mesh, const int* place) {
  size_t n = 3 * (size_t)mesh->nface;
  edge* list = malloc((n + 1) * sizeof *list);

  for (size_t i = 0; list && i < n; i++) {
    int a = place[mesh->face[i]], b = place[mesh->face[i % 3 == 2 ? i - 2 : i + 1]];
    list[i] = a < b ? (edge){a, b, 1} : (edge){b, a, -1};
  }
  if (list) qsort(list, n, sizeof *list, compare_edges);
  return list;
}

// How many of the list's edges from i on are the same one.
static size_t run_of(const edge* list, size_t i, size_t n) {
  size_t end = i + 1;
  while (end < n && !compare_edges(&list[i], &list[end])) end++;
  return end - i;
}

static bool closed_edge(const edge* e, size_t run) {
  return run == 2 && e[0].way + e[1].way == 0;
}

int loom_mesh_open_edges(const loomMesh* mesh) {
  int* place = loom_mesh_places(NULL, mesh);
  edge* list = place ? list_edges(mesh, place) : NULL;
  size_t n = 3 * (size_t)mesh->nface, run;
  int open = 0;

  for (size_t i = 0; list && i < n; i += run) {
    run = run_of(list, i, n);
    open += !closed_edge(list + i, run);
  }

  bool room = place && list;
  free(place);
  free(list);
  return room ? open : -1;
}

// ---- holes

// next[v] is the vertex that a hole's rim goes on to from v, against the way of the triangles there; -1 elsewhere, and
// where several rims meet.
static void find_rims(int* next, const loomMesh* mesh, const edge* list) {
  size_t n = 3 * (size_t)mesh->nface, run;
  for (int v = 0; v < mesh->nvert; v++) next[v] = -1;

  for (size_t i = 0; i < n; i += run) {
    run = run_of(list, i, n);
    if (run != 1) continue;
    int from = list[i].way > 0 ? list[i].to : list[i].from, to = list[i].way > 0 ? list[i].from : list[i].to;
    next[from] = next[from] == -1 ? to : -2;
  }
  for (int v = 0; v < mesh->nvert; v++)
    if (next[v] == -2) next[v] = -1;
}

// Vertices of the rim through `start`, 0 where it does not come back there.
static int rim_length(const int* next, int start, int most) {
  int n = 1;
  for (int v = next[start]; v != start; v = next[v]) {
    if (v < 0 || n >= most) return 0;
    n++;
  }
  return n;
}

// A vertex in the middle, and a triangle to each edge of the rim, whose vertices are then done with.
static void add_fan(loomMesh* mesh, int* next, int start, int n) {
  double* middle = mesh->pos + 3 * (size_t)mesh->nvert;
  memset(middle, 0, 3 * sizeof *middle);

  for (int v = start, i = 0; i < n; i++) {
    int to = next[v], *f = mesh->face + 3 * (size_t)mesh->nface++;
    for (int k = 0; k < 3; k++) middle[k] += mesh->pos[3 * (size_t)v + (size_t)k] / n;
    f[0] = v;
    f[1] = to;
    f[2] = mesh->nvert;
    next[v] = -1;
    v = to;
  }
  mesh->nvert++;
}

// Room for a vertex a hole and a triangle an edge.
static int grow_mesh(loomMesh* mesh, int vertices, int faces, loomError* err) {
  double* pos = realloc(mesh->pos, 3 * ((size_t)mesh->nvert + (size_t)vertices + 1) * sizeof *pos);
  if (pos) mesh->pos = pos;
  int* face = realloc(mesh->face, 3 * ((size_t)mesh->nface + (size_t)faces + 1) * sizeof *face);
  if (face) mesh->face = face;
  return pos && face ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a closed mesh");
}

int loom_mesh_close(loomMesh* mesh, int* closed, loomError* err) {
  int* next = malloc(((size_t)mesh->nvert + 1) * sizeof *next);
  int* place = malloc(((size_t)mesh->nvert + 1) * sizeof *place);
  for (int v = 0; place && v < mesh->nvert; v++) place[v] = v;
  edge* list = place && next ? list_edges(mesh, place) : NULL;
  int code = list ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a closed mesh");
  int before = mesh->nvert, holes = 0;

  if (!code) find_rims(next, mesh, list);
  if (!code) code = grow_mesh(mesh, before, before, err);
  for (int v = 0; !code && v < before; v++) {
    int n = next[v] < 0 ? 0 : rim_length(next, v, before);
    if (n < 3) continue;
    add_fan(mesh, next, v, n);
    holes++;
  }

  if (closed) *closed = holes;
  free(next);
  free(place);
  free(list);
  return code;
}
