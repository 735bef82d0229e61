// What each kind of policy costs at its defaults, on one thread: parameters, CPU milliseconds of a training
// step's sample and of a decision, of one of LOOM_TOGETHER where they are made together, and the decision
// against bc_gmm's perceptron. (Processor time, so that what runs beside it shows little.)
//   bench_policies [KIND]
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policies/learn/config.h"
#include "policies/learn/supervised.h"
#include "policies/network/actor.h"
#include "policies/nn/optimizer.h"

enum { OBS = 60, ACTIONS = 14, BATCH = 64, TRIES = 4 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static float* normals(size_t count, loomRandom* r) {
  float* x = malloc(count * sizeof *x);
  for (size_t i = 0; x && i < count; i++) x[i] = (float)(0.3 * loom_random_normal(r));
  return x;
}

// Milliseconds, the quickest of some tries: the first one warms up.
static double step_time(loomNetwork* net, loomObjective* objective, const loomSamples* samples) {
  loomAdamDef adam = loom_default_adam_def();
  double best = INFINITY;

  for (uint64_t i = 1; i <= TRIES; i++) {
    double begin = now();
    loom_supervised_loss(net, objective, samples, 1, i, true);
    loom_adam_step(&net->params, &adam, 1e-4, i);
    best = fmin(best, now() - begin);
  }
  return best;
}

// Of one of n decisions made together.
static double decision_time(const loomNetwork* net, const float* obs, int n, loomError* err) {
  loomActor actor;
  loomRandom r = loom_random(2, 0, LOOM_PURPOSE_POLICY);
  float actions[64 * ACTIONS];
  loomDecision decision[LOOM_TOGETHER];
  double best = INFINITY;

  if (loom_actor_create(&actor, net, err)) return NAN;
  loom_actor_begin(&actor);
  for (int i = 0; i < n; i++) decision[i] = (loomDecision){actions, obs, &r};
  for (int i = 0; i < TRIES; i++) {
    double begin = now();
    loom_actor_decide_together(decision, &actor, n);
    best = fmin(best, (now() - begin) / n);
  }

  loom_actor_destroy(&actor);
  return best;
}

static int measure(loomPolicyKind kind, double* mlp, loomError* err) {
  loomTrainConfig config = loom_default_train_config(kind);
  loomNetworkDef def =
      loom_network_def(&config.policy, &config.encoder, config.data.stack, config.data.length, OBS, ACTIONS);
  loomObjectiveDef learned = loom_network_objective(&def);
  loomNetwork net;
  loomObjective objective;
  loomRandom r = loom_random(1, 0, LOOM_PURPOSE_TEST);
  size_t rows = BATCH * (size_t)def.action_rows;
  int code = loom_network_create(&net, &def, 1, err);

  if (!code) code = loom_network_layout(&net, BATCH, err);
  if (!code) code = loom_objective_create(&objective, &learned, BATCH, err);
  if (code) return code;
  float *obs = normals(BATCH * (size_t)def.obs_rows * OBS, &r), *actions = normals(rows * ACTIONS, &r),
        *real = malloc(rows * sizeof *real);

  for (size_t i = 0; i < rows; i++) real[i] = 1;
  loomSamples samples = {.n = BATCH, .obs = obs, .actions = actions, .real = real};
  double train = step_time(&net, &objective, &samples), decide = decision_time(&net, obs, 1, err),
         together = loom_network_together(&def) ? decision_time(&net, obs, LOOM_TOGETHER, err) : NAN;

  if (kind == LOOM_KIND_BC_GMM) *mlp = decide;
  printf("%-15s %11zu %12.3f %13.0f %12.3f %12.3f %8d %9.1f\n", loom_policy_kind_name(kind), net.params.total,
         train / BATCH, 1e3 * BATCH / train, decide, together, loom_network_decided(&def), decide / *mlp);
  fflush(stdout);
  free(obs);
  free(actions);
  free(real);
  loom_network_destroy(&net);
  loom_objective_destroy(&objective);
  return 0;
}

int main(int argc, char** argv) {
  loomError err = {0, ""};
  double mlp = NAN;

  omp_set_num_threads(1);
  printf("%-15s %11s %12s %13s %12s %12s %8s %9s\n", "kind", "parameters", "ms a sample", "samples a s",
         "ms a decision", "of 8 at once", "actions", "x bc_gmm");

  for (int kind = 0; kind < LOOM_KINDS; kind++) {
    const char* name = loom_policy_kind_name((loomPolicyKind)kind);
    if (argc > 1 && strcmp(name, argv[1]) != 0) continue;
    if (measure((loomPolicyKind)kind, &mlp, &err)) {
      fprintf(stderr, "%s: %s\n", name, err.message);
      return 1;
    }
  }
  return 0;
}
