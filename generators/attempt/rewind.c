#include "generators/attempt/rewind.h"

#include <stdlib.h>
#include <string.h>

#include "generators/attempt/failure.h"

// Checkpoints: how many, how far from each other (control steps). It goes back to the oldest, and no more
// often in a row.
enum { KEPT = 3, SPACING = 8, IN_A_ROW = 2 };
// Control steps past a breach, at the attempt's own pace, after which it has been got over.
enum { PAST = 10 };

static const double draw_back = 0.003;  // m that hands draw back each time

typedef struct checkpoint {
  loomPlan plan;
  loomAttemptResult result;
  loomRunResult run;
  int rows;
  char* snapshot;  // of the episode
} checkpoint;

struct loomRewind {
  int times;  // it may still go back
  int kept;   // checkpoints, the oldest first
  checkpoint at[KEPT];
  int again;  // times in a row that it went back to the oldest
  int past;   // control step from which the last breach has been got over
};

int loom_rewind_create(loomRewind** out, const loomPlan* p, loomError* err) {
  *out = NULL;
  if (!p->task->rewind || p->def->disturb) return 0;

  loomRewind* r = calloc(1, sizeof *r);
  *out = r;
  bool ok = r != NULL;
  for (int i = 0; ok && i < KEPT; i++) {
    r->at[i].snapshot = malloc(loom_episode_snapshot_size(p->e));
    ok = r->at[i].snapshot != NULL;
  }
  if (ok) {
    r->times = p->task->rewind;
    return 0;
  }

  loom_rewind_destroy(r);
  *out = NULL;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an attempt's checkpoints");
}

void loom_rewind_destroy(loomRewind* r) {
  for (int i = 0; r && i < KEPT; i++) free(r->at[i].snapshot);
  free(r);
}

void loom_rewind_keep(loomRewind* r, const loomPlan* p, const loomRunResult* run) {
  if (!r || (p->e->steps < p->task->settle_steps && !p->midway)) return;

  // On the way to a breach that is not got over yet there is one place to go back to.
  if (r->again && p->e->steps <= r->past) return;
  if (r->again) r->kept = r->again = 0;
  if (r->kept && p->e->steps < r->at[r->kept - 1].run.steps + SPACING) return;

  // The oldest makes room.
  if (r->kept == KEPT) {
    checkpoint oldest = r->at[0];
    memmove(r->at, r->at + 1, sizeof *r->at * (KEPT - 1));
    r->at[KEPT - 1] = oldest;
    r->kept--;
  }

  checkpoint* c = &r->at[r->kept++];
  c->plan = *p;
  c->result = *p->result;
  c->run = *run;
  c->rows = p->trace->rows;
  loom_episode_snapshot(c->snapshot, p->e);
}

void loom_rewind_forget(loomRewind* r) {
  if (r) r->kept = r->again = r->past = 0;
}

// ---- what is done otherwise

// Arms go along a direction, each in the subtask that it has come to. False when none has any to do.
static bool yield(loomPlan* p, unsigned arms, const double* away, double by) {
  bool any = false;
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!(arms >> a & 1) || !p->arm[a].running) continue;
    for (int i = 0; i < 3; i++) p->yield[a][p->arm[a].subtask][i] += by * away[i];
    any = true;
  }
  return any;
}

// Out of the contact of two geoms: what an arm is part of, or else what it holds, goes away from the other
// side. False when there is none.
static bool yield_to_contact(loomPlan* p, const int* geom) {
  const mjContact* deepest = NULL;
  for (int c = 0; c < p->e->d->ncon; c++) {
    const mjContact* contact = &p->e->d->contact[c];
    if (contact->geom[0] != geom[0] || contact->geom[1] != geom[1]) continue;
    if (!deepest || contact->dist < deepest->dist) deepest = contact;
  }
  if (!deepest) return false;

  // The normal points from the first geom to the second. An arm is on one side of it.
  unsigned first = loom_arms_at_geom(p, geom[0]), second = loom_arms_at_geom(p, geom[1]);
  unsigned own_first = loom_arms_of_geom(p, geom[0]), own_second = loom_arms_of_geom(p, geom[1]);
  first &= ~own_second;
  second &= ~own_first;
  bool any = yield(p, first, deepest->frame, -draw_back);
  return yield(p, second, deepest->frame, draw_back) || any;
}

int loom_rewind_back(loomRewind* r, loomPlan* p, loomRunResult* run, loomError* err) {
  if (!r || run->end != LOOM_RUN_BREACHED || !r->kept || !r->times || r->again == IN_A_ROW) return 0;

  // What to do otherwise is seen where it went wrong, and done from before.
  bool pressed = run->breach.limit == LOOM_LIMIT_PENETRATION;
  if (pressed && r->again && !yield_to_contact(p, run->quality.contact)) return 0;
  double drawn_back[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS][3];
  memcpy(drawn_back, p->yield, sizeof drawn_back);

  // As it was then, but for what it has cost.
  checkpoint* c = &r->at[0];
  int steps = run->steps - c->run.steps;
  int64_t physics_steps = run->physics_steps, rewound = p->result->rewound + steps;
  *p = c->plan;
  *p->result = c->result;
  *run = c->run;
  p->trace->rows = c->rows;
  run->physics_steps = physics_steps;
  p->result->rewound = rewound;

  // Slower each time, until it is past where it went wrong.
  int way = steps / (1 + r->again) + PAST;  // control steps at its own pace
  r->kept = 1;
  r->times--;
  r->again++;
  memcpy(p->yield, drawn_back, sizeof drawn_back);
  p->slow = 1 + r->again;
  p->slow_until = r->past = c->run.steps + p->slow * way;

  int code = loom_episode_restore(p->e, c->snapshot, err);
  return code ? code : 1;
}
