// Maximum entropy of paths (Ziebart, Maas, Bagnell and Dey, "Maximum entropy inverse reinforcement learning",
// AAAI 2008): a path is as likely as exp of its reward, times what chance has in it.
//
// Where actions decide what follows, that is a policy's path distribution. Where chance does, paths are drawn
// as though good luck could be chosen: the policy is an approximation, and what it meets is not what the
// expert met.
#include <math.h>
#include <string.h>

#include "policies/tabular/irl.h"

// Q into pi, then the policy, and the logarithm of the weight of all paths from each state at time t.
static void weigh_paths(loomIrlProblem* p, int t, double scale) {
  const loomMdp* m = p->mdp;
  double* pi = p->plan.policy + (size_t)t * p->plan.rows;
  double *now = p->later + (size_t)t * (size_t)m->states, *later = now + m->states;

  for (int s = 0; s < m->states; s++) {
    double most = -INFINITY, sum = 0;
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      double high = -INFINITY, mean = 0;
      for (int k = m->row[row]; k < m->row[row + 1]; k++) high = fmax(high, later[m->next[k]]);
      for (int k = m->row[row]; k < m->row[row + 1]; k++) mean += m->p[k] * exp(later[m->next[k]] - high);
      bool follows = m->row[row + 1] > m->row[row];
      pi[row] = m->open[row] ? scale * p->reward[row] + (follows ? high + log(mean) : 0) : -INFINITY;
      most = fmax(most, pi[row]);
    }

    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) sum += pi[row] = exp(pi[row] - most);
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) pi[row] /= sum;
    now[s] = most + log(sum);
  }
}

// flow (S x A), discounted: how often paths have each pair. Luck is drawn by what is ahead, too.
static void follow_paths(loomIrlProblem* p) {
  const loomMdp* m = p->mdp;
  size_t bytes = (size_t)m->states * sizeof(double);
  memset(p->flow, 0, p->plan.rows * sizeof(double));
  memcpy(p->mass, m->start, bytes);
  double scale = 1;

  for (int t = 0; t < m->horizon; t++, scale *= m->gamma) {
    const double* pi = p->plan.policy + (size_t)t * p->plan.rows;
    const double* later = p->later + (size_t)(t + 1) * (size_t)m->states;
    memset(p->carried, 0, bytes);
    for (int s = 0; s < m->states; s++) {
      for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
        double here = p->mass[s] * pi[row], high = -INFINITY, mean = 0;
        if (here == 0) continue;
        p->flow[row] += scale * here;
        for (int k = m->row[row]; k < m->row[row + 1]; k++) high = fmax(high, later[m->next[k]]);
        for (int k = m->row[row]; k < m->row[row + 1]; k++) mean += m->p[k] * exp(later[m->next[k]] - high);
        for (int k = m->row[row]; k < m->row[row + 1]; k++)
          p->carried[m->next[k]] += here * m->p[k] * exp(later[m->next[k]] - high) / mean;
      }
    }
    memcpy(p->mass, p->carried, bytes);
  }
}

// log Z(w) - w . mu_E: convex, and its gradient is what paths have too much of.
int loom_irl_maxent(double* value, double* gradient, const double* w, void* problem, loomError* err) {
  loomIrlProblem* p = problem;
  const loomMdp* m = p->mdp;
  (void)err;
  loom_mdp_reward(p->reward, m, w);
  memset(p->later + (size_t)m->horizon * (size_t)m->states, 0, (size_t)m->states * sizeof(double));
  for (int t = m->horizon - 1; t >= 0; t--) weigh_paths(p, t, pow(m->gamma, t));
  follow_paths(p);

  *value = 0;
  for (int s = 0; s < m->states; s++) *value += m->start[s] * p->later[s];
  loom_mdp_expectation(gradient, m, p->flow);
  for (int k = 0; k < m->features; k++) {
    *value += w[k] * (0.5 * p->def->l2 * w[k] - p->expert->features[k]);
    gradient[k] += p->def->l2 * w[k] - p->expert->features[k];
  }
  return 0;
}
