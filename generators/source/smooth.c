#include "generators/source/smooth.h"

#include <math.h>
#include <string.h>

static const double before_closing = 0.75;                      // s of the approach that stay as they are
static const double after_closing = 0.6;                        // s in which fingers close
static const double before_opening = 0.3, after_opening = 0.6;  // s
static const double beside_motion = 0.5;  // s about rows in which an object moves without being held
static const double ramp = 1;             // s from rows that stay to rows that are free
static const double bumped = 0.02, bumped_turn = 0.2;  // m, rad: an object moved by less was only bumped
static const double moving = 0.01, moving_turn = 0.1;  // m/s, rad/s: an object that is faster moves
static const double settling = 0.5;                    // s in which objects drop into place at the start

static int rows_in(const loomTask* task, double seconds) {
  return (int)lround(seconds * task->control_freq);
}

static void keep_rows(double* slack, int rows, int first, int last) {
  for (int t = first < 0 ? 0 : first; t <= last && t < rows; t++) slack[t] = 0;
}

// The row at which the hand's command last changed to closed (or to open) up to row t; t where it never did.
static int change_before(const loomReplay* r, int arm, int t, bool closed) {
  const double* grip = r->grip[arm];
  for (int i = t; i > 0; i--)
    if ((grip[i] > 0) == closed && (grip[i - 1] > 0) != closed) return i;
  return t;
}

/// From the closing of a hand to its release.
typedef struct holding {
  int arm, object, first, last;
} holding;

static holding holding_of(const loomReplay* r, const loomEvent* event, int n, int i) {
  holding h = {event[i].arm, event[i].object, change_before(r, event[i].arm, event[i].row, true),
               r->rows - 1};
  for (int k = i + 1; k < n; k++) {
    if (event[k].kind != LOOM_EVENT_RELEASE || event[k].arm != h.arm || event[k].object != h.object) continue;
    h.last = event[k].row;
    break;
  }
  return h;
}

static int hands_on(const loomReplay* r, const loomEvent* event, int n, int object, int t) {
  int hands = 0;
  for (int i = 0; i < n; i++) {
    if (event[i].kind != LOOM_EVENT_GRASP || event[i].object != object) continue;
    holding h = holding_of(r, event, n, i);
    hands += h.first <= t && t <= h.last;
  }
  return hands;
}

static void keep_events(double* slack, const loomReplay* r, const loomTask* task, const loomEvent* event,
                        int n) {
  for (int i = 0; i < n; i++) {
    bool closes = event[i].kind == LOOM_EVENT_GRASP;
    int change = change_before(r, event[i].arm, event[i].row, closes);
    double before = closes ? before_closing : before_opening, after = closes ? after_closing : after_opening;
    keep_rows(slack, r->rows, change - rows_in(task, before), change + rows_in(task, after));
  }
}

// Rows [first, last) in which no hand holds the object: if it goes somewhere, it is pushed, or it drops.
static void keep_pushed(double* slack, const loomReplay* r, const loomTask* task, int object, int first,
                        int last) {
  const loomPose* pose = r->object[object];
  if (first < rows_in(task, settling)) first = rows_in(task, settling);
  if (last - first < 2) return;

  bool stays = loom_pose_distance(pose[first], pose[last - 1]) < bumped &&
               loom_quat_angle(pose[first].quat, pose[last - 1].quat) < bumped_turn;
  if (stays) return;

  int beside = rows_in(task, beside_motion);
  for (int t = first; t + 1 < last; t++) {
    double speed = loom_pose_distance(pose[t], pose[t + 1]) * task->control_freq;
    double turn = loom_quat_angle(pose[t].quat, pose[t + 1].quat) * task->control_freq;
    if (speed > moving || turn > moving_turn) keep_rows(slack, r->rows, t - beside, t + beside);
  }
}

static void keep_objects(double* slack, const loomReplay* r, const loomTask* task, const loomEvent* event,
                         int n) {
  for (int o = 0; o < r->object_count; o++) {
    int free_since = 0;
    for (int t = 0; t <= r->rows; t++) {
      int hands = t < r->rows ? hands_on(r, event, n, o, t) : 1;

      // Two hands on one object press on each other through it.
      if (hands > 1 && t < r->rows) slack[t] = 0;
      if (!hands) continue;
      keep_pushed(slack, r, task, o, free_since, t);
      free_since = t + 1;
    }
  }
}

void loom_smooth_slack(double* slack, const loomReplay* r, const loomTask* task, const loomEvent* event,
                       int n) {
  for (int t = 0; t < r->rows; t++) slack[t] = 1;
  slack[0] = slack[r->rows - 1] = 0;
  keep_events(slack, r, task, event, n);
  keep_objects(slack, r, task, event, n);

  // A ramp from rows that stay, in both directions.
  double step = 1.0 / rows_in(task, ramp);
  for (int t = 1; t < r->rows; t++) slack[t] = fmin(slack[t], slack[t - 1] + step);
  for (int t = r->rows - 2; t >= 0; t--) slack[t] = fmin(slack[t], slack[t + 1] + step);
}

void loom_smooth_vain(bool* vain, const loomReplay* r, int arm, const loomEvent* event, int n) {
  const double* grip = r->grip[arm];
  memset(vain, 0, sizeof *vain * (size_t)r->rows);

  for (int t = 0, end; t < r->rows; t = end) {
    for (end = t + 1; end < r->rows && (grip[end] > 0) == (grip[t] > 0);) end++;
    if (grip[t] <= 0 || t == 0 || end == r->rows) continue;

    // Closed over rows [t, end), and open before and after.
    bool grasps = false;
    for (int i = 0; i < n; i++) {
      bool its = event[i].kind == LOOM_EVENT_GRASP && event[i].arm == arm;
      grasps = grasps || (its && t <= event[i].row && event[i].row < end);
    }
    for (int i = t; i < end && !grasps; i++) vain[i] = true;
  }
}

static void smooth_row(double* out, const double* x, int rows, int columns, int i, double sigma) {
  int reach = (int)ceil(3 * sigma);
  double sum = 0;
  memset(out, 0, sizeof *out * (size_t)columns);

  for (int k = -reach; k <= reach; k++) {
    int t = i + k;
    if (t < 0 || t >= rows) continue;
    double weight = exp(-0.5 * k * k / (sigma * sigma));
    for (int c = 0; c < columns; c++) out[c] += weight * x[t * columns + c];
    sum += weight;
  }
  for (int c = 0; c < columns; c++) out[c] /= sum;
}

void loom_smooth_rows(double* out, const double* x, int rows, int columns, const double* slack,
                      double sigma) {
  for (int i = 0; i < rows; i++) {
    double width = slack[i] * sigma;
    if (width < 0.1) {
      memcpy(out + i * columns, x + i * columns, sizeof *x * (size_t)columns);
    } else {
      smooth_row(out + i * columns, x, rows, columns, i, width);
    }
  }
}

void loom_smooth_share(double* share, double* scratch, int rows, int reach) {
  // The least of the neighbors, and then their mean: each of those is at most this row's own.
  for (int i = 0; i < rows; i++) {
    scratch[i] = share[i];
    for (int k = -reach; k <= reach; k++)
      if (i + k >= 0 && i + k < rows) scratch[i] = fmin(scratch[i], share[i + k]);
  }

  for (int i = 0; i < rows; i++) {
    double sum = 0;
    int n = 0;
    for (int k = -reach; k <= reach; k++)
      if (i + k >= 0 && i + k < rows) sum += scratch[i + k], n++;
    share[i] = sum / n;
  }
}
