#include "generators/attempt/detour.h"

#include <math.h>
#include <string.h>

#include "engine/sim/ghost.h"

// Joints are counted in rad; a slide of 1 m as this much.
static const double slide_scale = 4;

static const double reach_step = 0.3;   // by which a tree grows, rad
static const double look_step = 0.03;   // between looks along an edge, rad of the joint that moves most
static const double off_limits = 0.01;  // of a joint's range, at either end
static const double free_range = 3.14;  // of a joint without limits, either way
static const double room_slope = 0.1;   // m of room that a rad away from an end asks for
static const double nearer = 0.001;     // m less than an end itself has

enum { MOST_NODES = 1000, TRIES = 1500, SHORTCUTS = 100, MOST_POINTS = 300 };

typedef double joints[LOOM_MAX_JOINTS];  // scaled

typedef struct tree {
  int count;
  int parent[MOST_NODES];
  joints at[MOST_NODES];
} tree;

typedef struct planner {
  loomEpisode* e;
  const loomArm* arm;
  loomMeetDef def;
  const loomPose* held;
  joints scale, low, high;
  joints ends[2];
  double room[2];  // that the ends have, m
  loomRandom* random;
} planner;

// ---- the arm

static void put(planner* p, const double* q) {
  const mjModel* m = p->e->m;
  mjData* d = p->e->d;
  for (int i = 0; i < p->arm->n; i++) d->qpos[p->arm->qpos[i]] = q[i] / p->scale[i];
  mj_kinematics(m, d);

  // What it holds goes with it.
  for (int o = 0; o < p->e->scene->task->object_count; o++)
    if (p->def.holds >> o & 1) loom_ghost_put(p->e, o, loom_pose_mul(loom_arm_eef(p->arm, d), p->held[o]));
}

static double distance(const planner* p, const double* a, const double* b) {
  double squares = 0;
  for (int i = 0; i < p->arm->n; i++) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(squares);
}

// Nearer to an end that has less room itself it may be as near to things as the end is, and a little more.
static bool is_free(planner* p, const double* q) {
  loomMeetDef def = p->def;
  for (int i = 0; i < 2; i++)
    def.within = fmin(def.within, p->room[i] + room_slope * distance(p, q, p->ends[i]));
  put(p, q);
  return loom_meeting(p->e, &def).geom[0] < 0;
}

static void between(double* out, const planner* p, const double* a, const double* b, double t) {
  for (int i = 0; i < p->arm->n; i++) out[i] = a[i] + t * (b[i] - a[i]);
}

// The end of an edge is looked at, its beginning is not. The middle comes first: there it is blocked most.
static bool edge_is_free(planner* p, const double* a, const double* b) {
  double most = 0;
  for (int i = 0; i < p->arm->n; i++) most = fmax(most, fabs(b[i] - a[i]));

  int looks = 1;
  while (looks * look_step < most) looks *= 2;
  for (int spacing = looks; spacing >= 1; spacing /= 2) {
    for (int k = spacing; k <= looks; k += spacing) {
      joints at;
      if (spacing < looks && k / spacing % 2 == 0) continue;
      between(at, p, a, b, (double)k / looks);
      if (!is_free(p, at)) return false;
    }
  }
  return true;
}

// ---- trees

static int nearest(const planner* p, const tree* t, const double* to) {
  int best = 0;
  double least = INFINITY;
  for (int i = 0; i < t->count; i++) {
    double far = distance(p, t->at[i], to);
    if (far < least) least = far, best = i;
  }
  return best;
}

// One step from the nearest node: whether there is a new one, and it is there (REACHED) or on the way.
typedef enum growth { BLOCKED, ON_THE_WAY, REACHED } growth;

static growth grow(planner* p, tree* t, const double* to) {
  if (t->count == MOST_NODES) return BLOCKED;
  int from = nearest(p, t, to);
  double far = distance(p, t->at[from], to);
  double* end = t->at[t->count];

  between(end, p, t->at[from], to, far > reach_step ? reach_step / far : 1);
  if (!edge_is_free(p, t->at[from], end)) return BLOCKED;
  t->parent[t->count++] = from;
  return far > reach_step ? ON_THE_WAY : REACHED;
}

static bool connect(planner* p, tree* t, const double* to) {
  growth g;
  do {
    g = grow(p, t, to);
  } while (g == ON_THE_WAY);
  return g == REACHED;
}

// Anywhere not too far from either end: a way around is short more often than not.
static void draw(double* out, planner* p, double spread) {
  for (int i = 0; i < p->arm->n; i++) {
    double by = spread * (p->high[i] - p->low[i]);
    double low = fmin(p->ends[0][i], p->ends[1][i]) - by, high = fmax(p->ends[0][i], p->ends[1][i]) + by;
    out[i] = loom_random_range(p->random, fmax(low, p->low[i]), fmin(high, p->high[i]));
  }
}

// Two trees, each in turn grown to a point at random and the other one to there. True when they have met, by
// their last nodes.
static bool search(planner* p, tree* two) {
  for (int k = 0; k < TRIES; k++) {
    tree *one = &two[k % 2], *other = &two[1 - k % 2];
    joints goal;
    draw(goal, p, (k + 1.0) / TRIES);
    if (grow(p, one, goal) == BLOCKED) continue;
    if (connect(p, other, one->at[one->count - 1])) return true;
  }
  return false;
}

static int depth(const tree* t) {
  int n = 0;
  for (int i = t->count - 1; i >= 0; i = t->parent[i]) n++;
  return n;
}

// From the root of the first tree to that of the second; 0 when that is longer than a path may be.
static int join(joints* path, const tree* two) {
  int first = depth(&two[0]), n = first + depth(&two[1]) - 1;
  if (n > MOST_POINTS - 2) return 0;

  int k = first - 1;
  for (int i = two[0].count - 1; i >= 0; i = two[0].parent[i]) memcpy(path[k--], two[0].at[i], sizeof *path);

  // Both ends where they met are one.
  k = first;
  for (int i = two[1].parent[two[1].count - 1]; i >= 0; i = two[1].parent[i])
    memcpy(path[k++], two[1].at[i], sizeof *path);
  return n;
}

// ---- the path

// The point `along` a path, rad from its beginning; and the number of its leg.
static int point_at(double* out, const planner* p, joints* path, int n, double along) {
  int leg = 0;
  double length = distance(p, path[0], path[1]);
  while (leg < n - 2 && along > length) {
    along -= length;
    leg++;
    length = distance(p, path[leg], path[leg + 1]);
  }
  between(out, p, path[leg], path[leg + 1], length > 0 ? fmin(1, along / length) : 1);
  return leg;
}

static double length_of(const planner* p, joints* path, int n) {
  double length = 0;
  for (int i = 0; i + 1 < n; i++) length += distance(p, path[i], path[i + 1]);
  return length;
}

// Two points of it at random, of different legs, are joined where nothing is between.
static int shorten(planner* p, joints* path, int n) {
  for (int k = 0; k < SHORTCUTS && n > 2; k++) {
    double length = length_of(p, path, n);
    double one = length * loom_random_uniform(p->random), other = length * loom_random_uniform(p->random);
    joints from, to;
    int first = point_at(from, p, path, n, fmin(one, other)),
        last = point_at(to, p, path, n, fmax(one, other));
    if (first == last || (last == first + 1 && n == MOST_POINTS) || !edge_is_free(p, from, to)) continue;

    // What is between them goes, and they come.
    memmove(path + first + 3, path + last + 1, sizeof *path * (size_t)(n - last - 1));
    memcpy(path[first + 1], from, sizeof from);
    memcpy(path[first + 2], to, sizeof to);
    n += 2 - (last - first);
  }
  return n;
}

// Hands at even distances along it.
static void take_poses(loomWay* out, planner* p, joints* path, int n) {
  double length = length_of(p, path, n);
  int count = (int)ceil(length / (reach_step / 2)) - 1;
  out->count = count < 1 ? 1 : count < LOOM_MAX_WAY ? count : LOOM_MAX_WAY;
  for (int i = 0; i < out->count; i++) {
    joints at;
    point_at(at, p, path, n, length * (i + 1) / (out->count + 1));
    put(p, at);
    out->at[i] = loom_arm_eef(p->arm, p->e->d);
  }
}

static void set_up(planner* p, const double* from, const double* to) {
  const mjModel* m = p->e->m;
  for (int i = 0; i < p->arm->n; i++) {
    int id = m->dof_jntid[p->arm->dof[i]];
    bool limited = m->jnt_limited[id];
    p->scale[i] = m->jnt_type[id] == mjJNT_SLIDE ? slide_scale : 1;
    p->ends[0][i] = from[i] * p->scale[i];
    p->ends[1][i] = to[i] * p->scale[i];

    // Not to the very end, but to where it is itself.
    double low = limited ? m->jnt_range[2 * id] : -free_range,
           high = limited ? m->jnt_range[2 * id + 1] : free_range;
    double off = off_limits * (high - low);
    p->low[i] = fmin((low + off) * p->scale[i], fmin(p->ends[0][i], p->ends[1][i]));
    p->high[i] = fmax((high - off) * p->scale[i], fmax(p->ends[0][i], p->ends[1][i]));
  }
}

bool loom_detour_find(loomWay* out, loomEpisode* ghost, const loomMeetDef* def, const loomPose* held,
                      const double* from, const double* to, loomRandom* random) {
  planner p = {.e = ghost, .arm = &ghost->arms[def->arm], .def = *def, .held = held, .random = random};
  tree two[2];
  joints path[MOST_POINTS];
  set_up(&p, from, to);

  for (int i = 0; i < 2; i++) {
    put(&p, p.ends[i]);
    p.room[i] = loom_meeting(ghost, &p.def).distance - nearer;
    if (p.room[i] < -2 * nearer) return false;
  }

  for (int i = 0; i < 2; i++) {
    two[i].count = 1;
    two[i].parent[0] = -1;
    memcpy(two[i].at[0], p.ends[i], sizeof(joints));
  }
  if (!search(&p, two)) return false;

  int n = join(path, two);
  if (!n) return false;
  n = shorten(&p, path, n);
  take_poses(out, &p, path, n);
  return true;
}
