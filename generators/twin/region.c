// Flat regions with holes as triangles: each hole is joined to its outline by a cut (Eberly, "Triangulation
// by ear clipping", 2002), and ears are cut off what is left.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/mesh.h"

typedef const double (*points)[2];

typedef struct region {
  points point;
  int *ring, n;   // (n) one closed way, joined holes included
  bool* reflex;   // (n) of its corners
  int* triangle;  // (count x 3)
  int count;
} region;

static double turn(points p, int a, int b, int c) {
  return (p[b][0] - p[a][0]) * (p[c][1] - p[a][1]) - (p[b][1] - p[a][1]) * (p[c][0] - p[a][0]);
}

static double loop_area(points p, const int* loop, int n) {
  double area = 0;
  for (int i = 0; i < n; i++) {
    const double *a = p[loop[i]], *b = p[loop[(i + 1) % n]], *o = p[loop[0]];
    area += ((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])) / 2;
  }
  return area;
}

static bool in_loop(points p, const int* loop, int n, const double at[2]) {
  bool in = false;
  for (int i = 0; i < n; i++) {
    const double *a = p[loop[i]], *b = p[loop[(i + 1) % n]];
    if ((a[1] > at[1]) == (b[1] > at[1])) continue;
    if (at[0] < a[0] + (at[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0])) in = !in;
  }
  return in;
}

// ---- holes joined

static bool same_point(points p, int a, int b) {
  return p[a][0] == p[b][0] && p[a][1] == p[b][1];
}

static bool in_triangle(points p, int a, int b, int c, int at) {
  return turn(p, a, b, at) >= 0 && turn(p, b, c, at) >= 0 && turn(p, c, a, at) >= 0;
}

// The corner of the ring that is seen from a hole's rightmost point: where a ray along x meets the ring, the
// end of that edge, or a corner that stands before it.
static int seen_corner(const region* r, int from) {
  points p = r->point;
  double best = INFINITY, nearest = INFINITY, hit[2] = {0, p[from][1]};
  int seen = -1, close = 0;

  for (int i = 0; i < r->n; i++) {
    int a = r->ring[i], b = r->ring[(i + 1) % r->n];
    double away = hypot(p[a][0] - p[from][0], p[a][1] - p[from][1]);
    if (away < nearest) {
      nearest = away;
      close = i;
    }
    if ((p[a][1] > hit[1]) == (p[b][1] > hit[1])) continue;
    double x = p[a][0] + (hit[1] - p[a][1]) / (p[b][1] - p[a][1]) * (p[b][0] - p[a][0]);
    if (x < p[from][0] || x >= best) continue;
    best = x;
    seen = p[a][0] > p[b][0] ? i : (i + 1) % r->n;
  }
  if (seen < 0) return close;

  // What stands in the triangle between the point, the ray's end and that corner hides it.
  hit[0] = best;
  int end = r->ring[seen];
  double least = INFINITY;
  bool up = p[end][1] > hit[1];
  int chosen = seen;
  for (int i = 0; i < r->n; i++) {
    const double* q = p[r->ring[i]];
    double dx = q[0] - p[from][0], dy = q[1] - p[from][1];
    if (i == seen || dx <= 0 || (up ? dy <= 0 : dy >= 0) || same_point(p, r->ring[i], end)) continue;
    const double tri[3][2] = {{p[from][0], p[from][1]}, {hit[0], hit[1]}, {p[end][0], p[end][1]}};
    bool in = true;
    for (int k = 0; k < 3; k++) {
      const double *a = tri[k], *b = tri[(k + 1) % 3];
      double side = (b[0] - a[0]) * (q[1] - a[1]) - (b[1] - a[1]) * (q[0] - a[0]);
      in = in && (up ? side >= 0 : side <= 0);
    }
    if (!in || fabs(dy) / dx >= least) continue;
    least = fabs(dy) / dx;
    chosen = i;
  }

  return chosen;
}

static void join_hole(region* r, const int* loop, int n) {
  int right = 0;
  for (int i = 1; i < n; i++)
    if (r->point[loop[i]][0] > r->point[loop[right]][0]) right = i;
  int at = seen_corner(r, loop[right]), corner = r->ring[at];

  // Along the hole and back to where the ring was left.
  memmove(r->ring + at + n + 3, r->ring + at + 1, (size_t)(r->n - at - 1) * sizeof *r->ring);
  for (int i = 0; i <= n; i++) r->ring[at + 1 + i] = loop[(right + i) % n];
  r->ring[at + n + 2] = corner;
  r->n += n + 2;
}

// ---- ears

static bool is_reflex(const region* r, int i) {
  int a = r->ring[(i + r->n - 1) % r->n], b = r->ring[i], c = r->ring[(i + 1) % r->n];
  return turn(r->point, a, b, c) <= 0;
}

static bool is_ear(const region* r, int i) {
  int a = r->ring[(i + r->n - 1) % r->n], b = r->ring[i], c = r->ring[(i + 1) % r->n];
  if (r->reflex[i]) return false;
  for (int k = 0; k < r->n; k++) {
    int at = r->ring[k];
    if (!r->reflex[k] || same_point(r->point, at, a) || same_point(r->point, at, b) ||
        same_point(r->point, at, c))
      continue;
    if (in_triangle(r->point, a, b, c, at)) return false;
  }

  return true;
}

static void cut_corner(region* r, int i) {
  int* t = r->triangle + 3 * (size_t)r->count++;
  t[0] = r->ring[(i + r->n - 1) % r->n];
  t[1] = r->ring[i];
  t[2] = r->ring[(i + 1) % r->n];

  memmove(r->ring + i, r->ring + i + 1, (size_t)(r->n - i - 1) * sizeof *r->ring);
  memmove(r->reflex + i, r->reflex + i + 1, (size_t)(r->n - i - 1) * sizeof *r->reflex);
  r->n--;
  if (r->n < 3) return;
  int next = i % r->n, before = (i + r->n - 1) % r->n;
  r->reflex[next] = is_reflex(r, next);
  r->reflex[before] = is_reflex(r, before);
}

static void cut_ears(region* r) {
  for (int i = 0; i < r->n; i++) r->reflex[i] = is_reflex(r, i);

  // Where there is no ear, the outline crosses itself: any corner then, so that every edge is used.
  int at = 0;
  while (r->n >= 3) {
    int tried = 0;
    while (tried < r->n && !is_ear(r, at % r->n)) {
      at++;
      tried++;
    }
    at %= r->n;
    cut_corner(r, at);
    at++;  // not a fan about one corner
  }
}

// ---- all loops

typedef struct loopInfo {
  int* at;
  int n, outline;  // the outline that it is a hole of, or -1
  double area, right;
} loopInfo;

static void find_outlines(loopInfo* loop, int n, points p) {
  for (int h = 0; h < n; h++) {
    double least = INFINITY;
    loop[h].outline = -1;
    for (int o = 0; loop[h].area < 0 && o < n; o++) {
      if (loop[o].area <= 0 || loop[o].area >= least || !in_loop(p, loop[o].at, loop[o].n, p[loop[h].at[0]]))
        continue;
      least = loop[o].area;
      loop[h].outline = o;
    }
  }
}

// Rightmost first: none is then in the way of one that is still to be joined.
static int next_hole(const loopInfo* loop, const bool* done, int n, int outline) {
  int best = -1;
  for (int h = 0; h < n; h++)
    if (!done[h] && loop[h].outline == outline && (best < 0 || loop[h].right > loop[best].right)) best = h;
  return best;
}

static void fill_outline(region* r, const loopInfo* loop, bool* done, int n, int o) {
  r->n = loop[o].n;
  memcpy(r->ring, loop[o].at, (size_t)loop[o].n * sizeof *r->ring);
  int before = r->count;

  // A hole that lies in nothing is filled the other way round.
  if (loop[o].area < 0)
    for (int i = 0; i < r->n; i++) r->ring[i] = loop[o].at[r->n - 1 - i];
  for (int h; loop[o].area >= 0 && (h = next_hole(loop, done, n, o)) >= 0;) {
    done[h] = true;
    join_hole(r, loop[h].at, loop[h].n);
  }
  cut_ears(r);

  for (int t = before; loop[o].area < 0 && t < r->count; t++) {
    int kept = r->triangle[3 * t];
    r->triangle[3 * t] = r->triangle[3 * t + 1];
    r->triangle[3 * t + 1] = kept;
  }
}

int loom_region_triangles(int** triangle, int* n, points point, const int* first, int nloop, loomError* err) {
  size_t m = (size_t)first[nloop], most = m + 2 * (size_t)nloop + 3;
  region r = {.point = point};
  r.ring = malloc(most * sizeof *r.ring);
  r.reflex = malloc(most * sizeof *r.reflex);
  r.triangle = malloc(3 * most * sizeof *r.triangle);
  int* number = malloc((m + 1) * sizeof *number);
  loopInfo* loop = calloc((size_t)nloop + 1, sizeof *loop);
  bool *done = calloc((size_t)nloop + 1, sizeof *done), room = r.ring && r.reflex && r.triangle && number;
  room = room && loop && done;

  for (size_t i = 0; room && i < m; i++) number[i] = (int)i;
  for (int i = 0; room && i < nloop; i++) {
    loop[i] = (loopInfo){.at = number + first[i], .n = first[i + 1] - first[i], .right = -INFINITY};
    loop[i].area = loop_area(point, loop[i].at, loop[i].n);
    for (int k = 0; k < loop[i].n; k++) loop[i].right = fmax(loop[i].right, point[loop[i].at[k]][0]);
  }
  if (room) find_outlines(loop, nloop, point);
  for (int o = 0; room && o < nloop; o++)
    if (loop[o].outline < 0) fill_outline(&r, loop, done, nloop, o);

  free(r.ring);
  free(r.reflex);
  free(number);
  free(loop);
  free(done);
  *triangle = room ? r.triangle : NULL;
  *n = r.count;
  if (room) return 0;
  free(r.triangle);

  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a cut");
}
