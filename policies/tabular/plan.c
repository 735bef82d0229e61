#include "policies/tabular/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Between two sweeps that choose actions go cheap ones that only evaluate them (modified policy iteration,
// Puterman and Shin 1978); sweeps before it is given up.
enum { EVALUATIONS = 20, MOST_SWEEPS = 100000, MOST_STEPS = 1000000 };
#define SETTLED 1e-13  // of the largest value: how far off the values are at most
#define TIE 1e-9

int loom_plan_create(loomPlan* out, const loomMdp* m, loomError* err) {
  size_t s = (size_t)m->states, rows = s * (size_t)m->actions;
  *out = (loomPlan){.periods = m->horizon ? m->horizon : 1, .rows = rows};
  out->policy = loom_heap_take(&out->heap, (size_t)out->periods * rows, sizeof(double));
  out->value = loom_heap_take(&out->heap, s, sizeof(double));
  out->after = loom_heap_take(&out->heap, s, sizeof(double));
  out->evaluated = loom_heap_take(&out->heap, s, sizeof(double));
  if (out->policy && out->value && out->after && out->evaluated) return 0;

  loom_plan_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a plan of %d times %zu rows",
                        m->horizon ? m->horizon : 1, rows);
}

void loom_plan_destroy(loomPlan* plan) {
  if (!plan) return;
  loom_heap_destroy(&plan->heap);
  *plan = (loomPlan){0};
}

double loom_plan_sum(const loomMdp* m, const double* a, const double* b) {
  double sum = 0;
  for (int i = 0; i < m->states * m->actions; i++)
    if (m->open[i]) sum += a[i] * b[i];
  return sum;
}

// ---- one sweep

// V, and pi in the place of Q. The largest comes out first, so that no exponential is above 1.
static double soft_choice(double* pi, int n) {
  double most = pi[0], sum = 0;
  for (int a = 1; a < n; a++) most = pi[a] > most ? pi[a] : most;
  for (int a = 0; a < n; a++) sum += pi[a] = pi[a] == most ? 1 : exp(pi[a] - most);

  double share = 1 / sum;
  for (int a = 0; a < n; a++) pi[a] *= share;
  return most + log(sum);
}

static double hard_choice(double* pi, int n, double tie) {
  double most = pi[0];
  for (int a = 1; a < n; a++) most = pi[a] > most ? pi[a] : most;

  // The first that is as good, whatever rounding says of the others.
  bool chosen = false;
  for (int a = 0; a < n; a++) {
    pi[a] = !chosen && pi[a] >= most - tie;
    chosen |= pi[a] > 0;
  }
  return most;
}

static double largest(const double* v, int n) {
  double most = 0;
  for (int i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
  return most;
}

// out (S) and pi (S x A) from the values after (S); NULL is no time left.
// tie: what counts as equal, a share of the largest value.
static void back_up(double* out, double* pi, const loomMdp* m, const double* r, const double* after,
                    bool soft, double tie) {
  int n = m->actions;
  if (after) tie *= 1 + largest(after, m->states);

  // All of Q first, without a call in between: twice as fast.
  const int *start = m->row, *to = m->next;
  const double* p = m->p;
  for (int i = 0; i < m->states * n; i++) {
    double sum = 0;
    for (int k = start[i]; after && k < start[i + 1]; k++) sum += p[k] * after[to[k]];
    pi[i] = m->open[i] ? r[i] + m->gamma * sum : -INFINITY;
  }
  for (int s = 0; s < m->states; s++)
    out[s] = soft ? soft_choice(pi + s * n, n) : hard_choice(pi + s * n, n, tie);
}

// ---- with a horizon, and without

static int plan_steps(loomPlan* plan, const loomMdp* m, const double* r, bool soft, loomError* err) {
  for (int t = m->horizon - 1; t >= 0; t--) {
    double* pi = plan->policy + (size_t)t * plan->rows;
    back_up(plan->value, pi, m, r, t < m->horizon - 1 ? plan->after : NULL, soft, TIE);
    memcpy(plan->after, plan->value, (size_t)m->states * sizeof(double));
  }
  return isfinite(largest(plan->value, m->states))
             ? 0
             : loom_error_set(err, LOOM_ERR_FORMAT, "values are no numbers: rewards too large");
}

// gamma P_pi v in a state.
static double ahead(const loomMdp* m, const double* pi, const double* v, int s) {
  double sum = 0;
  for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
    if (pi[row] == 0) continue;
    double mean = 0;
    for (int k = m->row[row]; k < m->row[row + 1]; k++) mean += m->p[k] * v[m->next[k]];
    sum += pi[row] * mean;
  }
  return m->gamma * sum;
}

static int plan_endless(loomPlan* plan, const loomMdp* m, const double* r, bool soft, loomError* err) {
  size_t bytes = (size_t)m->states * sizeof(double);
  double *v = plan->value, *old = plan->after, *c = plan->evaluated;
  memset(old, 0, bytes);

  for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    back_up(v, plan->policy, m, r, old, soft, 0);
    double change = 0, most = largest(v, m->states);
    for (int s = 0; s < m->states; s++) change = fmax(change, fabs(v[s] - old[s]));
    if (!isfinite(most) || most > 1e12) break;

    // A contraction is at most change * gamma / (1 - gamma) from its end; rounding sets a floor.
    double enough = (1 + most) * fmax(SETTLED * (1 - m->gamma) / m->gamma, 1e-15);
    if (change <= enough) {
      // Only now ties go to the first: on the way its values, a little less, would not settle.
      back_up(v, plan->policy, m, r, old, soft, TIE);
      return 0;
    }

    // c = V - gamma P_pi V_old: the reward, and soft the entropy, of what was chosen. Newer values are used
    // at once, states to and fro: news travels far then.
    for (int s = 0; s < m->states; s++) c[s] = v[s] - ahead(m, plan->policy, old, s);
    for (int i = 0; i < EVALUATIONS / 2; i++) {
      for (int s = 0; s < m->states; s++) v[s] = c[s] + ahead(m, plan->policy, v, s);
      for (int s = m->states - 1; s >= 0; s--) v[s] = c[s] + ahead(m, plan->policy, v, s);
    }
    memcpy(old, v, bytes);
  }
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "values do not settle: with discount %g, going on pays more than ending; give a "
                        "horizon or a smaller discount",
                        m->gamma);
}

static int plan_by(loomPlan* plan, const loomMdp* m, const double* r, bool soft, loomError* err) {
  int code = m->horizon ? plan_steps(plan, m, r, soft, err) : plan_endless(plan, m, r, soft, err);
  plan->start_value = 0;
  for (int s = 0; s < m->states; s++) plan->start_value += m->start[s] * plan->value[s];
  return code;
}

int loom_plan_soft(loomPlan* plan, const loomMdp* m, const double* r, loomError* err) {
  return plan_by(plan, m, r, true, err);
}
int loom_plan_hard(loomPlan* plan, const loomMdp* m, const double* r, loomError* err) {
  return plan_by(plan, m, r, false, err);
}

// ---- where a policy goes

// next (S) = P_pi^T now; adds weight * now * pi to d, and puts now * pi into visits (nullable).
static void step_on(double* next, double* d, double* visits, const loomMdp* m, const double* pi,
                    const double* now, double weight) {
  const int *start = m->row, *to = m->next;
  const double* p = m->p;
  memset(next, 0, (size_t)m->states * sizeof(double));

  for (int s = 0; s < m->states; s++) {
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      double here = now[s] * pi[row];
      if (visits) visits[row] = here;
      if (here == 0) continue;
      d[row] += weight * here;
      for (int k = start[row]; k < start[row + 1]; k++) next[to[k]] += here * p[k];
    }
  }
}

static int occupy_steps(double* d, double* visits, double* room, const loomMdp* m, const double* policy) {
  size_t s = (size_t)m->states, rows = s * (size_t)m->actions;
  double *now = room, *next = room + s, weight = 1;
  for (int t = 0; t < m->horizon; t++) {
    size_t at = (size_t)t * rows;
    step_on(next, d, visits ? visits + at : NULL, m, policy + at, now, weight);
    weight *= m->gamma;

    double* swap = now;
    now = next;
    next = swap;
  }
  return 0;
}

// Without a horizon: whoever is still in a state goes on, one state after the other, to and fro, until hardly
// anybody is left who counts.
static int occupy_endless(double* d, double* left, const loomMdp* m, const double* pi, loomError* err) {
  double total = 1, more = 1;
  for (int sweep = 0; sweep < MOST_STEPS; sweep++) {
    for (int i = 0; i < m->states; i++) {
      int s = sweep % 2 ? m->states - 1 - i : i;
      double here = left[s];
      left[s] = 0;
      for (int row = s * m->actions; row < (s + 1) * m->actions && here > 0; row++) {
        double part = here * pi[row];
        if (part == 0) continue;
        d[row] += part;
        for (int k = m->row[row]; k < m->row[row + 1]; k++) left[m->next[k]] += m->gamma * part * m->p[k];
      }
      total += here;
    }

    more = 0;
    for (int s = 0; s < m->states; s++) more += left[s];
    if (more <= 1e-14 * total * (1 - 0.999 * m->gamma)) return 0;
  }
  return loom_error_set(err, LOOM_ERR_FORMAT, "with discount %g this policy never comes to an end", m->gamma);
}

int loom_plan_occupancy(double* d, double* visits, const loomMdp* m, const double* policy, loomError* err) {
  size_t s = (size_t)m->states, rows = s * (size_t)m->actions;
  double* room = calloc(2 * s, sizeof *room);
  if (!room) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  memcpy(room, m->start, s * sizeof *room);
  memset(d, 0, rows * sizeof *d);

  int code = m->horizon ? occupy_steps(d, visits, room, m, policy) : occupy_endless(d, room, m, policy, err);
  free(room);
  if (visits && !m->horizon) memcpy(visits, d, rows * sizeof *d);
  return code;
}
