// What an expert does: all of a policy, or trajectories.
#include <math.h>

#include "engine/base/random.h"
#include "policies/tabular/irl.h"

static int take_room(loomExpert* out, const loomMdp* m, loomError* err) {
  size_t rows = (size_t)m->states * (size_t)m->actions, periods = m->horizon ? (size_t)m->horizon : 1;
  *out = (loomExpert){0};
  out->d = loom_heap_take(&out->heap, rows, sizeof(double));
  out->visits = loom_heap_take(&out->heap, periods * rows, sizeof(double));
  out->features = loom_heap_take(&out->heap, (size_t)m->features, sizeof(double));
  if (out->d && out->visits && out->features) return 0;

  loom_expert_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for what the expert did");
}

void loom_expert_destroy(loomExpert* expert) {
  if (!expert) return;
  loom_heap_destroy(&expert->heap);
  *expert = (loomExpert){0};
}

int loom_expert_of_policy(loomExpert* out, const loomMdp* m, const double* policy, loomError* err) {
  int code = take_room(out, m, err);
  if (!code) code = loom_plan_occupancy(out->d, out->visits, m, policy, err);
  if (!code) loom_mdp_expectation(out->features, m, out->d);
  if (code) loom_expert_destroy(out);
  return code;
}

int loom_expert_of_demos(loomExpert* out, const loomMdp* m, const loomDemos* demos, loomError* err) {
  int code = take_room(out, m, err);
  if (code) return code;
  size_t rows = (size_t)m->states * (size_t)m->actions;
  double share = 1.0 / demos->n;

  for (int i = 0; i < demos->n; i++) {
    double weight = share;
    for (int k = demos->begin[i], t = 0; k < demos->begin[i + 1]; k++, t++) {
      if (m->horizon && t >= m->horizon) break;

      // The state at the end counts where it is terminal: its reward is that of action 0.
      int s = demos->state[k], a = demos->action[k];
      if (a < 0 && !m->terminal[s]) break;
      size_t row = (size_t)(s * m->actions + (a < 0 ? 0 : a));
      out->d[row] += weight;
      if (m->horizon)
        out->visits[(size_t)t * rows + row] += share;
      else
        out->visits[row] += weight;
      weight *= m->gamma;
    }
  }
  loom_mdp_expectation(out->features, m, out->d);
  return 0;
}

// ---- trajectories

typedef struct demoRoom {
  loomHeap* heap;
  int n, state_room, action_room;
  loomDemos* out;
} demoRoom;

static int add_step(demoRoom* r, int s, int a, loomError* err) {
  int* state = loom_heap_grow(r->heap, r->out->state, r->n, &r->state_room, sizeof *state);
  if (!state) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for trajectories");
  r->out->state = state;
  int* action = loom_heap_grow(r->heap, r->out->action, r->n, &r->action_room, sizeof *action);
  if (!action) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for trajectories");
  r->out->action = action;

  state[r->n] = s;
  action[r->n++] = a;
  return 0;
}

static int sample_one(demoRoom* r, const loomMdp* m, const double* policy, loomRandom* random,
                      loomError* err) {
  int s = loom_random_weighted(random, m->start, m->states), code = 0;
  double weight = 1;
  for (int t = 0; !code && !m->terminal[s]; t++) {
    if (m->horizon ? t == m->horizon : weight < 1e-6) break;
    size_t at = m->horizon ? (size_t)t * (size_t)(m->states * m->actions) : 0;

    // An action, then where it leads.
    int a = loom_random_weighted(random, policy + at + (size_t)(s * m->actions), m->actions);
    int row = s * m->actions + a, first = m->row[row];
    code = add_step(r, s, a, err);
    s = m->next[first + loom_random_weighted(random, m->p + first, m->row[row + 1] - first)];
    weight *= m->gamma;
  }
  return code ? code : add_step(r, s, -1, err);
}

int loom_demos_sample(loomDemos* out, loomHeap* heap, const loomMdp* m, const double* policy, int n,
                      uint64_t seed, loomError* err) {
  demoRoom room = {.heap = heap, .out = out};
  *out = (loomDemos){.n = n, .begin = loom_heap_take(heap, (size_t)n + 1, sizeof(int))};
  if (!out->begin) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for trajectories");

  for (int i = 0; i < n; i++) {
    loomRandom random = loom_random(seed, (uint64_t)i, LOOM_PURPOSE_DEMO);
    int code = sample_one(&room, m, policy, &random, err);
    if (code) return code;
    out->begin[i + 1] = room.n;
  }
  return 0;
}
