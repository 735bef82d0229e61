// Every layer's and loss's gradient against central differences, in double.
#define LOOM_DOUBLE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "policies/nn/attention.h"
#include "policies/nn/conv.h"
#include "policies/nn/dropout.h"
#include "policies/nn/film.h"
#include "policies/nn/linear.h"
#include "policies/nn/lstm.h"
#include "policies/nn/mlp.h"
#include "policies/nn/norm.h"
#include "policies/nn/optimizer.h"
#include "policies/nn/pointnet.h"
#include "policies/objective/loss.h"

enum { INPUTS = 6, SCRATCH = 8 };

// A layer with its numbers. in[0 .. written) are inputs, whose gradients are written over what is there; the
// others are parameters, whose gradients add up. What is minimized is sum(dy * y), or value() where a loss
// gives its own.
typedef struct layerCase {
  const char* name;
  void (*forward)(struct layerCase*);
  void (*backward)(struct layerCase*);
  size_t count[INPUTS];  // 0: no such input
  int written;
  size_t outputs, scratch[SCRATCH];
  int a, b;  // whatever the layer needs to know
  double *in[INPUTS], *din[INPUTS], *y, *dy, *s[SCRATCH];
  double loss;  // set by losses' forward
} layerCase;

static double* numbers(size_t count, double scale, loomRandom* r) {
  double* x = test_malloc((count + 1) * sizeof *x);
  for (size_t i = 0; i < count; i++) x[i] = scale * loom_random_normal(r);
  return x;
}

static double objective(layerCase* c) {
  c->forward(c);

  double sum = c->loss;
  for (size_t i = 0; i < c->outputs; i++) sum += c->y[i] * c->dy[i];
  return sum;
}

static double relative_error(layerCase* c, int k, double begin) {
  const double h = 3e-6;

  double wrong = 0, size = 0;

  // (f(x + h) - f(x - h)) / 2h, one input at a time.
  for (size_t i = 0; i < c->count[k]; i++) {
    double keep = c->in[k][i];
    c->in[k][i] = keep + h;
    double above = objective(c);
    c->in[k][i] = keep - h;
    double below = objective(c);
    c->in[k][i] = keep;

    // Parameters' gradients began at `begin`.
    double slope = (above - below) / (2 * h), error = c->din[k][i] - begin - slope;
    wrong += error * error;
    size += slope * slope;
  }

  assert_true(size > 0);
  return sqrt(wrong / size);
}

static void check(layerCase* c) {
  loomRandom r = loom_random(7, loom_hash(LOOM_HASH_SEED, c->name, strlen(c->name)), LOOM_PURPOSE_TEST);
  const double before = 0.25;  // parameters' gradients add to what is there

  // Written gradients replace, added ones join what is there.
  for (int k = 0; k < INPUTS; k++) {
    c->in[k] = numbers(c->count[k], 0.8, &r);
    c->din[k] = numbers(c->count[k], 0, &r);
    for (size_t i = 0; i < c->count[k]; i++) c->din[k][i] = k < c->written ? (double)NAN : before;
  }

  // Room between the passes.
  for (int k = 0; k < SCRATCH; k++) c->s[k] = numbers(c->scratch[k], 0, &r);
  c->y = numbers(c->outputs, 0, &r);
  c->dy = numbers(c->outputs, 1, &r);

  // A copy of what comes back from above.
  double* dy = numbers(c->outputs, 0, &r);
  memcpy(dy, c->dy, c->outputs * sizeof *dy);

  // What the layer says.
  c->forward(c);
  c->backward(c);
  memcpy(c->dy, dy, c->outputs * sizeof *dy);  // some layers write over it

  // Against differences, each input in turn.
  for (int k = 0; k < INPUTS; k++) {
    if (!c->count[k]) continue;
    double error = relative_error(c, k, k < c->written ? 0 : before);
    if (!(error <= 1e-6)) fail_msg("%s: gradient of input %d is off by %g of its size", c->name, k, error);
  }

  for (int k = 0; k < INPUTS; k++) {
    test_free(c->in[k]);
    test_free(c->din[k]);
  }

  for (int k = 0; k < SCRATCH; k++) test_free(c->s[k]);
  test_free(c->y);
  test_free(c->dy);
  test_free(dy);
}

static void linear_f(layerCase* c) {
  loom_linear_forward(c->y, c->in[0], c->in[1], c->in[2], c->a, 7, 5);
}
static void linear_b(layerCase* c) {
  loom_linear_backward(c->din[0], c->din[1], c->din[2], c->dy, c->in[0], c->in[1], c->a, 7, 5);
}

static void linear(void** state) {
  (void)state;

  // Few rows, one, and more than a block of them.
  check(&(layerCase){"linear", linear_f, linear_b, {21, 35, 5}, 1, 15, .a = 3});
  check(&(layerCase){"linear, one row", linear_f, linear_b, {7, 35, 5}, 1, 5, .a = 1});
  check(&(layerCase){"linear, many rows", linear_f, linear_b, {7 * 600, 35, 5}, 1, 5 * 600, .a = 600});
}

static void activation_f(layerCase* c) {
  loom_activation_forward(c->y, c->in[0], (loomActivation)c->a, 50);
}
static void activation_b(layerCase* c) {
  loom_activation_backward(c->din[0], c->dy, c->in[0], (loomActivation)c->a, 50);
}

static void activations(void** state) {
  (void)state;
  static const char* const names[LOOM_ACTIVATIONS] = {"none", "ReLU",      "tanh", "sigmoid",
                                                      "GELU", "GELU tanh", "SiLU", "Mish"};

  for (int k = 0; k < LOOM_ACTIVATIONS; k++)
    check(&(layerCase){names[k], activation_f, activation_b, {50}, 1, 50, .a = k});
}

static void layer_norm_f(layerCase* c) {
  loom_layer_norm_forward(c->y, c->s[0], c->s[1], c->in[0], c->in[1], c->in[2], 4, 70);
}
static void layer_norm_b(layerCase* c) {
  loom_layer_norm_backward(c->din[0], c->din[1], c->din[2], c->dy, c->in[0], c->s[0], c->s[1], c->in[1], 4,
                           70);
}
static void group_norm_f(layerCase* c) {
  loom_group_norm_forward(c->y, c->s[0], c->s[1], c->in[0], c->in[1], c->in[2], 3, 6, 5, 2);
}
static void group_norm_b(layerCase* c) {
  loom_group_norm_backward(c->din[0], c->din[1], c->din[2], c->dy, c->in[0], c->s[0], c->s[1], c->in[1], 3, 6,
                           5, 2);
}

static void norms(void** state) {
  (void)state;

  check(&(layerCase){"layer norm", layer_norm_f, layer_norm_b, {280, 70, 70}, 1, 280, .scratch = {4, 4}});
  check(&(layerCase){"group norm", group_norm_f, group_norm_b, {90, 6, 6}, 1, 90, .scratch = {6, 6}});
}

static loomAttention attention_shape(const layerCase* c) {
  return (loomAttention){2, 5, 6, 3, c->a > 0, c->a > 1 ? 0.3 : 0, loom_random(3, 5, LOOM_PURPOSE_DROPOUT)};
}
static void attention_f(layerCase* c) {
  loomAttention shape = attention_shape(c);
  loom_attention_forward(c->y, c->s[0], c->s[2], c->in[0], &shape);
}
static void attention_b(layerCase* c) {
  loomAttention shape = attention_shape(c);
  loom_attention_backward(c->din[0], c->s[1], c->dy, c->s[0], c->s[2], c->in[0], &shape);
}

static void attention(void** state) {
  (void)state;

  // All see all, each sees the past, some are dropped.
  check(&(layerCase){"attention", attention_f, attention_b, {180}, 1, 60, .scratch = {150, 150}});
  check(&(layerCase){"causal attention", attention_f, attention_b, {180}, 1, 60, {150, 150}, .a = 1});
  check(&(layerCase){
      "attention with dropout", attention_f, attention_b, {180}, 1, 60, {150, 150, 150}, .a = 2});
}

// in: x, wi, wh, bi, bh, and the outputs and cells at the start side by side.
static const loomLstmShape lstm_shape = {4, 3, 5, 6};
static loomLstmState lstm_state(layerCase* c) {
  return (loomLstmState){c->s[0], c->s[1], c->s[2]};
}
static void lstm_f(layerCase* c) {
  loomLstmState state = lstm_state(c);
  loomLstmWeights w = {c->in[1], c->in[2], c->in[3], c->in[4]};

  // The state before the first step is an input too.
  memcpy(state.h, c->in[5], 18 * sizeof(double));
  memcpy(state.c, c->in[5] + 18, 18 * sizeof(double));

  // Outputs from the first step on.
  loom_lstm_forward(&state, c->in[0], &w, &lstm_shape);
  memcpy(c->y, state.h + 18, 72 * sizeof(double));
}
static void lstm_b(layerCase* c) {
  loomLstmState state = lstm_state(c);
  loomLstmWeights w = {c->in[1], c->in[2], c->in[3], c->in[4]};

  loomLstmGradients dw = {c->din[1], c->din[2], c->din[3], c->din[4]};
  double dh0[18], dc[18];
  loom_lstm_backward(c->din[0], dh0, dc, c->s[3], c->dy, &dw, &state, c->in[0], &w, &lstm_shape);

  // States at the start are inputs as well.
  for (int i = 0; i < 18; i++) {
    c->din[5][i] += dh0[i];
    c->din[5][18 + i] += dc[i];
  }
}

static void lstm(void** state) {
  (void)state;

  check(
      &(layerCase){"LSTM", lstm_f, lstm_b, {60, 120, 144, 24, 24, 36}, 1, 72, .scratch = {288, 90, 90, 288}});
}

// Cases differ in whether they overlap, pad, leave a remainder; the last is cut into several chunks of
// samples.
static const loomConv convs[] = {
    {2, 3, 4, 5, 6, 3, 3, 1, 1, 1, 1},
    {2, 2, 3, 7, 6, 3, 2, 2, 3, 0, 1},
    {3, 2, 5, 1, 9, 1, 5, 1, 1, 0, 2},
    {5, 1, 2, 25, 30, 2, 2, 1, 1, 0, 0},
};
static void conv_f(layerCase* c) {
  loom_conv_forward(c->y, c->s[0], c->in[0], c->in[1], c->in[2], &convs[c->a]);
}
static void conv_b(layerCase* c) {
  loom_conv_backward(c->din[0], c->din[1], c->din[2], c->s[0], c->dy, c->in[0], c->in[1], &convs[c->a]);
}
static void transposed_f(layerCase* c) {
  loom_conv_transposed_forward(c->y, c->s[0], c->in[0], c->in[1], c->in[2], &convs[c->a]);
}
static void transposed_b(layerCase* c) {
  loom_conv_transposed_backward(c->din[0], c->din[1], c->din[2], c->s[0], c->dy, c->in[0], c->in[1],
                                &convs[c->a]);
}

static void convolutions(void** state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    // With as many numbers as the shape says.
    const loomConv* v = &convs[i];
    int inputs = v->n * v->in * v->height * v->width, taps = v->in * v->out * v->kernel_h * v->kernel_w;

    // Sizes forward, and of what the transposed direction gives.
    size_t x = (size_t)inputs, w = (size_t)taps, b = (size_t)v->out;
    size_t planes = b * (size_t)v->n, scratch = loom_conv_scratch(v);
    size_t y = planes * (size_t)(loom_conv_height(v) * loom_conv_width(v));

    size_t up = planes * (size_t)(loom_conv_transposed_height(v) * loom_conv_transposed_width(v));
    char name[32];
    snprintf(name, sizeof name, "convolution %d", i);

    // Both directions, on the same numbers.
    check(&(layerCase){name, conv_f, conv_b, {x, w, b}, 1, y, {scratch}, .a = i});
    snprintf(name, sizeof name, "transposed convolution %d", i);
    check(&(layerCase){name, transposed_f, transposed_b, {x, w, b}, 1, up, {scratch}, .a = i});
  }
}

static void upsample_f(layerCase* c) {
  loom_upsample_forward(c->y, c->in[0], 4, 5, 2);
}
static void upsample_b(layerCase* c) {
  loom_upsample_backward(c->din[0], c->dy, 4, 5, 2);
}
static const loomSpatialSoftmax spatial = {2, 3, 4, 5, 0.7};
static void spatial_f(layerCase* c) {
  loom_spatial_softmax_forward(c->y, c->s[0], c->in[0], &spatial);
}
static void spatial_b(layerCase* c) {
  loom_spatial_softmax_backward(c->din[0], c->dy, c->y, c->s[0], &spatial);
}
static void dropout_f(layerCase* c) {
  loom_dropout(c->y, c->in[0], 0.3, loom_random(3, 5, LOOM_PURPOSE_DROPOUT), 101);
}
static void dropout_b(layerCase* c) {
  loom_dropout(c->din[0], c->dy, 0.3, loom_random(3, 5, LOOM_PURPOSE_DROPOUT), 101);
}

static void film_f(layerCase* c) {
  loom_film_forward(c->y, c->in[0], c->in[1], 2, 3, 5);
}
static void film_b(layerCase* c) {
  loom_film_backward(c->din[0], c->din[1], c->dy, c->in[0], c->in[1], 2, 3, 5);
}

static void small_layers(void** state) {
  (void)state;

  check(&(layerCase){"modulation", film_f, film_b, {30, 12}, 2, .outputs = 30});
  check(&(layerCase){"upsampling", upsample_f, upsample_b, {20}, 1, .outputs = 40});
  check(&(layerCase){"spatial softmax", spatial_f, spatial_b, {120}, 1, 12, .scratch = {120}});
  check(&(layerCase){"dropout", dropout_f, dropout_b, {101}, 1, .outputs = 101});
}

// Losses: in[0] is the network's output, s[0] targets, s[1] weights, filled here so that differences leave
// them alone.
static void fill(layerCase* c) {
  for (size_t i = 0; i < c->scratch[0]; i++) c->s[0][i] = sin(1.7 * (double)i + 0.3);
  for (size_t i = 0; i < c->scratch[1]; i++) c->s[1][i] = (double)(i % 3);
}
static const double* weights_of(const layerCase* c) {
  return c->scratch[1] ? c->s[1] : NULL;
}
static void l2_f(layerCase* c) {
  fill(c);
  c->loss = loom_l2_loss(NULL, c->in[0], c->s[0], weights_of(c), NULL, 5, 4);
}
static void l2_b(layerCase* c) {
  loom_l2_loss(c->din[0], c->in[0], c->s[0], weights_of(c), NULL, 5, 4);
}
static loomMixtureDef mixture_def(const layerCase* c) {
  loomMixtureDef def = loom_default_mixture_def((int)c->scratch[0] / 5);

  // Modes, squashing and standard deviation as the case says.
  def.modes = c->a;
  def.squash = c->b != 0;
  def.min_std = 0.05;
  def.fixed_std = c->b > 1 ? 0.4 : 0;
  return def;
}
static void mixture_f(layerCase* c) {
  loomMixtureDef def = mixture_def(c);

  fill(c);
  c->loss = loom_mixture_loss(NULL, c->s[2], c->in[0], c->s[0], weights_of(c), 5, &def);
}
static void mixture_b(layerCase* c) {
  loomMixtureDef def = mixture_def(c);
  loom_mixture_loss(c->din[0], c->s[2], c->in[0], c->s[0], weights_of(c), 5, &def);
}

static void losses(void** state) {
  (void)state;

  // Rows counted alike, or by weight.
  check(&(layerCase){"L2", l2_f, l2_b, {20}, 1, 0, .scratch = {20}});
  check(&(layerCase){"weighted L2", l2_f, l2_b, {20}, 1, 0, .scratch = {20, 5}});

  // One mode is a Gaussian.
  check(&(layerCase){"Gaussian", mixture_f, mixture_b, {30}, 1, 0, {15, 0, 5}, .a = 1});
  check(&(layerCase){"squashed Gaussian", mixture_f, mixture_b, {30}, 1, 0, {15, 0, 5}, .a = 1, .b = 1});
  check(
      &(layerCase){"Gaussian of fixed width", mixture_f, mixture_b, {30}, 1, 0, {15, 0, 5}, .a = 1, .b = 2});

  // Several modes, more actions than a register holds, weighted rows.
  check(&(layerCase){"mixture", mixture_f, mixture_b, {140}, 1, 0, {15, 0, 5}, .a = 4});
  check(
      &(layerCase){"mixture of more than a register", mixture_f, mixture_b, {370}, 1, 0, {90, 0, 5}, .a = 2});
  check(&(layerCase){
      "weighted squashed mixture", mixture_f, mixture_b, {140}, 1, 0, {15, 5, 5}, .a = 4, .b = 1});
}

// Networks: in[1] is their whole parameter block.
static void close_enough(const double* analytic, const double* numeric, size_t count, const char* name) {
  double wrong = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    wrong += (analytic[i] - numeric[i]) * (analytic[i] - numeric[i]);
    size += numeric[i] * numeric[i];
  }

  assert_true(size > 0);
  if (!(sqrt(wrong / size) <= 1e-6)) fail_msg("%s: off by %g of its size", name, sqrt(wrong / size));
}

static void mlp(void** state) {
  (void)state;
  enum { N = 4, IN = 5, OUT = 3 };
  loomParams params = {0};
  loomMlp net;
  loomMlpDef def = {.layers = 3, .sizes = {IN, 8, 6, OUT}, .activation = LOOM_ACTIVATION_GELU};

  // A small perceptron.
  loom_mlp_declare(&net, &params, &def, "actor.");
  assert_int_equal(loom_params_create(&params, NULL), 0);

  loomRandom r = loom_random(1, 0, LOOM_PURPOSE_WEIGHTS);
  loom_mlp_init(&net, &params, &r);

  // Room for N rows: measured, then laid out.
  loomArena arena = {0};
  loom_mlp_layout(&net, &arena, N);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_mlp_layout(&net, &arena, N);

  double *x = numbers(N * IN, 1, &r), *dy = numbers(N * OUT, 1, &r), *dx = numbers(N * IN, 0, &r);
  double* slope = numbers(params.total, 0, &r);

  // Analytic first.
  const double h = 3e-6;
  loom_mlp_forward(&net, &params, x, N);
  loom_mlp_backward(dx, &net, &params, dy, x, N);

  // The input first by its parameters, then by itself.
  for (int which = 0; which < 2; which++) {
    double* at = which ? x : params.value;
    size_t count = which ? N * IN : params.total;
    for (size_t i = 0; i < count; i++) {
      double keep = at[i], value[2] = {0, 0};

      // On either side.
      for (int k = 0; k < 2; k++) {
        at[i] = keep + (k ? h : -h);
        const double* y = loom_mlp_forward(&net, &params, x, N);
        for (int j = 0; j < N * OUT; j++) value[k] += y[j] * dy[j];
      }
      at[i] = keep;
      slope[i] = (value[1] - value[0]) / (2 * h);
    }

    close_enough(which ? dx : params.gradient, slope, count, which ? "MLP's input" : "MLP's parameters");
  }

  test_free(x);
  test_free(dy);
  test_free(dx);
  test_free(slope);
  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

// Clouds of more than a piece, of fewer points than channels, and more winners than backward takes at once.
static void pointnet_of(int points, int n, int last, int workers) {
  loomParams params = {0};
  loomPointnet net;
  loomPointnetDef def = {points, 2, {3, 6, last}, 4};

  // Coordinates in, two layers of 6 and `last` channels, 4 features out.
  loom_pointnet_declare(&net, &params, &def, "points.");
  assert_int_equal(loom_params_create(&params, NULL), 0);

  loomRandom r = loom_random(2, (uint64_t)points, LOOM_PURPOSE_WEIGHTS);
  loom_pointnet_init(&net, &params, &r);

  // Norms begin as the identity, which would hide mistakes.
  for (size_t i = 0; i < params.total; i++) params.value[i] += 0.2 * loom_random_normal(&r);

  loomArena arena = {0};
  loom_pointnet_layout(&net, &arena, n, workers);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_pointnet_layout(&net, &arena, n, workers);

  size_t clouds = (size_t)n;
  double *x = numbers(clouds * (size_t)points * 3, 1, &r), *dy = numbers(clouds * 4, 1, &r);
  double* slope = numbers(params.total, 0, &r);

  // Analytic first.
  const double h = 1e-6;
  loom_pointnet_forward(&net, &params, x, n);
  loom_pointnet_backward(&net, &params, dy, x, n);

  // One parameter at a time, on either side.
  for (size_t i = 0; i < params.total; i++) {
    double keep = params.value[i], value[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
      params.value[i] = keep + (k ? h : -h);
      const double* y = loom_pointnet_forward(&net, &params, x, n);
      for (int j = 0; j < n * 4; j++) value[k] += y[j] * dy[j];
    }
    params.value[i] = keep;
    slope[i] = (value[1] - value[0]) / (2 * h);
  }

  close_enough(params.gradient, slope, params.total, "PointNet's parameters");

  test_free(x);
  test_free(dy);
  test_free(slope);
  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

static void pointnet(void** state) {
  (void)state;

  // More than a piece; fewer points than channels; many winners.
  pointnet_of(300, 2, 16, 2);
  pointnet_of(5, 3, 12, 1);
  pointnet_of(40, 150, 32, 1);
}

// The slope of a loss along Adam's step is what central differences give too: it goes downhill.
static void adam_goes_downhill(void** state) {
  (void)state;
  loomParams params = {0};

  loom_params_add(&params, "x", 1, &(int){6});
  assert_int_equal(loom_params_create(&params, NULL), 0);

  // A small quadratic bowl.
  const double target[6] = {1, -2, 3, -4, 5, -6};
  loomAdamDef def = loom_default_adam_def();
  double first = 0, loss = 0;

  // As training does it.
  for (uint64_t step = 1; step <= 4000; step++) {
    loss = loom_l2_loss(params.gradient, params.value, target, NULL, NULL, 1, 6);
    if (step == 1) first = loss;
    loom_adam_step(&params, &def, 0.01, step);
  }

  assert_true(first > 15);
  assert_true(loss < 1e-12);
  loom_params_destroy(&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear),
      cmocka_unit_test(activations),
      cmocka_unit_test(norms),
      cmocka_unit_test(attention),
      cmocka_unit_test(lstm),
      cmocka_unit_test(convolutions),
      cmocka_unit_test(losses),
      cmocka_unit_test(small_layers),
      cmocka_unit_test(mlp),
      cmocka_unit_test(pointnet),
      cmocka_unit_test(adam_goes_downhill),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
