#include "policies/tabular/irl.h"

#include <math.h>
#include <string.h>

#include "policies/tabular/minimize.h"

const char* const loom_irl_method_names[] = {"causal",     "likelihood", "maxent", "projection",
                                             "max-margin", "mmp",        NULL};

loomIrlDef loom_default_irl_def(void) {
  return (loomIrlDef){
      .method = LOOM_IRL_CAUSAL, .iterations = 2000, .tolerance = 1e-9, .epsilon = 0.01, .lambda = 1};
}

void loom_irl_destroy(loomIrlResult* result) {
  if (!result) return;
  loom_heap_destroy(&result->heap);
  *result = (loomIrlResult){0};
}

// ---- problems

int loom_irl_problem_create(loomIrlProblem* out, const loomMdp* m, const loomExpert* expert,
                            const loomIrlDef* def, loomError* err) {
  *out = (loomIrlProblem){.mdp = m, .expert = expert, .def = def};
  int code = loom_plan_create(&out->plan, m, err);
  if (code) return code;

  loomHeap* heap = &out->plan.heap;
  size_t states = (size_t)m->states, later = def->method == LOOM_IRL_MAXENT ? (size_t)m->horizon + 1 : 0;
  out->reward = loom_heap_take(heap, out->plan.rows, sizeof(double));
  out->flow = loom_heap_take(heap, out->plan.rows, sizeof(double));
  out->mass = loom_heap_take(heap, states, sizeof(double));
  out->carried = loom_heap_take(heap, states, sizeof(double));
  out->later = loom_heap_take(heap, later * states, sizeof(double));
  if (out->reward && out->flow && out->mass && out->carried && out->later) return 0;

  loom_irl_problem_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

void loom_irl_problem_destroy(loomIrlProblem* problem) {
  if (problem) loom_plan_destroy(&problem->plan);
}

// Where chance decides what follows an action; -1: nowhere.
static int first_chance(const loomMdp* m) {
  for (int row = 0; row < m->states * m->actions; row++)
    for (int k = m->row[row]; k < m->row[row + 1]; k++)
      if (m->p[k] > 0 && m->p[k] < 1) return row;
  return -1;
}

static int check_maxent(const loomMdp* m, const loomIrlDef* def, loomError* err) {
  char s[16], a[16];
  int row = def->approximate ? -1 : first_chance(m);

  if (!m->horizon)
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "maxent weighs whole paths, which have no end here: give a horizon, or take causal");
  if (row < 0) return 0;
  return loom_error_set(
      err, LOOM_ERR_UNSUPPORTED,
      "state %s, action %s: chance decides what follows, and maxent is only an approximation "
      "then; take causal, or ask for it with --approximate",
      loom_mdp_state(m, row / m->actions, s), loom_mdp_action(m, row % m->actions, a));
}

// ---- what came of it

static int take_result(loomIrlResult* out, const loomMdp* m, loomError* err) {
  size_t rows = (size_t)m->states * (size_t)m->actions, periods = m->horizon ? (size_t)m->horizon : 1;
  *out = (loomIrlResult){0};
  out->weights = loom_heap_take(&out->heap, (size_t)m->features, sizeof(double));
  out->features = loom_heap_take(&out->heap, (size_t)m->features, sizeof(double));
  out->occupancy = loom_heap_take(&out->heap, rows, sizeof(double));
  out->policy = loom_heap_take(&out->heap, periods * rows, sizeof(double));
  if (out->weights && out->features && out->occupancy && out->policy) return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

static bool after_iteration(void* data, int iteration, double value, double slope) {
  const loomIrlProblem* p = data;
  return p->def->after && p->def->after(p->def->data, iteration, value, slope);
}

static int run_soft(loomIrlResult* out, const loomMdp* m, const loomExpert* expert, const loomIrlDef* def,
                    loomError* err) {
  static loomObjective* const objective[] = {loom_irl_causal, loom_irl_likelihood, loom_irl_maxent};
  loomIrlProblem problem;
  loomMinimum end = {0};
  int code = loom_irl_problem_create(&problem, m, expert, def, err);
  if (code) return code;

  loomMinimizeDef minimize = {.n = m->features,
                              .iterations = def->iterations,
                              .tolerance = def->tolerance,
                              .objective = objective[def->method],
                              .data = &problem,
                              .after = after_iteration};
  code = loom_minimize(&end, out->weights, &minimize, err);

  // The policy of the weights where it ended, in the table's own dynamics.
  double* gradient = loom_heap_take(&out->heap, (size_t)m->features, sizeof *gradient);
  if (!code && !gradient) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  if (!code) code = objective[def->method](&end.value, gradient, out->weights, &problem, err);
  if (!code) {
    memcpy(out->policy, problem.plan.policy,
           problem.plan.rows * (size_t)problem.plan.periods * sizeof(double));
    out->objective = end.value;
    out->left = end.slope;
    out->iterations = end.iterations;
    out->converged = end.converged;
  }
  loom_irl_problem_destroy(&problem);
  return code;
}

int loom_irl_run(loomIrlResult* out, const loomMdp* m, const loomExpert* expert, const loomIrlDef* def,
                 loomError* err) {
  int code = take_result(out, m, err);

  // What no method can do, and what this one cannot.
  if (!code && !m->features)
    code = loom_error_set(err, LOOM_ERR_USAGE, "no features, so no reward of them either");
  if (!code && def->method == LOOM_IRL_MAXENT) code = check_maxent(m, def, err);

  // Each leaves weights and a policy; what that meets is measured alike.
  if (!code && def->method == LOOM_IRL_MMP)
    code = loom_irl_mmp(out, m, expert, def, err);
  else if (!code)
    code = (def->method <= LOOM_IRL_MAXENT ? run_soft : loom_irl_mix)(out, m, expert, def, err);
  if (!code) code = loom_plan_occupancy(out->occupancy, NULL, m, out->policy, err);
  if (!code) loom_mdp_expectation(out->features, m, out->occupancy);
  if (code) loom_irl_destroy(out);
  return code;
}
