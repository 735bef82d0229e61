// Milliseconds of a training step and of a single decision, as `name milliseconds loss` lines: what nine
// steps in ten take at least, and the loss at the third step (of a decision: 0).
//   bench_nn [NAME [FILE]]
// FILE takes the case's weights and data: three counts (int64), then as many floats of weights, inputs and
// targets each. tests/torch/bench.py gives PyTorch the same, in turns with this program, and prints both with
// their ratio. With LOOM_BENCH_CPU set the time is the process's CPU time, which other work on the machine
// changes little: for one thread. Networks: a perceptron 100-1024-1024-28 (ReLU, L2, Adam; 256 rows), a
// recurrent mixture policy (two LSTM layers of 400, 5 modes, 28 actions; 100 sequences of 10), DP3's encoder
// (1024 points; 128 clouds).
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <omp.h>

#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/lstm.h"
#include "policies/nn/mlp.h"
#include "policies/nn/optimizer.h"
#include "policies/nn/pointnet.h"
#include "policies/objective/loss.h"

enum { OBS = 100, ACTIONS = 28, UNITS = 1024, ROWS = 256 };
enum { HIDDEN = 400, LAYERS = 2, SEQUENCES = 100, STEPS = 10 };
enum { CLOUDS = 128, POINTS = 1024, FEATURES = 64 };

typedef struct recurrent {
  size_t wi[LAYERS], wh[LAYERS], bi[LAYERS], bh[LAYERS], w, b;
  loomLstmShape shape[LAYERS];
  loomLstmState state[LAYERS];
  float *y, *dy, *row_loss, *dh, *dx, *dc, *dgates;
  int width;
} recurrent;

typedef struct bench {
  loomParams params;
  loomArena arena;
  uint64_t step;
  int n;                   // rows, sequences or clouds
  size_t inputs, targets;  // numbers of x and target
  float *x, *target, *dy;
  loomMlp mlp;
  recurrent rnn;
  loomPointnet points;
  loomMixtureDef mixture;
  loomRandom random;
} bench;

static double now(void) {
  struct timespec t;
  clock_gettime(getenv("LOOM_BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void optimize(bench* b) {
  loomAdamDef adam = loom_default_adam_def();
  loom_adam_step(&b->params, &adam, 1e-4, ++b->step);
}

static void mlp_declare(bench* b) {
  loom_mlp_declare(
      &b->mlp, &b->params,
      &(loomMlpDef){.layers = 3, .sizes = {OBS, UNITS, UNITS, ACTIONS}, .activation = LOOM_ACTIVATION_RELU},
      "");
}

static void mlp_layout(bench* b) {
  b->inputs = (size_t)b->n * OBS;
  b->targets = (size_t)b->n * ACTIONS;

  b->x = loom_arena_real(&b->arena, b->inputs);
  b->target = loom_arena_real(&b->arena, b->targets);
  b->dy = loom_arena_real(&b->arena, (size_t)b->n * ACTIONS);
  loom_mlp_layout(&b->mlp, &b->arena, b->n);
}

static void mlp_fill(bench* b) {
  loom_mlp_init(&b->mlp, &b->params, &b->random);

  loom_init_normal(b->x, b->inputs, 1, &b->random);
  loom_init_normal(b->target, b->targets, 1, &b->random);
}

static double mlp_train(bench* b) {
  loom_params_zero_gradient(&b->params);

  // Forward, loss, backward, and a step downhill.
  const float* y = loom_mlp_forward(&b->mlp, &b->params, b->x, b->n);
  double loss = loom_l2_loss(b->dy, y, b->target, NULL, NULL, b->n, ACTIONS);
  loom_mlp_backward(NULL, &b->mlp, &b->params, b->dy, b->x, b->n);
  optimize(b);

  return loss;
}

static double mlp_act(bench* b) {
  loom_mlp_forward(&b->mlp, &b->params, b->x, 1);
  return 0;
}

static void rnn_declare(bench* b) {
  recurrent* r = &b->rnn;
  b->mixture = loom_default_mixture_def(ACTIONS);
  r->width = loom_mixture_width(&b->mixture);

  // PyTorch's four blocks of a layer, in its order.
  for (int i = 0; i < LAYERS; i++) {
    int in = i ? HIDDEN : OBS, gates = 4 * HIDDEN;
    char name[16];
    r->shape[i] = (loomLstmShape){.in = in, .hidden = HIDDEN};
    size_t* const at[4] = {&r->wi[i], &r->wh[i], &r->bi[i], &r->bh[i]};
    for (int k = 0; k < 4; k++) {
      snprintf(name, sizeof name, "%d.%d", i, k);
      *at[k] = loom_params_add(&b->params, name, k < 2 ? 2 : 1, (int[]){gates, k ? HIDDEN : in});
    }
  }

  // The linear layer behind them.
  r->w = loom_params_add(&b->params, "w", 2, (int[]){r->width, HIDDEN});
  r->b = loom_params_add(&b->params, "b", 1, &r->width);
}

static void rnn_layout(bench* b) {
  recurrent* r = &b->rnn;
  int steps = b->n > 1 ? STEPS : 1;

  size_t n = (size_t)b->n, rows = n * (size_t)steps, width = (size_t)r->width;

  // A state for each step, and one before the first.
  for (int i = 0; i < LAYERS; i++) {
    r->shape[i].steps = steps;
    r->shape[i].n = b->n;
    r->state[i].gates = loom_arena_real(&b->arena, 4 * rows * HIDDEN);
    r->state[i].c = loom_arena_real(&b->arena, (rows + n) * HIDDEN);
    r->state[i].h = loom_arena_real(&b->arena, (rows + n) * HIDDEN);
  }

  b->inputs = rows * OBS;
  b->targets = rows * ACTIONS;
  b->x = loom_arena_real(&b->arena, b->inputs);
  b->target = loom_arena_real(&b->arena, b->targets);

  r->y = loom_arena_real(&b->arena, rows * width);
  r->dy = loom_arena_real(&b->arena, rows * width);
  r->row_loss = loom_arena_real(&b->arena, rows);
  r->dh = loom_arena_real(&b->arena, rows * HIDDEN);
  r->dx = loom_arena_real(&b->arena, rows * HIDDEN);
  r->dc = loom_arena_real(&b->arena, n * HIDDEN);
  r->dgates = loom_arena_real(&b->arena, 4 * rows * HIDDEN);
}

static void rnn_fill(bench* b) {
  loom_init_uniform(b->params.value, b->params.total, 0.05, &b->random);
  loom_init_normal(b->x, b->inputs, 1, &b->random);
  loom_init_normal(b->target, b->targets, 0.5, &b->random);
}

static const float* rnn_output(const recurrent* r, int layer) {
  return r->state[layer].h + (ptrdiff_t)r->shape[layer].n * HIDDEN;
}

static void rnn_forward(bench* b) {
  recurrent* r = &b->rnn;
  const float* v = b->params.value;

  // Each layer over all steps, then the next.
  for (int i = 0; i < LAYERS; i++) {
    loomLstmWeights w = {v + r->wi[i], v + r->wh[i], v + r->bi[i], v + r->bh[i]};
    loom_lstm_forward(&r->state[i], i ? rnn_output(r, i - 1) : b->x, &w, &r->shape[i]);
  }

  // All steps at once through the last layer.
  loom_linear_forward(r->y, rnn_output(r, LAYERS - 1), v + r->w, v + r->b, r->shape[0].steps * b->n, HIDDEN,
                      r->width);
}

static double rnn_train(bench* b) {
  recurrent* r = &b->rnn;
  int rows = STEPS * b->n;
  const float* v = b->params.value;
  float* g = b->params.gradient;

  loom_params_zero_gradient(&b->params);
  rnn_forward(b);

  // The negative log likelihood, and its gradient through the linear layer.
  double loss = loom_mixture_loss(r->dy, r->row_loss, r->y, b->target, NULL, rows, &b->mixture);
  loom_linear_backward(r->dh, g + r->w, g + r->b, r->dy, rnn_output(r, LAYERS - 1), v + r->w, rows, HIDDEN,
                       r->width);

  // Back through time, the last layer first.
  for (int i = LAYERS - 1; i >= 0; i--) {
    loomLstmWeights w = {v + r->wi[i], v + r->wh[i], v + r->bi[i], v + r->bh[i]};
    loomLstmGradients dw = {g + r->wi[i], g + r->wh[i], g + r->bi[i], g + r->bh[i]};
    loom_lstm_backward(i ? r->dx : NULL, NULL, r->dc, r->dgates, i == LAYERS - 1 ? r->dh : r->dx, &dw,
                       &r->state[i], i ? rnn_output(r, i - 1) : b->x, &w, &r->shape[i]);
  }

  optimize(b);
  return loss;
}

static double rnn_act(bench* b) {
  float action[ACTIONS];
  rnn_forward(b);
  loom_mixture_sample(action, b->rnn.y, &b->mixture, true, &b->random);

  // The state to begin the next decision from.
  for (int i = 0; i < LAYERS; i++) {
    loomLstmState* s = &b->rnn.state[i];
    memcpy(s->h, s->h + HIDDEN, HIDDEN * sizeof *s->h);
    memcpy(s->c, s->c + HIDDEN, HIDDEN * sizeof *s->c);
  }
  return 0;
}

static void points_declare(bench* b) {
  loomPointnetDef def = loom_default_pointnet_def();
  loom_pointnet_declare(&b->points, &b->params, &def, "");
}

static void points_layout(bench* b) {
  b->inputs = (size_t)b->n * POINTS * 3;
  b->targets = (size_t)b->n * FEATURES;

  b->x = loom_arena_real(&b->arena, b->inputs);
  b->target = loom_arena_real(&b->arena, b->targets);
  b->dy = loom_arena_real(&b->arena, b->targets);
  loom_pointnet_layout(&b->points, &b->arena, b->n, omp_get_max_threads());
}

static void points_fill(bench* b) {
  loom_pointnet_init(&b->points, &b->params, &b->random);

  loom_init_normal(b->x, b->inputs, 0.5, &b->random);
  loom_init_normal(b->target, b->targets, 1, &b->random);
}

static double points_train(bench* b) {
  loom_params_zero_gradient(&b->params);

  // As mlp_train().
  const float* y = loom_pointnet_forward(&b->points, &b->params, b->x, b->n);
  double loss = loom_l2_loss(b->dy, y, b->target, NULL, NULL, b->n, FEATURES);
  loom_pointnet_backward(&b->points, &b->params, b->dy, b->x, b->n);

  optimize(b);
  return loss;
}

static const struct {
  const char* name;
  int n;
  void (*declare)(bench*);
  void (*layout)(bench*);
  void (*fill)(bench*);
  double (*run)(bench*);
} cases[] = {
    {"mlp_train", ROWS, mlp_declare, mlp_layout, mlp_fill, mlp_train},
    {"rnn_train", SEQUENCES, rnn_declare, rnn_layout, rnn_fill, rnn_train},
    {"pointnet_train", CLOUDS, points_declare, points_layout, points_fill, points_train},
    {"mlp_act", 1, mlp_declare, mlp_layout, mlp_fill, mlp_act},
    {"rnn_act", 1, rnn_declare, rnn_layout, rnn_fill, rnn_act},
};

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// Milliseconds that nine steps in ten take at least: what else the machine does only ever adds.
static double measure(double* loss, bench* b, double (*run)(bench*)) {
  enum { MOST = 20000 };
  static double took[MOST];

  int count = 0;

  // Caches are warm, and memory is there.
  for (int i = 0; i < 3; i++) *loss = run(b);

  // A second and a half, five steps at least.
  for (double begin = now(); count < MOST && (count < 5 || now() - begin < 1500); count++) {
    double at = now();
    run(b);
    took[count] = now() - at;
  }

  // A tenth of the way from the shortest.
  qsort(took, (size_t)count, sizeof *took, by_size);
  return took[count / 10];
}

static int write_case(const char* path, const bench* b) {
  const int64_t counts[3] = {(int64_t)b->params.total, (int64_t)b->inputs, (int64_t)b->targets};
  const float* const parts[3] = {b->params.value, b->x, b->target};

  // Three counts, then the numbers themselves.
  FILE* file = fopen(path, "wb");
  bool written = file && fwrite(counts, sizeof counts, 1, file) == 1;

  for (int i = 0; written && i < 3; i++)
    written = fwrite(parts[i], sizeof(float), (size_t)counts[i], file) == (size_t)counts[i];

  if (file && fclose(file)) written = false;
  if (!written) fprintf(stderr, "%s: cannot be written\n", path);
  return written ? 0 : 1;
}

static int run_case(size_t i, const char* path) {
  bench b = {.n = cases[i].n, .random = loom_random(1, i, LOOM_PURPOSE_WEIGHTS)};
  double loss = 0;

  // Weights, then room for the data, and both filled.
  cases[i].declare(&b);
  if (loom_params_create(&b.params, NULL)) return 1;
  cases[i].layout(&b);
  if (loom_arena_create(&b.arena, b.arena.used, NULL)) return 1;
  cases[i].layout(&b);
  cases[i].fill(&b);

  // Other programs get the very same numbers first.
  int code = path ? write_case(path, &b) : 0;
  double least = code ? 0 : measure(&loss, &b, cases[i].run);
  if (!code) printf("%-14s %9.4f %.6f\n", cases[i].name, least, loss);

  fflush(stdout);
  loom_arena_destroy(&b.arena);
  loom_params_destroy(&b.params);
  return code;
}

int main(int argc, char** argv) {
  int found = 0, code = 0;
  for (size_t i = 0; !code && i < sizeof cases / sizeof *cases; i++) {
    if (argc > 1 && strcmp(argv[1], cases[i].name) != 0) continue;
    code = run_case(i, argc > 2 ? argv[2] : NULL);
    found++;
  }
  return found ? code : 2;
}
