#include "generators/source/clean_approach.h"

#include <math.h>

static const double approach_time = 1;  // s
static const double arrive = 0.15;      // s before the hand closes in which it stands at the object
static const double drawn_back = 0.06;  // m at the start of the approach
static const double lead_time =
    1;  // s before the approach in which the hand leaves its recorded way, at least
static const double beside_bump = 0.25;  // s before the first bump
static const double far_off = 0.12;      // m from where it grasps the hand still comes from another way
static const double pressed = 0.0015;    // m deep: something is pressed on
static const double clear = 0.003;       // m that is left free then: other objects are larger
static const double least_rows = 5;      // of an approach; shorter ones stay as they are

static int rows_in(const loomTask* task, double seconds) {
  return (int)lround(seconds * task->control_freq);
}

static int close_row(const loomReplay* r, int arm, int t) {
  for (int i = t; i > 0; i--)
    if (r->grip[arm][i] > 0 && r->grip[arm][i - 1] <= 0) return i;
  return t;
}

// The row from which on all fingers touch, up to the event's.
static int hold_row(const loomReplay* r, const loomTask* task, const loomEvent* event, int close) {
  unsigned all = (1u << task->robots[event->arm].finger_count) - 1;
  for (int t = close; t < event->row; t++)
    if (r->touch[(t * r->arm_count + event->arm) * r->object_count + event->object] == all) return t;
  return event->row;
}

// The first row after the arm's latest event before this one: from there on it may go another way.
static int free_since(const loomTask* task, const loomEvent* event, int i) {
  for (int k = i - 1; k >= 0; k--)
    if (event[k].arm == event[i].arm) return event[k].row + rows_in(task, lead_time);
  return 0;
}

// Where the hand will hold the object, on the object as it is at a row.
static loomPose grip_at(const loomReplay* r, const loomCleanGrasp* g, int row) {
  loomPose grip = loom_pose_mul(loom_pose_inverse(r->object[g->object][g->hold]), r->eef[g->arm][g->hold]);
  return loom_pose_mul(r->object[g->object][row], grip);
}

static double distance_at(const loomReplay* r, const loomCleanGrasp* g, int row) {
  return loom_pose_distance(r->eef[g->arm][row], grip_at(r, g, row));
}

int loom_clean_grasps(loomCleanGrasp* grasp, const loomReplay* r, const loomTask* task,
                      const loomEvent* event, int n, const bool* bump, const double* press) {
  int found = 0;
  for (int i = 0; i < n; i++) {
    if (event[i].kind != LOOM_EVENT_GRASP) continue;
    loomCleanGrasp g = {.arm = event[i].arm, .object = event[i].object};
    g.close = close_row(r, g.arm, event[i].row);
    g.hold = hold_row(r, task, &event[i], g.close);
    g.start = g.close - rows_in(task, approach_time);
    int since = free_since(task, event, i);
    if (g.start < since) g.start = since;
    if (g.close - g.start < least_rows) continue;

    // From before the first bump on, and for a while at least.
    g.begin = g.start - rows_in(task, lead_time) > since ? g.start - rows_in(task, lead_time) : since;
    for (int t = g.start; t >= since; t--)
      if (bump[t * r->arm_count + g.arm] && t - rows_in(task, beside_bump) < g.begin)
        g.begin = t - rows_in(task, beside_bump);
    if (g.begin < since) g.begin = since;
    while (g.begin > since && distance_at(r, &g, g.begin) < far_off) g.begin--;

    // What it pressed on when it closed.
    double deepest = 0;
    for (int t = g.close - rows_in(task, arrive); t <= g.hold; t++)
      deepest = fmax(deepest, press[t * r->arm_count + g.arm]);
    g.shift[2] = deepest > pressed ? -deepest - clear : 0;

    // Where its fingers have closed, and where they were in the middle before.
    const double *open = r->pads[g.arm] + 3 * g.close, *closed = r->pads[g.arm] + 3 * g.hold;
    for (int k = 0; k < 2; k++) g.shift[k] = closed[k] - open[k];
    grasp[found++] = g;
  }
  return found;
}

loomPose loom_clean_approach(const loomCleanGrasp* g, const loomReplay* r, int row) {
  loomPose back = loom_pose_identity();
  for (int k = 0; k < 3; k++) back.pos[k] = g->shift[k];

  // From rest to rest, so that the hand has found its place before and after.
  double last = g->start + (1 - arrive / approach_time) * (g->close - g->start);
  double left = row < last ? (last - row) / (last - g->start) : 0;
  back.pos[2] -= drawn_back * left * left * (3 - 2 * left);
  return loom_pose_mul(grip_at(r, g, row), back);
}
