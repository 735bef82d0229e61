#include "policies/agent/decide.h"

#include <stdlib.h>

// Rows [0, row] of a demo as the novice has them before its eyes: the last `rows` of them, the first one
// again before the start.
static void view_rows(float* seen, const float* obs, int row, int rows, const loomNormal* normal) {
  size_t dim = (size_t)normal->dim;

  for (int i = 0; i < rows; i++) {
    int from = row - (rows - 1 - i);
    memcpy(seen + (size_t)i * dim, obs + (size_t)(from > 0 ? from : 0) * dim, dim * sizeof *seen);
  }

  loom_normal_apply(seen, rows, normal);
}

int loom_trained_actions(float* actions, const loomTrained* t, const float* obs, int rows, uint64_t seed,
                         loomError* err) {
  loomActor actor = {0};
  int saw = loom_network_seen(&t->network.def), decided = loom_network_decided(&t->network.def);
  size_t dim = (size_t)t->actions.dim;
  float* seen = malloc((size_t)saw * (size_t)t->obs.dim * sizeof *seen);
  float* queue = malloc((size_t)decided * dim * sizeof *queue);
  int code = seen && queue ? loom_actor_create(&actor, &t->network, err)
                           : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");

  // All rows of one demo, one after the other, so that what is kept from row to row is what it would have
  // been.
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_POLICY);
  if (!code) loom_actor_begin(&actor);
  for (int r = 0; !code && r < rows; r++) {
    view_rows(seen, obs, r, saw, &t->obs);
    loom_actor_decide(queue, &actor, seen, &random);
    loom_normal_undo(queue, 1, &t->actions);
    memcpy(actions + (size_t)r * dim, queue, dim * sizeof *queue);
  }

  loom_actor_destroy(&actor);
  free(seen);
  free(queue);
  return code;
}
