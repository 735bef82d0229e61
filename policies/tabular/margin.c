// Apprenticeship learning (Abbeel and Ng, "Apprenticeship learning via inverse reinforcement learning", ICML
// 2004): policies whose mixture meets the expert's features, each the best for a reward by which the expert
// does better than all before it.
//
// The program of max-margin, "the weights of norm 1 by which the expert is better than every policy by the
// most", is that of the nearest point in the policies' hull: its weights lead from there to the expert.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/tabular/irl.h"
#include "policies/tabular/minimize.h"
#include "policies/tabular/simplex.h"

typedef struct mixer {
  loomIrlResult* out;
  const loomMdp* mdp;
  const loomExpert* expert;
  loomPlan plan;
  loomSimplex hull;               // of the differences to the expert's features
  double *near, *goal, *product;  // (K) the mixture's features, (K) mu_E, (members)
  double *reward, *d, *visits;    // (S x A), (S x A), (periods x S x A)
  double* share;                  // (members) projection's own
  int room;
} mixer;

// The policy of the plan becomes a member; any: that of all actions alike does.
static int add_member(mixer* x, bool any, loomError* err) {
  loomIrlResult* out = x->out;
  const loomMdp* m = x->mdp;
  size_t states = (size_t)m->states, n = (size_t)m->actions, all = states * (size_t)x->plan.periods;
  loomMember one = {.features = loom_heap_take(&out->heap, (size_t)m->features, sizeof(double))};
  loomMember* grown = loom_heap_grow(&out->heap, out->member, out->members, &x->room, sizeof *grown);
  if (!any) one.action = loom_heap_take(&out->heap, all, sizeof(int));
  if (!grown || !one.features || (!any && !one.action))
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for one more policy");

  for (size_t i = 0; i < all && !any; i++)
    for (size_t a = 0; a < n; a++)
      if (x->plan.policy[i * n + a] > 0) one.action[i] = (int)a;
  int code = loom_plan_occupancy(x->d, NULL, m, x->plan.policy, err);
  if (code) return code;
  loom_mdp_expectation(one.features, m, x->d);
  out->member = grown;
  out->member[out->members++] = one;

  // Its products with the others, as seen from the expert.
  for (int i = 0; i < out->members; i++) {
    x->product[i] = 0;
    for (int k = 0; k < m->features; k++)
      x->product[i] += (one.features[k] - x->goal[k]) * (out->member[i].features[k] - x->goal[k]);
  }
  return loom_simplex_add(&x->hull, x->product, 0, err);
}

static void fill_policy(double* policy, const mixer* x, const loomMember* member) {
  const loomMdp* m = x->mdp;
  size_t states = (size_t)m->states, n = (size_t)m->actions;
  for (size_t i = 0; i < states * (size_t)x->plan.periods; i++) {
    const bool* open = m->open + i % states * n;
    int count = 0;
    for (size_t a = 0; a < n; a++) count += open[a];
    for (size_t a = 0; a < n; a++) {
      double any = open[a] ? 1.0 / count : 0;
      policy[i * n + a] = member->action ? (int)a == member->action[i] : any;
    }
  }
}

// near = the features of the mixture; returns how far they are from the expert's.
static double measure_mixture(mixer* x, const double* share) {
  memset(x->near, 0, (size_t)x->mdp->features * sizeof(double));
  for (int i = 0; i < x->out->members; i++)
    for (int k = 0; k < x->mdp->features; k++) x->near[k] += share[i] * x->out->member[i].features[k];

  double sum = 0;
  for (int k = 0; k < x->mdp->features; k++) sum += pow(x->goal[k] - x->near[k], 2);
  return sqrt(sum);
}

// Abbeel and Ng's projection onto the line to the newest policy, and the mixture that it is.
static void project(mixer* x) {
  int last = x->out->members - 1;
  const double* fresh = x->out->member[last].features;
  double along = 0, length = 0;
  for (int k = 0; k < x->mdp->features; k++) {
    along += (fresh[k] - x->near[k]) * (x->goal[k] - x->near[k]);
    length += pow(fresh[k] - x->near[k], 2);
  }

  double step = length > 0 ? fmin(1, fmax(0, along / length)) : 0;
  for (int i = 0; i < last; i++) x->share[i] *= 1 - step;
  x->share[last] = step;
}

static int mix(mixer* x, const loomIrlDef* def, loomError* err) {
  loomIrlResult* out = x->out;
  const loomMdp* m = x->mdp;
  double size = sqrt(loom_dot(x->goal, x->goal, m->features)), enough = def->epsilon * size;
  fill_policy(x->plan.policy, x, &(loomMember){0});
  int code = add_member(x, true, err);
  x->share[0] = 1;
  out->nearest = 0;

  // Towards the expert, until it is near, or until the best policy for that direction is no better.
  for (int i = 0; !code; i++) {
    bool all = def->method == LOOM_IRL_MAX_MARGIN;
    if (all) code = loom_simplex_solve(&x->hull, err);
    double left = measure_mixture(x, all ? x->hull.a : x->share);
    out->iterations = i;
    out->converged = left <= enough;
    if (code || out->converged || i == def->iterations) break;
    if (i && def->after && def->after(def->data, i, left, left)) break;

    for (int k = 0; k < m->features; k++) out->weights[k] = (x->goal[k] - x->near[k]) / left;
    loom_mdp_reward(x->reward, m, out->weights);
    code = loom_plan_hard(&x->plan, m, x->reward, err);
    if (!code) code = add_member(x, false, err);
    if (code) break;

    // Every policy lies behind that plane.
    double most = loom_dot(out->weights, out->member[out->members - 1].features, m->features);
    double bound = loom_dot(out->weights, x->goal, m->features) - most;
    out->nearest = fmax(out->nearest, bound);
    if (bound >= left * (1 - 1e-9) - 1e-12 * size) break;
    project(x);
  }

  // Closed with the best mixture of all.
  if (!code) code = loom_simplex_solve(&x->hull, err);
  if (!code) out->left = out->objective = measure_mixture(x, x->hull.a);
  for (int i = 0; i < out->members && !code; i++) out->member[i].share = x->hull.a[i];
  return code;
}

// One policy that does what the mixture does: in each state, as often as those of the mixture who are there.
static int unite(mixer* x, loomError* err) {
  loomIrlResult* out = x->out;
  size_t n = (size_t)x->mdp->actions, all = x->plan.rows * (size_t)x->plan.periods;
  int code = 0;
  memset(out->policy, 0, all * sizeof(double));
  for (int i = 0; i < out->members && !code; i++) {
    if (out->member[i].share <= 0) continue;
    fill_policy(x->plan.policy, x, &out->member[i]);
    code = loom_plan_occupancy(x->d, x->visits, x->mdp, x->plan.policy, err);
    for (size_t k = 0; k < all && !code; k++) out->policy[k] += out->member[i].share * x->visits[k];
  }

  // Where nobody comes, anything will do.
  fill_policy(x->plan.policy, x, &(loomMember){0});
  for (size_t i = 0; i < all && !code; i += n) {
    double sum = 0;
    for (size_t a = 0; a < n; a++) sum += out->policy[i + a];
    for (size_t a = 0; a < n; a++)
      out->policy[i + a] = sum > 0 ? out->policy[i + a] / sum : x->plan.policy[i + a];
  }
  return code;
}

int loom_irl_mix(loomIrlResult* out, const loomMdp* m, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err) {
  mixer x = {.out = out, .mdp = m, .expert = expert, .goal = expert->features};
  int code = loom_plan_create(&x.plan, m, err);
  if (code) return code;
  loomHeap* heap = &x.plan.heap;
  size_t rows = x.plan.rows, most = (size_t)def->iterations + 2;

  x.near = loom_heap_take(heap, (size_t)m->features, sizeof(double));
  x.product = loom_heap_take(heap, most, sizeof(double));
  x.share = loom_heap_take(heap, most, sizeof(double));
  x.reward = loom_heap_take(heap, rows, sizeof(double));
  x.d = loom_heap_take(heap, rows, sizeof(double));
  x.visits = loom_heap_take(heap, rows * (size_t)x.plan.periods, sizeof(double));
  if (!x.near || !x.product || !x.share || !x.reward || !x.d || !x.visits)
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  if (!code) code = mix(&x, def, err);
  if (!code) code = unite(&x, err);
  loom_simplex_destroy(&x.hull);
  loom_plan_destroy(&x.plan);
  return code;
}
