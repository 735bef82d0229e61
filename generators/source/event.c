#include "generators/source/event.h"

#include <math.h>
#include <stdlib.h>

static const double carried_far = 0.06;  // m an object must go with the hand
static const double stays_put = 0.02;    // m it may shift in the hand and still be in it
static const double turned_far = 0.5;  // rad it must turn with the hand where it goes nowhere, as a knob does
static const double slip_share = 0.5;  // of that way it may shift in the hand while it is carried
static const double flicker = 0.25;    // s without contact that do not end a hold; shorter holds are none
static const double firm = 0.15;       // s from contact of all fingers to a firm grip
static const double next_try = 1.5;    // s after a lost hold in which another one is the same grasp again

/// Rows [first, last) in which a hand holds an object.
typedef struct hold {
  int arm, object;
  int first, last;
  int carried;  // row at which it has gone with the hand far enough, or -1
  int row;      // of the grasp event, or -1 when it is none
} hold;

typedef struct holdList {
  hold* hold;
  int n, capacity;
  const loomReplay* r;
  const loomTask* task;
} holdList;

static int rows_of(const holdList* l, double seconds) {
  return (int)lround(seconds * l->task->control_freq);
}

static unsigned touch(const holdList* l, int arm, int object, int t) {
  return l->r->touch[(t * l->r->arm_count + arm) * l->r->object_count + object];
}

// Where that part of the object is at row t that was between the fingers at row `from`. The frame of a door
// lies on its hinge and goes nowhere, and a handle may turn between the fingers: neither says whether it is
// carried.
static loomPose gripped(const loomReplay* r, const hold* h, int from, int t) {
  const loomPose* object = r->object[h->object];
  return loom_pose_mul(object[t], loom_pose_mul(loom_pose_inverse(object[from]), r->eef[h->arm][from]));
}

static double shift_in_hand(const loomReplay* r, const hold* h, int from, int to) {
  return loom_pose_distance(gripped(r, h, from, to), r->eef[h->arm][to]);
}

static bool is_held(const holdList* l, int arm, int object, int t) {
  unsigned all = (1u << l->task->robots[arm].finger_count) - 1;

  int told = t;  // a command of 0 leaves the gripper as it is
  while (told > 0 && l->r->grip[arm][told] == 0) told--;

  return l->r->grip[arm][told] > 0 && touch(l, arm, object, t) == all;
}

static bool lies_in(const hold* h, int object, int t) {
  return h->object == object && h->first <= t && t < h->last;
}

static int add_hold(holdList* l, hold h, loomError* err) {
  hold* before = l->n ? &l->hold[l->n - 1] : NULL;
  if (before && before->arm == h.arm && before->object == h.object) {
    // A short loss of contact, and a longer one in which the object stays where it was in the hand.
    int gap = h.first - before->last;
    bool stays =
        gap <= rows_of(l, next_try) && shift_in_hand(l->r, &h, before->last - 1, h.first) < stays_put;
    if (gap <= rows_of(l, flicker) || stays) {
      before->last = h.last;
      return 0;
    }
  }

  if (l->n == l->capacity) {
    int capacity = l->capacity ? 2 * l->capacity : 32;
    hold* more = realloc(l->hold, sizeof *more * (size_t)capacity);
    if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for grasps");
    l->hold = more;
    l->capacity = capacity;
  }

  l->hold[l->n++] = h;
  return 0;
}

static int find_holds(holdList* l, int arm, int object, loomError* err) {
  int code = 0;
  for (int t = 0; !code && t < l->r->rows; t++) {
    if (!is_held(l, arm, object, t)) continue;

    hold h = {arm, object, t, t, -1, -1};
    while (t < l->r->rows && is_held(l, arm, object, t)) t++;
    h.last = t;
    code = add_hold(l, h, err);
  }
  return code;
}

// A knob, a valve or a key stays where it is and turns with the hand.
static int turned_row(const loomReplay* r, const hold* h) {
  const loomPose *object = r->object[h->object], *eef = r->eef[h->arm];
  for (int t = h->first; t < h->last; t++) {
    double gone = loom_quat_angle(object[h->first].quat, object[t].quat);
    loomPose before = loom_pose_mul(loom_pose_inverse(eef[h->first]), object[h->first]);
    loomPose now = loom_pose_mul(loom_pose_inverse(eef[t]), object[t]);

    if (gone >= turned_far && loom_quat_angle(before.quat, now.quat) <= slip_share * gone) return t;
  }
  return -1;
}

static int carried_row(const loomReplay* r, const hold* h) {
  for (int t = h->first; t < h->last; t++) {
    // Along with the hand, not pushed: what it shifts in the hand is small beside its way.
    double gone = loom_pose_distance(r->eef[h->arm][h->first], gripped(r, h, h->first, t));
    if (gone >= carried_far && shift_in_hand(r, h, h->first, t) <= slip_share * gone) return t;
  }
  return turned_row(r, h);
}

static int release_row(const holdList* l, const hold* h) {
  for (int t = h->last; t < l->r->rows; t++) {
    if (!touch(l, h->arm, h->object, t) || shift_in_hand(l->r, h, h->last - 1, t) > stays_put) return t;
  }
  return -1;
}

// Another hand that has carried the object and still has it, or lets it go just now, when this one takes hold
// of it.
static const hold* giver(const holdList* l, const hold* h) {
  for (int i = 0; i < l->n; i++) {
    const hold* g = &l->hold[i];
    if (g->arm == h->arm || g->object != h->object || g->carried < 0 || g->carried > h->first) continue;

    int gone = release_row(l, g);
    if (gone < 0 || h->first <= gone + rows_of(l, flicker)) return g;
  }
  return NULL;
}

static int grasp_row(const holdList* l, const hold* h) {
  if (h->last - h->first < rows_of(l, flicker) && h->last < l->r->rows) return -1;

  // Taken up from where it lay, a grasp counts once the object is carried.
  const hold* from = giver(l, h);
  if (!from) return h->carried;

  // Taken from another hand, once the grip is firm; but only by one that keeps or carries it.
  int row = h->first + rows_of(l, firm);
  bool alone = from->last < h->last;
  return (alone || h->carried >= 0) && row < l->r->rows ? row : -1;
}

// The same hand soon grasps the same object again, nobody else having it meanwhile: this was a failed try.
static bool tried_again(const holdList* l, const hold* h) {
  for (int i = 0; i < l->n; i++) {
    const hold* again = &l->hold[i];
    if (again->arm != h->arm || again->object != h->object || again->row < 0) continue;
    if (again->first < h->last || again->first - h->last > rows_of(l, next_try)) continue;

    bool elsewhere = false;
    for (int j = 0; j < l->n; j++)
      elsewhere = elsewhere || (l->hold[j].arm != h->arm && lies_in(&l->hold[j], h->object, again->first));

    if (!elsewhere) return true;
  }
  return false;
}

static int by_row(const void* a, const void* b) {
  const loomEvent *x = a, *y = b;
  if (x->row != y->row) return x->row < y->row ? -1 : 1;
  if (x->arm != y->arm) return x->arm < y->arm ? -1 : 1;
  return (x->object > y->object) - (x->object < y->object);
}

int loom_events_find(loomEvent** out, int* n, const loomReplay* r, const loomTask* task, loomError* err) {
  holdList l = {.r = r, .task = task};
  int code = 0;
  *n = 0;
  *out = NULL;

  // All holds first: which of them are grasps depends on the other hands'.
  for (int a = 0; a < r->arm_count; a++) {
    bool can = task->robots[a].gripper_dim && task->robots[a].finger_count;
    for (int o = 0; !code && can && o < r->object_count; o++) code = find_holds(&l, a, o, err);
  }

  for (int i = 0; i < l.n; i++) l.hold[i].carried = carried_row(r, &l.hold[i]);
  for (int i = 0; i < l.n; i++) l.hold[i].row = grasp_row(&l, &l.hold[i]);

  // Each grasp, and the row at which it lets go again, if it does.
  if (!code && !(*out = calloc(2 * (size_t)l.n + 1, sizeof **out)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for grasps");
  for (int i = 0; !code && i < l.n; i++) {
    const hold* h = &l.hold[i];
    if (h->row < 0 || tried_again(&l, h)) continue;
    (*out)[(*n)++] = (loomEvent){LOOM_EVENT_GRASP, h->arm, h->object, h->row};

    int row = release_row(&l, h);
    if (row >= 0) (*out)[(*n)++] = (loomEvent){LOOM_EVENT_RELEASE, h->arm, h->object, row};
  }

  if (*out) qsort(*out, (size_t)*n, sizeof **out, by_row);
  free(l.hold);
  return code;
}
