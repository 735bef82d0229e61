// What was found: for people, and for programs.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/command/irl.h"
#include "tools/shared/common.h"

enum { LINES = 30, NAMED = 8 };  // of the table of features; of names in a sentence

static bool is_mixture(const irlRun* run) {
  return run->def.method == LOOM_IRL_PROJECTION || run->def.method == LOOM_IRL_MAX_MARGIN;
}

// ---- JSON

// null where it is not known, or infinite.
static void add_real(cJSON* out, const char* name, double value) {
  if (isfinite(value))
    cJSON_AddNumberToObject(out, name, value);
  else
    cJSON_AddNullToObject(out, name);
}

static void add_reals(cJSON* out, const char* name, const double* list, int n) {
  cJSON_AddItemToObject(out, name, cJSON_CreateDoubleArray(list, n));
}

static void add_loose(cJSON* out, const char* name, const irlRun* run, const loomAmbiguity* a) {
  cJSON* list = cJSON_AddArrayToObject(out, name);
  char number[16];
  for (int k = 0; k < a->columns; k++)
    if (a->loose[k] > 0)
      cJSON_AddItemToArray(list, cJSON_CreateString(loom_mdp_feature(&run->mdp, k, number)));
}

static void add_ranks(cJSON* out, const irlRun* run) {
  cJSON* ranks = cJSON_AddObjectToObject(out, "ambiguity");

  if (!run->features.columns || !run->policy.columns) {
    cJSON_AddNullToObject(ranks, "rank");
    return;
  }
  cJSON_AddNumberToObject(ranks, "columns", run->policy.columns);
  cJSON_AddNumberToObject(ranks, "rank", run->policy.rank);
  cJSON_AddNumberToObject(ranks, "feature_rank", run->features.rank);
  add_loose(ranks, "not_identified", run, &run->policy);
  add_loose(ranks, "collinear", run, &run->features);
}

static void add_method(cJSON* out, const irlRun* run) {
  const loomIrlResult* r = &run->result;

  cJSON_AddNumberToObject(out, "iterations", r->iterations);
  cJSON_AddBoolToObject(out, "converged", r->converged);
  add_real(out, "objective", r->objective);

  if (run->def.method == LOOM_IRL_MMP) {
    add_real(out, "dual", r->dual);
    add_real(out, "gap", r->left);
  } else if (is_mixture(run)) {
    cJSON_AddNumberToObject(out, "policies", r->members);
    add_real(out, "distance", r->left);
    add_real(out, "nearest", r->nearest);
    cJSON* list = cJSON_AddArrayToObject(out, "mixture");
    for (int i = 0; i < r->members; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(r->member[i].share));
  } else {
    add_real(out, "gradient", r->left);
  }
}

static void add_measures(cJSON* out, const irlRun* run) {
  add_real(out, "soft_value", run->soft_value);
  add_real(out, "expected_reward", run->expected_reward);
  add_real(out, "optimal_value", run->optimal_value);
  add_real(out, "occupancy_error", run->occupancy_error);
  add_real(out, "expert_value", run->expert_value);
  add_real(out, "value", run->value);
  add_real(out, "learned_value", run->learned_value);
  add_real(out, "value_difference", run->optimal_value - run->learned_value);
  add_real(out, "epic", run->epic);
  add_real(out, "nll", run->nll);
  add_real(out, "expert_nll", run->expert_nll);
  add_real(out, "held_out_nll", run->held_nll);

  if (run->sampled) {
    cJSON* gap = cJSON_AddObjectToObject(out, "feature_gap");
    add_real(gap, "value", run->gap);
    add_real(gap, "low", run->gap_low);
    add_real(gap, "high", run->gap_high);
  }
  if (!isnan(run->least_reach)) add_real(out, "out_of_reach", run->least_reach);
}

void irl_print_json(const irlRun* run) {
  const loomMdp* m = &run->mdp;
  cJSON* out = cJSON_CreateObject();

  cJSON_AddStringToObject(out, "mdp", run->args->mdp);
  cJSON_AddStringToObject(out, "method", loom_irl_method_names[run->def.method]);
  cJSON_AddNumberToObject(out, "states", m->states);
  cJSON_AddNumberToObject(out, "actions", m->actions);
  cJSON_AddNumberToObject(out, "gamma", m->gamma);
  cJSON_AddNumberToObject(out, "horizon", m->horizon);
  cJSON_AddNumberToObject(out, "seed", (double)run->args->seed);
  cJSON_AddNumberToObject(out, "demos", run->sampled);
  add_measures(out, run);
  add_method(out, run);
  add_ranks(out, run);

  // One entry a feature.
  cJSON* names = cJSON_AddArrayToObject(out, "features");
  char number[16];
  for (int k = 0; k < m->features; k++)
    cJSON_AddItemToArray(names, cJSON_CreateString(loom_mdp_feature(m, k, number)));
  add_reals(out, "weights", run->result.weights, m->features);
  add_reals(out, "expert_features", run->learned.features, m->features);
  add_reals(out, "policy_features", run->result.features, m->features);
  tool_print_json(out);
  cJSON_Delete(out);
}

// ---- text

static void print_features(const irlRun* run) {
  const loomMdp* m = &run->mdp;
  char number[16];
  printf("\n%-32s %14s %14s %14s\n", "feature", "weight", "expert", "policy");
  for (int k = 0; k < m->features && k < LINES; k++)
    printf("%-32.32s %14.6g %14.6g %14.6g\n", loom_mdp_feature(m, k, number), run->result.weights[k],
           run->learned.features[k], run->result.features[k]);
  if (m->features > LINES) printf("... and %d more: --json has them\n", m->features - LINES);
  putchar('\n');
}

static void print_loose(const irlRun* run, const loomAmbiguity* a) {
  int n = 0;
  char number[16];
  for (int k = 0; k < a->columns; k++) {
    if (!(a->loose[k] > 0) || n++ >= NAMED) continue;
    printf("%s%s", n > 1 ? "; " : "", loom_mdp_feature(&run->mdp, k, number));
  }
  if (n > NAMED) printf("; and %d more", n - NAMED);
  putchar('\n');
}

static void print_ranks(const irlRun* run) {
  const loomAmbiguity *f = &run->features, *p = &run->policy;

  if (!f->columns || !p->columns) {
    puts("which weights can be told apart: not looked at, the table is too large");
    return;
  }
  if (f->rank < f->columns) {
    printf("collinear features, %d of %d can be told apart; not: ", f->rank, f->columns);
    print_loose(run, f);
  }
  printf("the policy tells %d of %d directions of the weights apart\n", p->rank, p->columns);
  if (p->rank < p->columns) {
    printf("not identified: ");
    print_loose(run, p);
  }
}

static void print_method(const irlRun* run) {
  const loomIrlResult* r = &run->result;

  printf("%s: %d iterations, %s; ", loom_irl_method_names[run->def.method], r->iterations,
         r->converged ? "converged" : "NOT converged");

  if (run->def.method == LOOM_IRL_MMP)
    printf("objective %.9g, at most %.3g above the optimum\n", r->objective, r->left);
  else if (is_mixture(run))
    printf(
        "mixture of %d policies at a distance of %.6g from the expert's features; no policies come nearer "
        "than %.6g\n",
        r->members, r->left, r->nearest);
  else
    printf("objective %.9g, largest derivative %.3g\n", r->objective, r->left);
}

static void print_values(const irlRun* run) {
  printf("true reward: %.9g by the soft policy (soft value %.12g), %.9g at most\n", run->expected_reward,
         run->soft_value, run->optimal_value);
  printf("expert %.9g, policy %.9g, best policy for the weights %.9g: value difference %.6g\n",
         run->expert_value, run->value, run->learned_value, run->optimal_value - run->learned_value);
  printf("EPIC distance of the rewards %.6g\n", run->epic);
}

void irl_print_text(const irlRun* run) {
  const loomMdp* m = &run->mdp;

  printf("%s: %d states, %d actions, %d features, discount %g, ", run->args->mdp, m->states, m->actions,
         m->features, m->gamma);
  if (m->horizon) printf("horizon %d, ", m->horizon);
  if (run->sampled)
    printf("%d trajectories\n", run->sampled);
  else
    puts("all that the expert does");

  print_method(run);
  print_features(run);
  if (m->reward) print_values(run);
  printf("occupancy differs from the expert's by %.6g (L1)\n", run->occupancy_error);
  printf("- log likelihood of an action of the expert's: %.6g", run->nll);
  if (isfinite(run->expert_nll)) printf(", its own %.6g", run->expert_nll);
  if (!isnan(run->held_nll)) printf("; held out %.6g", run->held_nll);
  putchar('\n');

  if (run->sampled)
    printf("features differ from the demos' by %.6g (95 %% by bootstrap %.6g to %.6g)\n", run->gap,
           run->gap_low, run->gap_high);
  if (run->least_reach > 0)
    printf("the expert's features lie outside what policies can have, by at least %.6g\n", run->least_reach);
  print_ranks(run);
}
