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

// The open edges of a mesh as a graph: each goes from a vertex to the next one of a hole's rim, against the
// way of the triangle there. Several rims may meet in a vertex.
typedef struct rims {
  int n;
  int *from, *to;    // (n) sorted by from
  bool* used;        // (n)
  int* first;        // (nvert + 1) of the edges from a vertex
  int *path, depth;  // (nvert + 1) vertices on the way
  int* on;           // (nvert) where a vertex is on it, or -1
} rims;

static int compare_rims(const void* a, const void* b) {
  const int *x = a, *y = b;
  return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : (x[1] > y[1]) - (x[1] < y[1]);
}

static void free_rims(rims* r) {
  free(r->from);
  free(r->to);
  free(r->used);
  free(r->first);
  free(r->path);
  free(r->on);
}

static bool find_rims(rims* r, const loomMesh* mesh, const edge* list) {
  size_t n = 3 * (size_t)mesh->nface, run, v = (size_t)mesh->nvert + 2;
  int(*pair)[2] = malloc((n + 1) * sizeof *pair), count = 0;
  for (size_t i = 0; pair && i < n; i += run) {
    run = run_of(list, i, n);
    if (run != 1) continue;
    pair[count][0] = list[i].way > 0 ? list[i].to : list[i].from;
    pair[count++][1] = list[i].way > 0 ? list[i].from : list[i].to;
  }

  size_t most = (size_t)count + 1;
  r->n = count;
  r->from = malloc(most * sizeof(int));
  r->to = malloc(most * sizeof(int));
  r->used = calloc(most, sizeof(bool));
  r->first = calloc(v, sizeof(int));
  r->path = malloc(v * sizeof(int));
  r->on = malloc(v * sizeof(int));
  bool room = pair && r->from && r->to && r->used && r->first && r->path && r->on;
  if (room) qsort(pair, (size_t)count, sizeof *pair, compare_rims);
  for (int i = 0; room && i < count; i++) {
    r->from[i] = pair[i][0];
    r->to[i] = pair[i][1];
    r->first[pair[i][0] + 1]++;
  }
  for (int i = 0; room && i < mesh->nvert; i++) {
    r->first[i + 1] += r->first[i];
    r->on[i] = -1;
  }
  free(pair);
  return room;
}

// An edge from there that has not been gone along yet, or -1.
static int way_on(const rims* r, int v) {
  for (int i = r->first[v]; i < r->first[v + 1]; i++)
    if (!r->used[i]) return i;
  return -1;
}

// A vertex in the middle, and a triangle to each edge of a closed way of n vertices; none where that is
// larger than `most`. True: it is closed.
static bool add_fan(loomMesh* mesh, const int* way, int n, double most) {
  double *middle = mesh->pos + 3 * (size_t)mesh->nvert, area = 0;
  int before = mesh->nface;
  memset(middle, 0, 3 * sizeof *middle);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) middle[k] += mesh->pos[3 * (size_t)way[i] + (size_t)k] / n;

  // A triangle needs no middle.
  for (int i = 0; i < (n == 3 ? 1 : n); i++) {
    int* f = mesh->face + 3 * (size_t)mesh->nface++;
    f[0] = way[i];
    f[1] = way[(i + 1) % n];
    f[2] = n == 3 ? way[2] : mesh->nvert;
    area += face_area(mesh, mesh->nface - 1);
  }
  if (area > most) mesh->nface = before;
  if (area <= most && n > 3) mesh->nvert++;
  return area <= most;
}

// From an edge on, until there is no way on: whenever the way comes back to a vertex, what lies between is
// a rim of its own. How many were closed.
static int follow_rims(loomMesh* mesh, rims* r, int at, double most) {
  int closed = 0, next;
  r->depth = 0;
  r->path[r->depth] = at;
  r->on[at] = 0;

  while ((next = way_on(r, r->path[r->depth])) >= 0) {
    int to = r->to[next];
    r->used[next] = true;
    if (r->on[to] < 0) {
      r->path[++r->depth] = to;
      r->on[to] = r->depth;
      continue;
    }

    int from = r->on[to], n = r->depth - from + 1;
    if (n >= 3) closed += add_fan(mesh, r->path + from, n, most);
    for (int i = from + 1; i <= r->depth; i++) r->on[r->path[i]] = -1;
    r->depth = from;
  }
  for (int i = 0; i <= r->depth; i++) r->on[r->path[i]] = -1;
  return closed;
}

// Room for a vertex a hole and a triangle an edge.
static int grow_mesh(loomMesh* mesh, int more, loomError* err) {
  double* pos = realloc(mesh->pos, 3 * ((size_t)mesh->nvert + (size_t)more + 1) * sizeof *pos);
  if (pos) mesh->pos = pos;
  int* face = realloc(mesh->face, 3 * ((size_t)mesh->nface + (size_t)more + 1) * sizeof *face);
  if (face) mesh->face = face;
  return pos && face ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a closed mesh");
}

int loom_mesh_close(loomMesh* mesh, double most, int* closed, loomError* err) {
  int *place = malloc(((size_t)mesh->nvert + 1) * sizeof *place), holes = 0;
  for (int v = 0; place && v < mesh->nvert; v++) place[v] = v;
  edge* list = place ? list_edges(mesh, place) : NULL;
  rims r = {0};
  int code = list && find_rims(&r, mesh, list)
                 ? 0
                 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a closed mesh");

  if (!code) code = grow_mesh(mesh, r.n, err);
  for (int i = 0; !code && i < r.n; i++)
    if (!r.used[i]) holes += follow_rims(mesh, &r, r.from[i], most);
  if (closed) *closed = holes;
  free_rims(&r);
  free(place);
  free(list);
  return code;
}
