// Rewards whose soft policy is the expert's: maximum causal entropy by its dual, and maximum likelihood.
#include <math.h>
#include <string.h>

#include "policies/tabular/irl.h"

static void add_l2(double* value, double* gradient, const double* w, const loomIrlProblem* p) {
  for (int k = 0; k < p->mdp->features; k++) {
    *value += 0.5 * p->def->l2 * w[k] * w[k];
    gradient[k] += p->def->l2 * w[k];
  }
}

// The dual of "most entropy among policies that meet the expert's features": V_w(start) - w . mu_E, whose
// gradient is what the policy of w has too much of. Convex.
int loom_irl_causal(double* value, double* gradient, const double* w, void* problem, loomError* err) {
  loomIrlProblem* p = problem;
  const loomMdp* m = p->mdp;
  loom_mdp_reward(p->reward, m, w);
  int code = loom_plan_soft(&p->plan, m, p->reward, err);
  if (!code) code = loom_plan_occupancy(p->flow, NULL, m, p->plan.policy, err);
  if (code) return code;

  *value = p->plan.start_value;
  loom_mdp_expectation(gradient, m, p->flow);
  for (int k = 0; k < m->features; k++) {
    *value -= w[k] * p->expert->features[k];
    gradient[k] -= p->expert->features[k];
  }
  add_l2(value, gradient, w, p);
  return 0;
}

// ---- likelihood

// Adjoints of one time: from that of V, (S) in mass, to flow += that of Q = n + pi mass, and to that of the
// next V, (S) in carried += gamma P^T of it.
static void pull_back(loomIrlProblem* p, const double* n, const double* pi) {
  const loomMdp* m = p->mdp;
  for (int s = 0; s < m->states; s++) {
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      double q = (n ? n[row] : 0) - pi[row] * p->mass[s];
      if (q == 0) continue;
      p->flow[row] += q;
      for (int k = m->row[row]; k < m->row[row + 1]; k++) p->carried[m->next[k]] += m->gamma * q * m->p[k];
    }
  }
}

// mass (S) += what n (S x A) had in each state.
static void add_states(double* mass, const loomMdp* m, const double* n) {
  for (int s = 0; s < m->states; s++)
    for (int a = 0; a < m->actions; a++) mass[s] += n[s * m->actions + a];
}

// flow (S x A) = d sum n log pi / d r. V's adjoint is negative in states the expert was in: mass holds minus
// it, so that it reads as people who set out where the expert was and follow the policy.
static void likelihood_flow(loomIrlProblem* p) {
  const loomMdp* m = p->mdp;
  size_t rows = p->plan.rows, bytes = (size_t)m->states * sizeof(double);
  memset(p->flow, 0, rows * sizeof(double));
  memset(p->mass, 0, bytes);

  // With a horizon: along with time, each state's mass being what came less what is carried there.
  for (int t = 0; t < m->horizon; t++) {
    const double* n = p->expert->visits + (size_t)t * rows;
    add_states(p->mass, m, n);
    memset(p->carried, 0, bytes);
    pull_back(p, n, p->plan.policy + (size_t)t * rows);
    for (int s = 0; s < m->states; s++) p->mass[s] = -p->carried[s];
  }
  if (m->horizon) return;

  // Without one: the same until what is carried on is nothing.
  add_states(p->mass, m, p->expert->visits);
  double all = 0, left = INFINITY;
  for (int t = 0; t < 10000000 && left > 1e-16 * (1 + all); t++) {
    memset(p->carried, 0, bytes);
    pull_back(p, t ? NULL : p->expert->visits, p->plan.policy);
    left = 0;
    for (int s = 0; s < m->states; s++) {
      p->mass[s] = -p->carried[s];
      left += fabs(p->mass[s]);
    }
    all += left * (1 - 0.999 * m->gamma);
  }
}

// Minus the log likelihood of what the expert did, of one trajectory on average.
int loom_irl_likelihood(double* value, double* gradient, const double* w, void* problem, loomError* err) {
  loomIrlProblem* p = problem;
  const loomMdp* m = p->mdp;
  loom_mdp_reward(p->reward, m, w);
  int code = loom_plan_soft(&p->plan, m, p->reward, err);
  if (code) return code;

  // What the policy never does has no likelihood at all.
  double sum = 0;
  for (size_t i = 0; i < p->plan.rows * (size_t)p->plan.periods; i++) {
    double n = p->expert->visits[i];
    if (n > 0) sum += n * log(p->plan.policy[i]);
  }
  likelihood_flow(p);
  loom_mdp_expectation(gradient, m, p->flow);

  *value = -sum;
  for (int k = 0; k < m->features; k++) gradient[k] = -gradient[k];
  add_l2(value, gradient, w, p);
  return isfinite(*value) ? 0
                          : loom_error_set(err, LOOM_ERR_FORMAT, "the expert does what no reward explains");
}
