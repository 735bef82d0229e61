#include "engine/sim/near.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double far_enough = 0.02;   // boxes and spheres so far apart need no exact distance, m
static const double close = 0.004;       // a pair closer than this is left to MuJoCo, m
enum { TRIED_STEPS = 250 };              // physics steps after which it has shown whether it pays
static const double exact_share = 0.95;  // of a distance that an iteration has found
static const double exact_range = 0.1;   // beyond which it need not look, m
static const double rounding = 1e-6;     // m

/// Two bodies that MuJoCo would look at, a < b.
typedef struct bodyPair {
  int a, b;
  bool looked_at;  // by MuJoCo; measured again now and then
  double upto;     // the sum of both bodies' ways up to which they are apart, m; no end where looked at
} bodyPair;

/// What has geoms that can touch something.
typedef struct movingBody {
  int body;
  double reach;  // of its geoms about its frame, m
  double pos[3], mat[9];
} movingBody;

struct loomNear {
  int pair_count, moving_count, excluded_count, looked_at;
  bodyPair* pairs;             // sorted as MuJoCo sorts them
  movingBody* moving;          // bodies that are not fixed to the world
  int* excluded;               // (excluded_count) signatures that the model has itself
  int* list;                   // (excluded_count + pair_count) those in use, sorted
  double* way;                 // (nbody) gone by the body's farthest point since the first look, at most, m
  int *contype, *conaffinity;  // (nbody) those in use
  bool* used;                  // (nbody) some pair of the body is looked at
  double slack;                // both ways of any pair may grow by so much before one may touch, m
  bool known;                  // distances were measured before
  int* own_excluded;           // the model's own lists while others are in use
  int *own_contype, *own_conaffinity;
  mjtSize own_count;
  loomNearCounts counts;
};

// ---- pairs

static int signature(int a, int b) {
  return (a << 16) + b;
}

bool loom_geoms_may_collide(const mjModel* m, int g, int h) {
  return (m->geom_contype[g] & m->geom_conaffinity[h]) || (m->geom_contype[h] & m->geom_conaffinity[g]);
}

static bool bodies_may_collide(const mjModel* m, int a, int b) {
  for (int i = 0; i < m->body_geomnum[a]; i++)
    for (int k = 0; k < m->body_geomnum[b]; k++)
      if (loom_geoms_may_collide(m, m->body_geomadr[a] + i, m->body_geomadr[b] + k)) return true;
  return false;
}

// Neither parts of one rigid piece, nor a piece and the one it is jointed to. MuJoCo documentation,
// Computation, "Collision detection", selection.
static bool is_filtered(const mjModel* m, int a, int b) {
  int x = m->body_weldid[a], y = m->body_weldid[b];
  if (x == y) return true;
  if ((m->opt.disableflags & mjDSBL_FILTERPARENT) || !x || !y) return false;
  return x == m->body_weldid[m->body_parentid[y]] || y == m->body_weldid[m->body_parentid[x]];
}

static bool is_excluded(const mjModel* m, int a, int b) {
  for (mjtSize i = 0; i < m->nexclude; i++)
    if (m->exclude_signature[i] == signature(a, b)) return true;
  return false;
}

bool loom_bodies_may_touch(const mjModel* m, int a, int b) {
  return !is_filtered(m, a, b) && !(a < b ? is_excluded(m, a, b) : is_excluded(m, b, a));
}

// Pairs of a model with soft bodies, or with options that change what contacts are, are MuJoCo's alone.
static bool is_plain(const mjModel* m) {
  return !m->nflex && !(m->opt.enableflags & ~mjENBL_ENERGY) && m->nbody < (1 << 15);
}

static void list_pairs(loomNear* n, const mjModel* m) {
  for (int a = 0; a < (int)m->nbody; a++) {
    for (int b = a + 1; b < (int)m->nbody; b++) {
      if (!loom_bodies_may_touch(m, a, b) || !bodies_may_collide(m, a, b)) continue;
      if (n->pairs) n->pairs[n->pair_count] = (bodyPair){.a = a, .b = b};
      n->pair_count++;
    }
  }
}

static double body_reach(const mjModel* m, int body) {
  double reach = 0;
  for (int i = 0; i < m->body_geomnum[body]; i++) {
    int g = m->body_geomadr[body] + i;
    const double* box = m->geom_aabb + 6 * g;
    reach = fmax(reach, mju_norm3(m->geom_pos + 3 * g) + mju_norm3(box) + mju_norm3(box + 3));
  }
  return reach;
}

static void list_moving(loomNear* n, const mjModel* m) {
  for (int b = 0; b < (int)m->nbody; b++) {
    if (!m->body_weldid[b] || !m->body_geomnum[b]) continue;
    n->moving[n->moving_count++].body = b;
  }
}

static int ascending(const void* a, const void* b) {
  int x = *(const int*)a, y = *(const int*)b;
  return (x > y) - (x < y);
}

int loom_near_create(loomNear** out, const mjModel* m, loomError* err) {
  loomNear* n = calloc(1, sizeof *n);
  *out = n;
  if (!n) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for pairs of bodies");
  if (!is_plain(m)) return LOOM_OK;

  // Counted first, then listed.
  size_t bodies = (size_t)m->nbody;
  list_pairs(n, m);
  size_t pairs = (size_t)n->pair_count + 1, all = pairs + (size_t)m->nexclude;
  n->pairs = calloc(pairs, sizeof *n->pairs);
  n->moving = calloc(bodies, sizeof *n->moving);
  n->excluded = calloc(all, sizeof *n->excluded);
  n->list = calloc(all, sizeof *n->list);
  n->way = calloc(bodies, sizeof *n->way);
  n->contype = calloc(bodies, sizeof *n->contype);
  n->conaffinity = calloc(bodies, sizeof *n->conaffinity);
  n->used = calloc(bodies, sizeof *n->used);
  if (!n->pairs || !n->moving || !n->excluded || !n->list || !n->way || !n->contype || !n->conaffinity ||
      !n->used) {
    loom_near_destroy(n);
    *out = NULL;
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for pairs of bodies");
  }

  n->pair_count = 0;
  list_pairs(n, m);
  list_moving(n, m);
  n->excluded_count = (int)m->nexclude;
  for (int i = 0; i < n->excluded_count; i++) n->excluded[i] = m->exclude_signature[i];
  qsort(n->excluded, (size_t)n->excluded_count, sizeof *n->excluded, ascending);
  return LOOM_OK;
}

void loom_near_destroy(loomNear* n) {
  if (!n) return;
  free(n->pairs);
  free(n->moving);
  free(n->excluded);
  free(n->list);
  free(n->way);
  free(n->contype);
  free(n->conaffinity);
  free(n->used);
  free(n);
}

void loom_near_forget(loomNear* n) {
  n->known = false;
}

// ---- distances

static void box_center(double out[3], const mjModel* m, const mjData* d, int g) {
  mju_mulMatVec3(out, d->geom_xmat + 9 * g, m->geom_aabb + 6 * g);
  mju_addTo3(out, d->geom_xpos + 3 * g);
}

// What is around geom g, its box and the sphere about that, from the box of geom h, or from the plane that h
// is: no more than their distance.
static double gap_from_box(const mjModel* m, const mjData* d, int g, int h) {
  const double *half = m->geom_aabb + 6 * g + 3, *turn_g = d->geom_xmat + 9 * g,
               *turn_h = d->geom_xmat + 9 * h;
  double center[3], local[3], reach[3], radius = mju_norm3(half);
  box_center(center, m, d, g);
  mju_subFrom3(center, d->geom_xpos + 3 * h);
  mju_mulMatTVec3(local, turn_h, center);

  // How far g's box reaches along h's axes.
  for (int i = 0; i < 3; i++) {
    reach[i] = 0;
    for (int k = 0; k < 3; k++) {
      double along = turn_h[i] * turn_g[k] + turn_h[3 + i] * turn_g[3 + k] + turn_h[6 + i] * turn_g[6 + k];
      reach[i] += fabs(along) * half[k];
    }
  }
  if (m->geom_type[h] == mjGEOM_PLANE) return local[2] - reach[2];

  double to_center = 0, to_box = 0;
  const double* box = m->geom_aabb + 6 * h;
  for (int i = 0; i < 3; i++) {
    double out = fabs(local[i] - box[i]) - box[3 + i];
    if (out > 0) to_center += out * out;
    if (out > reach[i]) to_box += (out - reach[i]) * (out - reach[i]);
  }

  // How deep boxes overlap the sphere tells.
  double of_sphere = sqrt(to_center) - radius;
  return to_box > 0 ? fmax(of_sphere, sqrt(to_box)) : of_sphere;
}

static bool is_convex(const mjModel* m, int g) {
  int type = m->geom_type[g];
  return type >= mjGEOM_SPHERE && type <= mjGEOM_MESH;
}

// No more than the distance of two geoms. A plane is around nothing.
static double least_gap(const mjModel* m, const mjData* d, int g, int h) {
  double gap = -INFINITY;
  if (m->geom_type[g] != mjGEOM_PLANE) gap = gap_from_box(m, d, g, h);
  if (m->geom_type[h] != mjGEOM_PLANE) gap = fmax(gap, gap_from_box(m, d, h, g));
  return gap;
}

bool loom_spheres_apart(const mjModel* m, int g, const double at[3], int h, const double other_at[3],
                        double by) {
  double rg = m->geom_rbound[g], rh = m->geom_rbound[h], reach = rg + rh + by, squares = 0;
  if (rg <= 0 || rh <= 0) return false;  // a plane has none
  for (int i = 0; i < 3; i++) {
    squares += (at[i] - other_at[i]) * (at[i] - other_at[i]);
  }
  return reach <= 0 || squares >= reach * reach;
}

bool loom_geoms_apart(const mjModel* m, const mjData* d, int g, int h, double by) {
  const double* at = d->geom_xpos;
  return loom_spheres_apart(m, g, at + 3 * g, h, at + 3 * h, by) || least_gap(m, d, g, h) >= by;
}

static double between_geoms(loomNear* n, const mjModel* m, mjData* d, int g, int h) {
  // What is around them first, then themselves.
  double gap = least_gap(m, d, g, h);
  if (isinf(gap)) return gap;

  double margin = m->geom_margin[g] + m->geom_gap[g] + m->geom_margin[h] + m->geom_gap[h];
  if (gap - margin < far_enough && is_convex(m, g) && is_convex(m, h)) {
    n->counts.measured++;
    double range = exact_range + margin;
    gap = fmax(gap, exact_share * mj_geomDistance(m, d, g, h, range, NULL));
  }
  return gap - margin - rounding;
}

static double between_bodies(loomNear* n, const mjModel* m, mjData* d, const bodyPair* p) {
  double least = INFINITY;
  for (int i = 0; i < m->body_geomnum[p->a]; i++) {
    for (int k = 0; k < m->body_geomnum[p->b]; k++) {
      int g = m->body_geomadr[p->a] + i, h = m->body_geomadr[p->b] + k;
      if (loom_geoms_may_collide(m, g, h)) least = fmin(least, between_geoms(n, m, d, g, h));
      if (least < close) return least;
    }
  }
  return least;
}

// ---- ways

// A point at most `reach` from a frame's origin has moved by no more than the origin has, and by the turn: 2
// sin(angle / 2) = |R - R'| / sqrt 2 (Frobenius) for each unit of reach.
static void note_ways(loomNear* n, const mjData* d) {
  double most = 0, next = 0;
  for (int i = 0; i < n->moving_count; i++) {
    movingBody* b = &n->moving[i];
    const double *pos = d->xpos + 3 * b->body, *mat = d->xmat + 9 * b->body;
    double moved = 0, turned = 0;
    for (int k = 0; k < 3; k++) moved += (pos[k] - b->pos[k]) * (pos[k] - b->pos[k]);
    for (int k = 0; k < 9; k++) turned += (mat[k] - b->mat[k]) * (mat[k] - b->mat[k]);

    memcpy(b->pos, pos, sizeof b->pos);
    memcpy(b->mat, mat, sizeof b->mat);
    double step = sqrt(moved) + b->reach * sqrt(0.5 * turned);
    n->way[b->body] += step;
    if (step > most) {
      next = most;
      most = step;
    } else if (step > next) {
      next = step;
    }
  }

  // A pair has come nearer by no more than its two bodies have gone.
  n->slack -= most + next;
}

// ---- what MuJoCo looks at

static void use_pairs(loomNear* n, mjModel* m) {
  memset(n->used, 0, sizeof *n->used * (size_t)m->nbody);
  n->looked_at = 0;
  for (int i = 0; i < n->pair_count; i++) {
    const bodyPair* p = &n->pairs[i];
    if (!p->looked_at) continue;
    n->used[p->a] = n->used[p->b] = true;
    n->looked_at++;
  }

  // Bodies that can touch nothing are none to look at; of the others the pairs that cannot touch.
  for (int b = 0; b < (int)m->nbody; b++) {
    n->contype[b] = n->used[b] ? n->own_contype[b] : 0;
    n->conaffinity[b] = n->used[b] ? n->own_conaffinity[b] : 0;
  }

  int count = 0, next = 0;
  for (int i = 0; i < n->pair_count; i++) {
    const bodyPair* p = &n->pairs[i];
    int own = signature(p->a, p->b);
    while (next < n->excluded_count && n->excluded[next] < own) n->list[count++] = n->excluded[next++];
    if (!p->looked_at && n->used[p->a] && n->used[p->b]) n->list[count++] = own;
  }
  while (next < n->excluded_count) n->list[count++] = n->excluded[next++];

  m->exclude_signature = n->list;
  m->nexclude = count;
  m->body_contype = n->contype;
  m->body_conaffinity = n->conaffinity;
}

// Look at a pair: true when it changes sides.
static bool measure(loomNear* n, const mjModel* m, mjData* d, bodyPair* p) {
  bool before = p->looked_at;

  double gap = between_bodies(n, m, d, p);
  p->looked_at = gap < close;
  p->upto = p->looked_at ? INFINITY : gap + n->way[p->a] + n->way[p->b];
  return p->looked_at != before;
}

// Compared here, since fmin is a call to the library for each of some hundred pairs.
static void note_slack(loomNear* n, double left) {
  if (left < n->slack) n->slack = left;
}

static double left_of(const loomNear* n, const bodyPair* p) {
  return p->upto - (n->way[p->a] + n->way[p->b]);
}

static void look_again(loomNear* n, const mjModel* m, const mjData* d) {
  memset(n->way, 0, sizeof *n->way * (size_t)m->nbody);
  for (int i = 0; i < n->moving_count; i++) {
    movingBody* b = &n->moving[i];
    b->reach = body_reach(m, b->body);
    memcpy(b->pos, d->xpos + 3 * b->body, sizeof b->pos);
    memcpy(b->mat, d->xmat + 9 * b->body, sizeof b->mat);
  }
}

// Hands with many fingers are close to themselves at all times: distances then take longer than what they
// save. MuJoCo's older collision detection knows no distances of what is apart.
static bool pays(const loomNear* n, const mjModel* m) {
  if (m->opt.disableflags & mjDSBL_NATIVECCD) return false;
  return n->counts.steps < TRIED_STEPS || n->counts.measured < n->counts.steps;
}

void loom_near_begin(loomNear* n, mjModel* m, mjData* d) {
  if (!pays(n, m)) n->pair_count = 0;
  if (!n->pair_count) return;

  if (n->known)
    note_ways(n, d);
  else
    look_again(n, m, d);

  // Pairs that may have come near, and those that may have come apart.
  n->slack = INFINITY;
  for (int i = 0; i < n->pair_count; i++) {
    bodyPair* p = &n->pairs[i];
    if (!n->known || p->looked_at || left_of(n, p) <= 0) measure(n, m, d, p);
    note_slack(n, left_of(n, p));
  }
  n->known = true;

  // The model's own lists come back at the end.
  n->own_excluded = m->exclude_signature;
  n->own_count = m->nexclude;
  n->own_contype = m->body_contype;
  n->own_conaffinity = m->body_conaffinity;
  use_pairs(n, m);
}

bool loom_near_moved(loomNear* n, mjModel* m, mjData* d) {
  if (!n->pair_count) return false;
  n->counts.steps++;
  n->counts.looked_at += n->looked_at;

  note_ways(n, d);
  if (n->slack > 0) return false;

  // A pair whose distance may be used up is measured, which seldom finds that it has come near.
  bool again = false;
  n->slack = INFINITY;
  for (int i = 0; i < n->pair_count; i++) {
    bodyPair* p = &n->pairs[i];
    double left = left_of(n, p);
    if (left <= 0) {
      again = measure(n, m, d, p) || again;
      left = left_of(n, p);
    }
    note_slack(n, left);
  }

  if (again) use_pairs(n, m);
  n->counts.again += again;
  return again;
}

void loom_near_end(loomNear* n, mjModel* m) {
  if (!n->pair_count || !n->own_contype) return;
  m->exclude_signature = n->own_excluded;
  m->nexclude = n->own_count;
  m->body_contype = n->own_contype;
  m->body_conaffinity = n->own_conaffinity;
  n->own_contype = NULL;
}

loomNearCounts loom_near_counts(const loomNear* n) {
  loomNearCounts counts = n->counts;
  counts.pairs = n->pair_count;
  return counts;
}
