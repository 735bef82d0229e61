// Meshes cut by planes, and closed there.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/mesh.h"

// ---- a cut on its way

// An edge that the plane passes through, its lower place first, so that both of its triangles find the same
// point on it.
typedef struct crossing {
  int a, b;
} crossing;

// A step along the rim of what lies behind, as its cap goes around; from a vertex to the next.
typedef struct rim {
  int from, to, material;
} rim;

typedef struct cut {
  const loomMesh* mesh;
  const loomPlane* plane;
  double* away;  // (nvert) before the plane
  bool strict;   // what lies on the plane belongs behind it
  int* place;    // (nvert), later (nvert + ncross)
  int ncross;
  crossing* cross;  // (ncross) sorted
  int divided;      // triangles
  loomMesh all;     // all vertices, those on the plane behind the mesh's own; no triangles
  int nrim;
  rim* rim;
} cut;

static int compare_crossings(const void* a, const void* b) {
  const crossing *x = a, *y = b;
  if (x->a != y->a) return x->a < y->a ? -1 : 1;
  return x->b < y->b ? -1 : x->b > y->b;
}

static bool is_before(const cut* c, int vertex) {
  return c->strict ? c->away[vertex] > 0 : c->away[vertex] >= 0;
}

static crossing edge_of(const cut* c, int a, int b) {
  return c->place[a] < c->place[b] ? (crossing){a, b} : (crossing){b, a};
}

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a cut");
}

// Triangles in the plane are the skin of what lies behind or before it, as they face: of that, not of a
// sheet on the other side.
static void choose_side(cut* c) {
  double facing = 0, cross[3];
  for (int f = 0; f < c->mesh->nface; f++) {
    const int* i = c->mesh->face + 3 * (size_t)f;
    if (c->away[i[0]] != 0 || c->away[i[1]] != 0 || c->away[i[2]] != 0) continue;
    loom_face_cross(cross, c->mesh, f);
    facing += mju_dot3(cross, c->plane->normal);
  }
  c->strict = facing > 0;
}

static int find_crossings(cut* c, loomError* err) {
  const double on = 1e-9;  // m
  const loomMesh* m = c->mesh;
  c->away = calloc((size_t)m->nvert + 1, sizeof *c->away);
  c->place = loom_mesh_places(NULL, m);
  c->cross = malloc((2 * (size_t)m->nface + 1) * sizeof *c->cross);
  c->rim = calloc((size_t)m->nface + 1, sizeof *c->rim);
  if (!c->away || !c->place || !c->cross || !c->rim) return no_memory(err);

  for (int v = 0; v < m->nvert; v++) {
    c->away[v] = mju_dot3(c->plane->normal, m->pos + 3 * (size_t)v) - c->plane->at;
    if (fabs(c->away[v]) < on) c->away[v] = 0;
  }
  choose_side(c);
  for (size_t i = 0; i < 3 * (size_t)m->nface; i++) {
    int a = m->face[i], b = m->face[i % 3 == 2 ? i - 2 : i + 1];
    if (is_before(c, a) != is_before(c, b)) c->cross[c->ncross++] = edge_of(c, a, b);
  }

  // Each once; a divided triangle has two.
  c->divided = c->ncross / 2;
  qsort(c->cross, (size_t)c->ncross, sizeof *c->cross, compare_crossings);
  int n = 0;
  for (int i = 0; i < c->ncross; i++)
    if (!n || compare_crossings(&c->cross[n - 1], &c->cross[i])) c->cross[n++] = c->cross[i];
  c->ncross = n;

  return 0;
}

static int crossing_vertex(const cut* c, int a, int b) {
  crossing key = edge_of(c, a, b);
  const crossing* at = bsearch(&key, c->cross, (size_t)c->ncross, sizeof key, compare_crossings);
  return c->mesh->nvert + (int)(at - c->cross);
}

// From x at t = 0 to y at t = 1, exact at both.
static double between(double x, double y, double t) {
  return t < 0.5 ? x + t * (y - x) : y - (1 - t) * (y - x);
}

static void place_crossing(cut* c, int i) {
  const crossing* e = &c->cross[i];
  loomMesh* m = &c->all;
  size_t a = (size_t)e->a, b = (size_t)e->b, v = (size_t)c->mesh->nvert + (size_t)i;
  double t = c->away[a] / (c->away[a] - c->away[b]);

  for (size_t k = 0; k < 3; k++) m->pos[3 * v + k] = between(m->pos[3 * a + k], m->pos[3 * b + k], t) + 0.0;
  for (size_t k = 0; m->coord && k < 2; k++)
    m->coord[2 * v + k] = (float)between((double)m->coord[2 * a + k], (double)m->coord[2 * b + k], t);
  for (size_t k = 0; m->color && k < 3; k++)
    m->color[3 * v + k] = (unsigned char)(between(m->color[3 * a + k], m->color[3 * b + k], t) + 0.5);
}

// ---- triangles

static void add_triangle(loomMesh* out, int a, int b, int c, int material) {
  int* f = out->face + 3 * (size_t)out->nface;
  f[0] = a;
  f[1] = b;
  f[2] = c;
  if (out->material) out->material[out->nface] = material;
  out->nface++;
}

static void divide_triangle(cut* c, loomMesh* side[2], int face) {
  const int* f = c->mesh->face + 3 * (size_t)face;
  int material = c->mesh->material ? c->mesh->material[face] : 0;
  bool before[3];
  for (int k = 0; k < 3; k++) before[k] = is_before(c, f[k]);
  if (before[0] == before[1] && before[1] == before[2]) {
    add_triangle(side[before[0]], f[0], f[1], f[2], material);
    return;
  }

  // One corner lies on a side alone; the other two's side gets the rest.
  int k = before[1] == before[2] ? 0 : before[0] == before[2] ? 1 : 2;
  int alone = f[k], next = f[(k + 1) % 3], last = f[(k + 2) % 3];
  int p = crossing_vertex(c, alone, next), q = crossing_vertex(c, alone, last);
  add_triangle(side[before[k]], alone, p, q, material);
  add_triangle(side[!before[k]], p, next, last, material);
  add_triangle(side[!before[k]], p, last, q, material);
  c->rim[c->nrim++] = before[k] ? (rim){p, q, material} : (rim){q, p, material};
}

// Room for all that may come: twice the triangles, and caps, whose vertices are their own.
static int make_room(cut* c, loomMesh* out, loomError* err) {
  const loomMesh* m = c->mesh;
  int has = (m->coord ? LOOM_MESH_COORDS : 0) | (m->color ? LOOM_MESH_COLORS : 0) |
            (m->material ? LOOM_MESH_MATERIALS : 0);
  int code =
      loom_mesh_create(out, m->nvert + c->ncross + c->divided, 2 * m->nface + 2 * c->divided + 8, has, err);
  if (code) return code;
  out->nface = 0;
  out->nvert = m->nvert + c->ncross;

  memcpy(out->pos, m->pos, 3 * (size_t)m->nvert * sizeof *m->pos);
  if (m->coord) memcpy(out->coord, m->coord, 2 * (size_t)m->nvert * sizeof *m->coord);
  if (m->color) memcpy(out->color, m->color, 3 * (size_t)m->nvert);

  return 0;
}

// ---- caps

// Rims as closed ways: whenever a way comes back to a place, what lies between is a loop of its own.
typedef struct loops {
  int n, nat;
  int *first, *at, *material;  // (n + 1), (nat) vertices, (n) of each loop's first edge
} loops;

static int compare_rims(const void* a, const void* b) {
  const rim *x = a, *y = b;
  if (x->from != y->from) return x->from < y->from ? -1 : 1;
  return x->to < y->to ? -1 : x->to > y->to;
}

static int first_from(const cut* c, int place) {
  int low = 0, high = c->nrim;
  while (low < high) {
    int middle = (low + high) / 2;
    if (c->rim[middle].from < place)
      low = middle + 1;
    else
      high = middle;
  }

  return low;
}

static void follow_rim(loops* out, const cut* c, bool* used, int* path, int* on, int start) {
  int depth = 0, at = start;
  path[0] = c->rim[start].from;
  on[path[0]] = 0;

  for (;;) {
    int here = path[depth];
    for (at = first_from(c, here); at < c->nrim && c->rim[at].from == here && used[at]; at++) continue;
    if (at >= c->nrim || c->rim[at].from != here) break;
    used[at] = true;
    int to = c->rim[at].to;
    if (on[to] < 0) {
      path[++depth] = to;
      on[to] = depth;
      continue;
    }

    int from = on[to], n = depth - from + 1;
    if (n >= 3) {
      out->material[out->n] = c->rim[at].material;
      memcpy(out->at + out->nat, path + from, (size_t)n * sizeof *path);
      out->nat += n;
      out->first[++out->n] = out->nat;
    }
    for (int i = from + 1; i <= depth; i++) on[path[i]] = -1;
    depth = from;
  }
  for (int i = 0; i <= depth; i++) on[path[i]] = -1;
}

static int find_loops(loops* out, cut* c, loomError* err) {
  size_t n = (size_t)c->nrim + 2, v = (size_t)c->all.nvert + 1;
  int *path = malloc(n * sizeof *path), *on = malloc(v * sizeof *on), *rep = malloc(v * sizeof *rep);
  bool* used = calloc(n, sizeof *used);
  *out = (loops){.first = calloc(n, sizeof *out->first),
                 .at = malloc(n * sizeof *out->at),
                 .material = malloc(n * sizeof *out->material)};
  bool room = path && on && rep && used && out->first && out->at && out->material;

  // By places, each known by a vertex on the plane.
  for (int i = 0; room && i < c->all.nvert; i++) on[i] = -1;
  for (int i = c->all.nvert - 1; room && i >= 0; i--) rep[c->place[i]] = i;
  for (int i = c->all.nvert - 1; room && i >= c->mesh->nvert; i--) rep[c->place[i]] = i;
  int kept = 0;
  for (int i = 0; room && i < c->nrim; i++) {
    rim r = {c->place[c->rim[i].from], c->place[c->rim[i].to], c->rim[i].material};
    if (r.from != r.to) c->rim[kept++] = r;
  }
  c->nrim = kept;
  if (room) qsort(c->rim, (size_t)c->nrim, sizeof *c->rim, compare_rims);
  for (int i = 0; room && i < c->nrim; i++)
    if (!used[i]) follow_rim(out, c, used, path, on, i);
  for (int i = 0; room && i < out->nat; i++) out->at[i] = rep[out->at[i]];

  free(path);
  free(on);
  free(rep);
  free(used);

  return room ? 0 : no_memory(err);
}

// Where a loop's points are on the plane, seen from before it.
static void flatten(double (*point)[2], const cut* c, const loops* l) {
  const double* n = c->plane->normal;
  double x[3], y[3], some[3] = {0};
  int least = fabs(n[0]) < fabs(n[1]) ? 0 : 1;
  if (fabs(n[2]) < fabs(n[least])) least = 2;
  some[least] = 1;
  mju_cross(x, some, n);
  mju_normalize3(x);
  mju_cross(y, n, x);
  for (int i = 0; i < l->nat; i++) {
    const double* p = c->all.pos + 3 * (size_t)l->at[i];
    point[i][0] = mju_dot3(x, p);
    point[i][1] = mju_dot3(y, p);
  }
}

// A cap's vertex: its own where the mesh has texture coordinates or colors, all of a loop's with one of
// each.
static int cap_vertex(const loomMesh* out, const loops* l, int at, int own) {
  return out->coord || out->color ? own + at : l->at[at];
}

static void add_cap_vertices(loomMesh* out, const loops* l) {
  if (!out->coord && !out->color) return;
  for (int i = 0; i < l->n; i++) {
    size_t from = (size_t)l->at[(l->first[i] + l->first[i + 1]) / 2];
    for (int k = l->first[i]; k < l->first[i + 1]; k++) {
      size_t to = (size_t)out->nvert++, at = (size_t)l->at[k];
      memcpy(out->pos + 3 * to, out->pos + 3 * at, 3 * sizeof *out->pos);
      if (out->coord) memcpy(out->coord + 2 * to, out->coord + 2 * from, 2 * sizeof *out->coord);
      if (out->color) memcpy(out->color + 3 * to, out->color + 3 * from, 3);
    }
  }
}

static int loop_of(const loops* l, int at) {
  int i = 0;
  while (i + 1 < l->n && l->first[i + 1] <= at) i++;
  return i;
}

static int add_caps(cut* c, loomMesh* side[2], loomError* err) {
  loops l;
  int *triangle = NULL, n = 0, code = find_loops(&l, c, err);
  double(*point)[2] = code ? NULL : malloc(((size_t)l.nat + 1) * sizeof *point);
  if (!code && !point) code = no_memory(err);
  if (!code) {
    flatten(point, c, &l);
    code = loom_region_triangles(&triangle, &n, (const double(*)[2])point, l.first, l.n, err);
  }

  for (int s = 0; !code && s < 2; s++) {
    loomMesh* out = side[s];
    int own = out->nvert;
    add_cap_vertices(out, &l);
    for (int t = 0; t < n; t++) {
      const int* f = triangle + 3 * (size_t)t;
      int material = l.material[loop_of(&l, f[0])] % LOOM_MESH_CAP + LOOM_MESH_CAP;
      add_triangle(out, cap_vertex(out, &l, f[0], own), cap_vertex(out, &l, f[s ? 2 : 1], own),
                   cap_vertex(out, &l, f[s ? 1 : 2], own), material);
    }
  }
  free(l.first);
  free(l.at);
  free(l.material);
  free(point);
  free(triangle);

  return code;
}

// ---- all of it

// Triangles two corners of which are one place have no area, and none is missed.
static int drop_flat(loomMesh* mesh, loomError* err) {
  int* place = loom_mesh_places(NULL, mesh);
  bool* keep = malloc((size_t)mesh->nface + 1);
  int code = place && keep ? 0 : no_memory(err);
  for (int f = 0; !code && f < mesh->nface; f++) {
    const int* i = mesh->face + 3 * (size_t)f;
    int a = place[i[0]], b = place[i[1]], c = place[i[2]];
    keep[f] = a != b && b != c && a != c;
  }
  if (!code) code = loom_mesh_keep(mesh, keep, err);
  free(place);
  free(keep);

  return code;
}

int loom_mesh_cut(loomMesh* behind, loomMesh* before, const loomMesh* mesh, const loomPlane* plane,
                  loomError* err) {
  cut c = {.mesh = mesh, .plane = plane};
  loomMesh* side[2] = {behind, before};
  *behind = *before = (loomMesh){0};

  int code = find_crossings(&c, err);
  for (int s = 0; !code && s < 2; s++) code = make_room(&c, side[s], err);
  c.all = *behind;
  for (int i = 0; !code && i < c.ncross; i++) place_crossing(&c, i);
  if (!code && c.ncross) {
    memcpy(before->pos, behind->pos, 3 * (size_t)behind->nvert * sizeof *behind->pos);
    if (behind->coord) memcpy(before->coord, behind->coord, 2 * (size_t)behind->nvert * sizeof(float));
    if (behind->color) memcpy(before->color, behind->color, 3 * (size_t)behind->nvert);
  }
  for (int f = 0; !code && f < mesh->nface; f++) divide_triangle(&c, side, f);

  // From here on vertices of one position are one place, those on the plane too.
  free(c.place);
  c.place = code ? NULL : loom_mesh_places(NULL, &c.all);
  if (!code && !c.place) code = no_memory(err);
  if (!code && c.nrim) code = add_caps(&c, side, err);
  for (int s = 0; !code && s < 2; s++) code = drop_flat(side[s], err);

  free(c.away);
  free(c.place);
  free(c.cross);
  free(c.rim);
  for (int s = 0; code && s < 2; s++) loom_mesh_destroy(side[s]);
  return code;
}

int loom_mesh_append(loomMesh* mesh, const loomMesh* more, loomError* err) {
  int has = (mesh->coord ? LOOM_MESH_COORDS : 0) | (mesh->color ? LOOM_MESH_COLORS : 0) |
            (mesh->material ? LOOM_MESH_MATERIALS : 0);
  loomMesh all;
  int code = loom_mesh_create(&all, mesh->nvert + more->nvert, mesh->nface + more->nface, has, err);
  if (code) return code;

  const loomMesh* from[2] = {mesh, more};
  size_t v = 0, f = 0;
  for (int i = 0; i < 2; i++) {
    size_t nv = (size_t)from[i]->nvert, nf = (size_t)from[i]->nface;
    if (nv && from[i]->pos) memcpy(all.pos + 3 * v, from[i]->pos, 3 * nv * sizeof *all.pos);
    if (nv && all.coord && from[i]->coord)
      memcpy(all.coord + 2 * v, from[i]->coord, 2 * nv * sizeof *all.coord);
    if (nv && all.color && from[i]->color) memcpy(all.color + 3 * v, from[i]->color, 3 * nv);
    for (size_t k = 0; k < 3 * nf; k++) all.face[3 * f + k] = from[i]->face[k] + (int)v;
    if (nf && all.material && from[i]->material)
      memcpy(all.material + f, from[i]->material, nf * sizeof *all.material);
    v += nv;
    f += nf;
  }
  loom_mesh_destroy(mesh);
  *mesh = all;

  return 0;
}

// ---- boxes

loomPlane loom_cut_box_side(const loomCutBox* box, int side) {
  double sign = side % 2 ? 1 : -1, c = cos(box->yaw), s = sin(box->yaw);
  loomPlane out = {{0, 0, 0}, side % 2 ? box->high[side / 2] : -box->low[side / 2]};
  if (side / 2 == 0) {
    out.normal[0] = sign * c;
    out.normal[1] = sign * s;
  } else if (side / 2 == 1) {
    out.normal[0] = -sign * s;
    out.normal[1] = sign * c;
  } else {
    out.normal[2] = sign;
  }
  return out;
}

int loom_mesh_cut_box(loomMesh* within, loomMesh off[LOOM_BOX_SIDES], const loomMesh* mesh,
                      const loomCutBox* box, loomError* err) {
  for (int side = 0; side < LOOM_BOX_SIDES; side++) off[side] = (loomMesh){0};
  int code = loom_mesh_copy(within, mesh, err);
  for (int side = 0; !code && side < LOOM_BOX_SIDES; side++) {
    loomPlane plane = loom_cut_box_side(box, side);
    loomMesh left;
    code = loom_mesh_cut(&left, &off[side], within, &plane, err);
    if (code) break;
    loom_mesh_destroy(within);
    *within = left;
  }

  for (int side = 0; code && side < LOOM_BOX_SIDES; side++) loom_mesh_destroy(&off[side]);
  if (code) loom_mesh_destroy(within);
  return code;
}

// ---- rays

// Moeller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
static double ray_triangle(const loomMesh* mesh, int face, const double from[3], const double dir[3]) {
  const int* f = mesh->face + 3 * (size_t)face;
  const double* a = mesh->pos + 3 * (size_t)f[0];
  double e1[3], e2[3], p[3], t[3], q[3];
  mju_sub3(e1, mesh->pos + 3 * (size_t)f[1], a);
  mju_sub3(e2, mesh->pos + 3 * (size_t)f[2], a);
  mju_cross(p, dir, e2);
  double det = mju_dot3(e1, p);
  if (det == 0) return INFINITY;

  mju_sub3(t, from, a);
  mju_cross(q, t, e1);
  double u = mju_dot3(t, p) / det, v = mju_dot3(dir, q) / det, along = mju_dot3(e2, q) / det;
  return u >= 0 && v >= 0 && u + v <= 1 && along >= 0 ? along : INFINITY;
}

double loom_mesh_ray(const loomMesh* mesh, const double from[3], const double dir[3]) {
  double best = INFINITY;
  for (int f = 0; f < mesh->nface; f++) best = fmin(best, ray_triangle(mesh, f, from, dir));
  return best;
}
