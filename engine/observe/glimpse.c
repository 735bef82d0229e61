#include "engine/observe/glimpse.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"

// Draws of a control step.
enum { DRAWS_A_STEP = 4 };

static bool is_late(const loomEpisode* e) {
  return e->disturbance && loom_disturb_does(e->disturbance->set, LOOM_DISTURB_PAST);
}

int loom_glimpse_begin(loomGlimpse* g, const loomEpisode* e, loomError* err) {
  g->steps = -1;
  if (!is_late(e) || (g->past && g->nq == (int)e->m->nq)) return 0;

  loom_glimpse_destroy(g);
  g->nq = (int)e->m->nq;
  g->past = calloc((size_t)LOOM_DISTURB_LATE * (size_t)g->nq + 1, sizeof *g->past);
  g->shown = calloc((size_t)g->nq + 1, sizeof *g->shown);
  return g->past && g->shown ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
}

void loom_glimpse_destroy(loomGlimpse* g) {
  free(g->past);
  free(g->shown);
}

const double* loom_glimpse_see(loomGlimpse* g, const loomEpisode* e, int step, const double* qpos) {
  size_t bytes = sizeof *qpos * (size_t)g->nq;
  if (!is_late(e) || !g->past) return qpos;
  if (g->steps == step) return g->shown;

  bool first = g->steps < 0;
  g->steps = step;
  memcpy(g->past + (size_t)(step % LOOM_DISTURB_LATE) * (size_t)g->nq, qpos, bytes);

  // The number is drawn whether it is needed or not; the first picture is always seen.
  const loomDisturbance* d = e->disturbance;
  loomRandom random = loom_random(d->seed, d->number, LOOM_PURPOSE_GLIMPSE);
  random.draw = (uint32_t)step * DRAWS_A_STEP;
  double luck = loom_random_uniform(&random);
  if (!first && luck < loom_disturb_at(e, step, LOOM_DISTURB_PICTURE_DROPOUT, "")) return g->shown;

  // Nothing comes before the start.
  int late = (int)loom_disturb_at(e, step, LOOM_DISTURB_PICTURE_DELAY, "");
  int from = step > late ? step - late : 0;
  memcpy(g->shown, g->past + (size_t)(from % LOOM_DISTURB_LATE) * (size_t)g->nq, bytes);
  return g->shown;
}
