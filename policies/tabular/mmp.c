// Maximum margin planning (Ratliff, Bagnell and Zinkevich, "Maximum margin planning", ICML 2006): weights by
// which the expert does better than any other policy, by a margin that grows with how often that does what
// the expert never does:
//
//   c(w) = lambda / 2 |w|^2 + max over policies of ((w . features + loss) . occupancy) - w . mu_E
//
// The maximum is that of planning for a reward with the loss in it. Every policy gives a plane below c; the
// best mixture of planes is its dual, whose distance to c is the gap.
#include <math.h>
#include <string.h>

#include "policies/tabular/irl.h"
#include "policies/tabular/minimize.h"
#include "policies/tabular/simplex.h"

typedef struct planner {
  loomIrlResult* out;
  const loomMdp* mdp;
  const loomExpert* expert;
  const loomIrlDef* def;
  loomPlan plan;
  loomHeap* heap;             // of the plan
  double *loss, *reward, *d;  // (S x A) each
  double *w, *slope, *mean;   // (K): the weights now, mu - mu_E of their policy, what that is on average
  double offset, offsets;     // the loss of that policy, and on average
  double value;               // c of the weights now
  int planes, room, product_room;
  double** plane;   // (planes) of (K)
  double* product;  // (planes)
  loomSimplex dual;
} planner;

// 0/1: what the expert does in a state it was in is free, in part where it does several things; all else
// costs 1 each time.
static void make_loss(planner* p) {
  const loomMdp* m = p->mdp;
  for (int s = 0; s < m->states; s++) {
    double sum = 0;
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) sum += p->expert->d[row];
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++)
      p->loss[row] = m->terminal[s] ? 0 : sum > 0 ? 1 - p->expert->d[row] / sum : 1;
  }
}

// c at w, and the plane there: the slope of the maximum without lambda's part, and its offset.
static int look_around(planner* p, loomError* err) {
  const loomMdp* m = p->mdp;
  loom_mdp_reward(p->reward, m, p->w);
  for (size_t i = 0; i < p->plan.rows; i++) p->reward[i] += p->loss[i];
  int code = loom_plan_hard(&p->plan, m, p->reward, err);
  if (!code) code = loom_plan_occupancy(p->d, NULL, m, p->plan.policy, err);
  if (code) return code;

  loom_mdp_expectation(p->slope, m, p->d);
  p->offset = loom_plan_sum(m, p->d, p->loss);
  p->value = 0.5 * p->def->lambda * loom_dot(p->w, p->w, m->features) + p->plan.start_value;
  for (int k = 0; k < m->features; k++) {
    p->value -= p->w[k] * p->expert->features[k];
    p->slope[k] -= p->expert->features[k];
  }

  if (p->value < p->out->objective) {
    p->out->objective = p->value;
    memcpy(p->out->weights, p->w, (size_t)m->features * sizeof(double));
  }
  return 0;
}

// The best so far against the best that any could be.
static bool near_enough(planner* p, int iteration, double dual) {
  loomIrlResult* out = p->out;
  out->dual = fmax(out->dual, dual);
  out->left = out->objective - out->dual;
  out->iterations = iteration;
  out->converged = out->left <= p->def->tolerance * (1 + fabs(out->objective));
  return out->converged || iteration == p->def->iterations ||
         (p->def->after && p->def->after(p->def->data, iteration, out->objective, out->left));
}

// ---- steps

// With steps of 1 / (lambda t) the weights are always those of all planes so far mixed alike, which gives a
// dual value as well.
static int step_down(planner* p, loomError* err) {
  int n = p->mdp->features, code = 0;
  double lambda = p->def->lambda;
  for (int t = 1;; t++) {
    code = look_around(p, err);
    if (code || (t > 1 && near_enough(p, t - 1, p->offsets - 0.5 * lambda * loom_dot(p->w, p->w, n))))
      return code;

    p->offsets += (p->offset - p->offsets) / t;
    for (int k = 0; k < n; k++) {
      p->mean[k] += (p->slope[k] - p->mean[k]) / t;
      p->w[k] = -p->mean[k] / lambda;
    }
  }
}

// ---- planes

static int add_plane(planner* p, loomError* err) {
  size_t n = (size_t)p->mdp->features;
  double* plane = loom_heap_take(p->heap, n, sizeof *plane);
  double** list = loom_heap_grow(p->heap, p->plane, p->planes, &p->room, sizeof *list);
  if (list) p->plane = list;
  double* product = loom_heap_grow(p->heap, p->product, p->planes, &p->product_room, sizeof *product);
  if (!plane || !list || !product) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a plane");

  p->product = product;
  memcpy(plane, p->slope, n * sizeof *plane);
  list[p->planes++] = plane;
  for (int i = 0; i < p->planes; i++) {
    product[i] = 0;
    for (size_t k = 0; k < n; k++) product[i] += plane[k] * list[i][k] / p->def->lambda;
  }
  return loom_simplex_add(&p->dual, product, p->offset, err);
}

// The best weights of all planes so far are the dual's; where they are worse than told, another plane.
static int cut(planner* p, loomError* err) {
  int n = p->mdp->features, code = look_around(p, err);
  for (int t = 1; !code; t++) {
    code = add_plane(p, err);
    if (!code) code = loom_simplex_solve(&p->dual, err);
    if (code) break;

    memset(p->w, 0, (size_t)n * sizeof(double));
    for (int i = 0; i < p->planes; i++)
      for (int k = 0; k < n; k++) p->w[k] -= p->dual.a[i] * p->plane[i][k] / p->def->lambda;
    code = look_around(p, err);
    if (code || near_enough(p, t, -loom_simplex_value(&p->dual))) break;
  }
  return code;
}

int loom_irl_mmp(loomIrlResult* out, const loomMdp* m, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err) {
  planner p = {.out = out, .mdp = m, .expert = expert, .def = def};
  int code = loom_plan_create(&p.plan, m, err);
  if (code) return code;
  p.heap = &p.plan.heap;
  size_t n = (size_t)m->features;
  double** const room[] = {&p.loss, &p.reward, &p.d, &p.w, &p.slope, &p.mean};
  for (int i = 0; i < 6 && !code; i++) {
    *room[i] = loom_heap_take(p.heap, i < 3 ? p.plan.rows : n, sizeof(double));
    if (!*room[i]) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  }

  out->objective = INFINITY;
  out->dual = -INFINITY;
  if (!code) {
    make_loss(&p);
    code = def->subgradient ? step_down(&p, err) : cut(&p, err);
  }

  // What the weights are for: the best policy without the loss.
  if (!code) {
    loom_mdp_reward(p.reward, m, out->weights);
    code = loom_plan_hard(&p.plan, m, p.reward, err);
  }
  if (!code) memcpy(out->policy, p.plan.policy, p.plan.rows * (size_t)p.plan.periods * sizeof(double));
  loom_simplex_destroy(&p.dual);
  loom_plan_destroy(&p.plan);
  return code;
}
