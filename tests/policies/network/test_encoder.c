// Encoders of images and point clouds, in double: gradients against central differences, crops.
#define LOOM_DOUBLE
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/network/encoder.h"

static double* normals(size_t count, loomRandom* r) {
  double* x = test_malloc((count + 1) * sizeof *x);
  for (size_t i = 0; i < count; i++) x[i] = loom_random_normal(r);
  return x;
}

// Norms begin as the identity, which would hide mistakes.
static void unsettle(loomParams* params, loomRandom* r) {
  for (size_t i = 0; i < params->total; i++) params->value[i] += 0.2 * loom_random_normal(r);
}

static void close_enough(const double* analytic, const double* numeric, size_t count, const char* name) {
  double wrong = 0, size = 0;
  for (size_t i = 0; i < count; i++) {
    wrong += (analytic[i] - numeric[i]) * (analytic[i] - numeric[i]);
    size += numeric[i] * numeric[i];
  }

  // As a share of the whole, so that small entries need not be exact.
  assert_true(size > 0);
  if (!(sqrt(wrong / size) <= 1e-6)) fail_msg("%s: off by %g of its size", name, sqrt(wrong / size));
}

static double dot(const double* a, const double* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

// Odd sizes; blocks with and without a shortcut of their own; one group of a norm, and two.
static void resnet_of(const loomResnetDef* def, int n) {
  loomParams params = {0};
  loomResnet net;
  loomRandom r = loom_random(5, (uint64_t)def->height, LOOM_PURPOSE_TEST);

  // Weights as drawn, then shaken.
  loom_resnet_declare(&net, &params, def, "eye.");
  assert_int_equal(loom_params_create(&params, NULL), 0);
  loom_resnet_init(&net, &params, &r);
  unsettle(&params, &r);

  // Room for n images: measured, then laid out.
  loomArena arena = {0};
  loom_resnet_layout(&net, &arena, n);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_resnet_layout(&net, &arena, n);

  size_t outputs = (size_t)n * (size_t)def->out,
         inputs = (size_t)n * (size_t)(def->channels * def->height * def->width);
  double *x = normals(inputs, &r), *dy = normals(outputs, &r), *slope = normals(params.total, &r);

  loom_resnet_forward(&net, &params, x, n);
  loom_resnet_backward(&net, &params, dy, x, n);

  // Central differences, one weight at a time.
  const double h = 1e-6;
  for (size_t i = 0; i < params.total; i++) {
    double keep = params.value[i];
    params.value[i] = keep + h;
    double above = dot(loom_resnet_forward(&net, &params, x, n), dy, outputs);
    params.value[i] = keep - h;
    slope[i] = (above - dot(loom_resnet_forward(&net, &params, x, n), dy, outputs)) / (2 * h);
    params.value[i] = keep;
  }

  close_enough(params.gradient, slope, params.total, "residual network");

  test_free(x);
  test_free(dy);
  test_free(slope);
  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

static void resnet(void** state) {
  (void)state;
  resnet_of(&(loomResnetDef){.channels = 2,
                             .height = 9,
                             .width = 7,
                             .blocks = 3,
                             .sizes = {3, 4, 5, 5},
                             .keypoints = 3,
                             .out = 4},
            2);
  resnet_of(
      &(loomResnetDef){
          .channels = 1, .height = 8, .width = 8, .blocks = 1, .sizes = {32, 2}, .keypoints = 2, .out = 3},
      1);
}

typedef struct eyes {
  loomEncoder encoder;
  loomParams params;
  loomArena arena;
  double* visual[2];
  double *out, *dout;
  int n, stride;
} eyes;

enum { SIDE = 18, POINTS = 9, FEATURES = 3, ROOM = 1 };  // ROOM: numbers of a row behind the features

static loomEncoderDef two_keys(void) {
  // Both keys small enough for differences.
  loomEncoderDef def = {.config = {.channels = {2, {2, 3}},
                                   .keypoints = 2,
                                   .points = {1, {4}},
                                   .features = FEATURES,
                                   .crop = 0.7},
                        .count = 2,
                        .key = {{"image", 3, {1, SIDE, SIDE}}, {"cloud", 2, {POINTS, 3}}}};
  return def;
}

static void open_eyes(eyes* e, int n) {
  loomEncoderDef def = two_keys();
  loomRandom r = loom_random(8, 0, LOOM_PURPOSE_TEST);
  loomError err = {0, ""};
  *e = (eyes){.n = n, .stride = 2 * FEATURES + ROOM};

  if (loom_encoder_create(&e->encoder, &e->params, &def, &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_params_create(&e->params, NULL), 0);
  loom_encoder_init(&e->encoder, &e->params, &r);
  unsettle(&e->params, &r);

  loom_encoder_layout(&e->encoder, &e->arena, n);
  assert_int_equal(loom_arena_create(&e->arena, e->arena.used, NULL), 0);
  loom_encoder_layout(&e->encoder, &e->arena, n);

  // Numbers in place of images and points.
  e->visual[0] = normals((size_t)n * SIDE * SIDE, &r);
  e->visual[1] = normals((size_t)n * POINTS * 3, &r);
  e->out = normals((size_t)n * (size_t)e->stride, &r);
  e->dout = normals((size_t)n * (size_t)e->stride, &r);
}

static void close_eyes(eyes* e) {
  test_free(e->visual[0]);
  test_free(e->visual[1]);
  test_free(e->out);
  test_free(e->dout);
  loom_encoder_destroy(&e->encoder);
  loom_params_destroy(&e->params);
  loom_arena_destroy(&e->arena);
}

static void look(eyes* e, bool train) {
  // The same crops each time.
  loomRandom crops = loom_random(1, 2, LOOM_PURPOSE_CROP);
  const double* visual[2] = {e->visual[0], e->visual[1]};

  loom_encoder_forward(e->out, e->stride, &e->encoder, &e->params, visual, e->n, train ? &crops : NULL);
}

static double value_of(eyes* e) {
  double sum = 0;
  look(e, true);

  for (int i = 0; i < e->n; i++) sum += dot(e->out + i * e->stride, e->dout + i * e->stride, 2 * FEATURES);
  return sum;
}

// More images than go through at once.
static void encoder_gradient(void** state) {
  (void)state;
  eyes e;
  open_eyes(&e, 70);

  const double h = 1e-6, *visual[2] = {e.visual[0], e.visual[1]};
  double beyond = e.out[2 * FEATURES];

  // What lies behind the features of a row stays.
  look(&e, true);
  assert_true(e.out[2 * FEATURES] == beyond);

  loom_encoder_backward(&e.encoder, &e.params, e.dout, e.stride, visual, e.n);
  double* slope = test_malloc(e.params.total * sizeof *slope);

  // With the same crops, so that it is a function of the weights.
  for (size_t i = 0; i < e.params.total; i++) {
    double keep = e.params.value[i];
    e.params.value[i] = keep + h;
    double above = value_of(&e);
    e.params.value[i] = keep - h;
    slope[i] = (above - value_of(&e)) / (2 * h);
    e.params.value[i] = keep;
  }

  close_enough(e.params.gradient, slope, e.params.total, "encoder");
  test_free(slope);
  close_eyes(&e);
}

// The middle when acting: its border may be anything. In training any crop may come, the same for the same
// stream.
static void crops(void** state) {
  (void)state;
  enum { N = 40 };
  eyes e;
  open_eyes(&e, N);
  double first[2 * FEATURES];

  // 13 of 18 rows and columns remain.
  look(&e, false);
  memcpy(first, e.out, sizeof first);
  int kept = e.encoder.part[0].resnet.def.height, edge = (SIDE - kept) / 2;
  assert_int_equal(kept, 13);

  // Whatever lies around them.
  for (int i = 0; i < SIDE; i++) {
    for (int k = 0; k < SIDE; k++) {
      bool inside = i >= edge && i < edge + kept && k >= edge && k < edge + kept;
      if (!inside) e.visual[0][i * SIDE + k] = 100;
    }
  }

  // The features are the same.
  look(&e, false);
  assert_memory_equal(first, e.out, sizeof first);
  const int* corner = e.encoder.part[0].corner;
  int drawn[2 * N], seen[2][SIDE] = {{0}};

  // In training each corner comes up among 40 images.
  look(&e, true);
  memcpy(drawn, corner, sizeof drawn);
  for (int i = 0; i < 2 * N; i++) {
    assert_in_range(corner[i], 0, SIDE - kept);
    seen[i % 2][corner[i]] = 1;
  }
  for (int i = 0; i <= SIDE - kept; i++) assert_true(seen[0][i] && seen[1][i]);

  look(&e, true);
  assert_memory_equal(drawn, corner, sizeof drawn);
  close_eyes(&e);
}

static void odd_shapes(void** state) {
  (void)state;
  static const loomVisualKey wrong[] = {
      {"tiny", 3, {3, 8, 84}}, {"spectrum", 3, {17, 84, 84}}, {"plane", 2, {512, 2}}, {"grid", 4, {2, 2, 2}}};

  // By name, so that a person finds the key.
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loomError err = {0, ""};
    assert_int_equal(loom_visual_check(&wrong[i], &err), LOOM_ERR_UNSUPPORTED);
    if (!strstr(err.message, wrong[i].name)) fail_msg("does not name the key: %s", err.message);
  }
}

int main(void) {
  omp_set_num_threads(1);  // what is this small is slower on more
  const struct CMUnitTest tests[] = {cmocka_unit_test(resnet), cmocka_unit_test(encoder_gradient),
                                     cmocka_unit_test(crops), cmocka_unit_test(odd_shapes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
