// Layers, losses and optimizer steps against PyTorch (tests/golden/make_nn_golden.py), in float.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "policies/learn/config.h"
#include "policies/learn/supervised.h"
#include "policies/nn/activation.h"
#include "policies/nn/attention.h"
#include "policies/nn/conv.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/embedding.h"
#include "policies/nn/linear.h"
#include "policies/nn/lstm.h"
#include "policies/nn/mlp.h"
#include "policies/nn/norm.h"
#include "policies/nn/optimizer.h"
#include "policies/nn/pointnet.h"
#include "policies/nn/unet.h"
#include "policies/objective/loss.h"

// Errors are shares of the largest number of their array.
static const double tolerance = 1e-5;

typedef struct fixture {
  cJSON* golden;
  const cJSON* at;  // the case that input and expect look in
  const char* name;
  float pool[1 << 16];  // inputs and results of one case
  size_t used;
} fixture;
static fixture fx;

static int setup(void** state) {
  (void)state;
  enum { MOST = 1 << 20 };
  char* text = calloc(1, MOST);

  FILE* f = fopen("tests/golden/nn_cases.json", "rb");
  size_t n = f && text ? fread(text, 1, MOST - 1, f) : 0;
  if (f) fclose(f);

  fx.golden = n ? cJSON_Parse(text) : NULL;
  free(text);
  return fx.golden ? 0 : -1;
}

static int teardown(void** state) {
  (void)state;
  cJSON_Delete(fx.golden);
  return 0;
}

static void begin(const char* name) {
  fx.name = name;
  fx.used = 0;

  fx.at = cJSON_GetObjectItemCaseSensitive(fx.golden, name);
  if (!fx.at) fail_msg("nn_cases.json has no case %s", name);
}

static float* room(size_t count) {
  assert_true(fx.used + count <= sizeof fx.pool / sizeof *fx.pool);

  float* x = fx.pool + fx.used;
  fx.used += count;
  memset(x, 0, count * sizeof *x);
  return x;
}

static const cJSON* array(const char* key, size_t count) {
  const cJSON* a = cJSON_GetObjectItemCaseSensitive(fx.at, key);

  if (!a || (size_t)cJSON_GetArraySize(a) != count)
    fail_msg("%s: %s is missing or not %zu long", fx.name, key, count);
  return a;
}

static float* input(const char* key, size_t count) {
  float *x = room(count), *to = x;

  for (const cJSON* v = array(key, count)->child; v; v = v->next) *to++ = (float)v->valuedouble;
  return x;
}

static void expect(const char* key, const float* values, size_t count) {
  double error = 0, size = 0;

  const float* x = values;
  for (const cJSON* v = array(key, count)->child; v; v = v->next, x++) {
    error = fmax(error, isfinite(*x) ? fabs((double)*x - v->valuedouble) : INFINITY);
    size = fmax(size, fabs(v->valuedouble));
  }

  if (!(error <= tolerance * size)) fail_msg("%s: %s is off by %g of %g", fx.name, key, error, size);
}

static void expect_loss(double loss) {
  expect("loss", &(float){(float)loss}, 1);
}

static void linear(void** state) {
  (void)state;
  begin("linear");

  float *x = input("x", 35), *w = input("w", 28), *b = input("b", 4), *dy = input("dy", 20);
  float *y = room(20), *dx = room(35), *dw = room(28), *db = room(4);

  // Forward, then what comes back to input, weights and bias.
  loom_linear_forward(y, x, w, b, 5, 7, 4);
  expect("y", y, 20);

  loom_linear_backward(dx, dw, db, dy, x, w, 5, 7, 4);
  expect("dx", dx, 35);
  expect("dw", dw, 28);
  expect("db", db, 4);
}

static void activations(void** state) {
  (void)state;
  enum { N = 61 };
  static const char* const names[LOOM_ACTIVATIONS] = {
      [LOOM_ACTIVATION_RELU] = "relu",       [LOOM_ACTIVATION_TANH] = "tanh",
      [LOOM_ACTIVATION_SIGMOID] = "sigmoid", [LOOM_ACTIVATION_GELU] = "gelu",
      [LOOM_ACTIVATION_SILU] = "silu",       [LOOM_ACTIVATION_GELU_TANH] = "gelu_tanh",
      [LOOM_ACTIVATION_MISH] = "mish"};

  for (int k = 0; k < LOOM_ACTIVATIONS; k++) {
    if (k == LOOM_ACTIVATION_NONE) continue;
    begin(names[k]);

    float *x = input("x", N), *dy = input("dy", N), *y = room(N), *dx = room(N);

    // There and back.
    loom_activation_forward(y, x, (loomActivation)k, N);
    expect("y", y, N);
    loom_activation_backward(dx, dy, x, (loomActivation)k, N);
    expect("dx", dx, N);
  }
}

static void layer_norm(void** state) {
  (void)state;
  begin("layer_norm");

  float *x = input("x", 280), *gain = input("gain", 70), *bias = input("bias", 70), *dy = input("dy", 280);
  float *y = room(280), *dx = room(280), *dgain = room(70), *dbias = room(70), *mean = room(4),
        *inverse = room(4);

  loom_layer_norm_forward(y, mean, inverse, x, gain, bias, 4, 70);
  expect("y", y, 280);

  // Backward from the statistics that forward left.
  loom_layer_norm_backward(dx, dgain, dbias, dy, x, mean, inverse, gain, 4, 70);
  expect("dx", dx, 280);
  expect("dgain", dgain, 70);
  expect("dbias", dbias, 70);
}

static void group_norm(void** state) {
  (void)state;
  begin("group_norm");

  float *x = input("x", 90), *gain = input("gain", 6), *bias = input("bias", 6), *dy = input("dy", 90);
  float *y = room(90), *dx = room(90), *dgain = room(6), *dbias = room(6), *mean = room(6),
        *inverse = room(6);

  loom_group_norm_forward(y, mean, inverse, x, gain, bias, 3, 6, 5, 2);
  expect("y", y, 90);

  // Backward from the statistics that forward left.
  loom_group_norm_backward(dx, dgain, dbias, dy, x, mean, inverse, gain, 3, 6, 5, 2);
  expect("dx", dx, 90);
  expect("dgain", dgain, 6);
  expect("dbias", dbias, 6);
}

// nn.MultiheadAttention: a linear layer before, one after.
static void attention_of(const char* name, bool causal) {
  enum { N = 2, T = 6, W = 8, HEADS = 2, ROWS = N * T };
  const loomAttention shape = {.n = N, .length = T, .width = W, .heads = HEADS, .causal = causal};

  begin(name);
  float *x = input("x", ROWS * W), *w = input("w", 3 * W * W), *b = input("b", 3 * W);
  float *wo = input("wo", W * W), *bo = input("bo", W), *dy = input("dy", ROWS * W);

  // Room for what lies between, and for every gradient.
  float *qkv = room(3 * ROWS * W), *mixed = room(ROWS * W), *weight = room(N * HEADS * T * T),
        *y = room(ROWS * W);
  float *dqkv = room(3 * ROWS * W), *dmixed = room(ROWS * W), *dweight = room(N * HEADS * T * T);
  float *dx = room(ROWS * W), *dw = room(3 * W * W), *db = room(3 * W), *dwo = room(W * W), *dbo = room(W);

  // Queries, keys and values of one product; mixed; then out.
  loom_linear_forward(qkv, x, w, b, ROWS, W, 3 * W);
  loom_attention_forward(mixed, weight, NULL, qkv, &shape);
  loom_linear_forward(y, mixed, wo, bo, ROWS, W, W);
  expect("y", y, ROWS * W);

  // The same way back.
  loom_linear_backward(dmixed, dwo, dbo, dy, mixed, wo, ROWS, W, W);
  loom_attention_backward(dqkv, dweight, dmixed, weight, NULL, qkv, &shape);
  loom_linear_backward(dx, dw, db, dqkv, x, w, ROWS, W, 3 * W);

  expect("dx", dx, ROWS * W);
  expect("dw", dw, 3 * W * W);
  expect("db", db, 3 * W);
  expect("dwo", dwo, W * W);
  expect("dbo", dbo, W);
}

static void attention(void** state) {
  (void)state;
  attention_of("attention", false);
  attention_of("causal_attention", true);
}

enum { STEPS = 5, BATCH = 3, HIDDEN = 6, CELLS = BATCH * HIDDEN, GATES = 4 * HIDDEN };

static float* lstm_input(const char* name, int i, size_t count) {
  char key[8];

  snprintf(key, sizeof key, "%s%d", name, i);
  return input(key, count);
}

static void lstm_expect(const char* name, int i, const float* x, size_t count) {
  char key[8];

  snprintf(key, sizeof key, "%s%d", name, i);
  expect(key, x, count);
}

// Two layers from outputs and cells that are not zero.
static void lstm(void** state) {
  (void)state;
  begin("lstm");

  const float *x = input("x", STEPS * BATCH * 4), *h = input("h", 2 * CELLS), *c = input("c", 2 * CELLS);
  const loomLstmShape shape[2] = {{STEPS, BATCH, 4, HIDDEN}, {STEPS, BATCH, HIDDEN, HIDDEN}};
  loomLstmState s[2];
  loomLstmWeights w[2];

  // The second layer reads what the first one says.
  for (int i = 0; i < 2; i++) {
    size_t in = (size_t)shape[i].in;
    w[i] = (loomLstmWeights){lstm_input("wi", i, GATES * in), lstm_input("wh", i, (size_t)GATES * HIDDEN),
                             lstm_input("bi", i, GATES), lstm_input("bh", i, GATES)};

    // Room for all steps, the given state in front.
    s[i] = (loomLstmState){room(STEPS * BATCH * GATES), room((STEPS + 1) * CELLS), room((STEPS + 1) * CELLS)};
    memcpy(s[i].h, h + (ptrdiff_t)i * CELLS, CELLS * sizeof *h);
    memcpy(s[i].c, c + (ptrdiff_t)i * CELLS, CELLS * sizeof *c);

    loom_lstm_forward(&s[i], i ? s[0].h + CELLS : x, &w[i], &shape[i]);
  }

  // Outputs of the second layer, cells of both after the last step.
  expect("y", s[1].h + CELLS, STEPS * CELLS);
  float* end = room(2 * CELLS);
  for (int i = 0; i < 2; i++) memcpy(end + (ptrdiff_t)i * CELLS, s[i].c + STEPS * CELLS, CELLS * sizeof *end);
  expect("c_end", end, 2 * CELLS);

  // Gradients of outputs at every step, of states after the last.
  float *dy = input("dy", STEPS * CELLS), *dh = room(2 * CELLS), *dc = room(2 * CELLS),
        *dgates = room(STEPS * BATCH * GATES);

  // The last layer first.
  for (int i = 1; i >= 0; i--) {
    size_t in = (size_t)shape[i].in;
    loomLstmGradients d = {room(GATES * in), room((size_t)GATES * HIDDEN), room(GATES), room(GATES)};
    float* dx = room(STEPS * BATCH * in);

    loom_lstm_backward(dx, dh + (ptrdiff_t)i * CELLS, dc + (ptrdiff_t)i * CELLS, dgates, dy, &d, &s[i],
                       i ? s[0].h + CELLS : x, &w[i], &shape[i]);

    lstm_expect("dwi", i, d.wi, GATES * in);
    lstm_expect("dwh", i, d.wh, (size_t)GATES * HIDDEN);
    lstm_expect("dbi", i, d.bi, GATES);
    lstm_expect("dbh", i, d.bh, GATES);
    dy = dx;
  }

  // What reaches the inputs and the states at the start.
  expect("dx", dy, STEPS * BATCH * 4);
  expect("dh", dh, 2 * CELLS);
  expect("dc", dc, 2 * CELLS);
}

static void conv_of(const char* name, loomConv v, bool transposed) {
  begin(name);

  // Sizes as the shape says.
  int out_h = transposed ? loom_conv_transposed_height(&v) : loom_conv_height(&v);
  int out_w = transposed ? loom_conv_transposed_width(&v) : loom_conv_width(&v);
  int sizes[4] = {v.n * v.in * v.height * v.width, v.in * v.out * v.kernel_h * v.kernel_w, v.out,
                  v.n * v.out * out_h * out_w};

  size_t nx = (size_t)sizes[0], nw = (size_t)sizes[1], nb = (size_t)sizes[2], ny = (size_t)sizes[3];
  float *x = input("x", nx), *w = input("w", nw), *b = input("b", nb), *dy = input("dy", ny);
  float *y = room(ny), *dx = room(nx), *dw = room(nw), *db = room(nb), *scratch = room(loom_conv_scratch(&v));

  // Whichever direction.
  (transposed ? loom_conv_transposed_forward : loom_conv_forward)(y, scratch, x, w, b, &v);
  expect("y", y, ny);

  (transposed ? loom_conv_transposed_backward : loom_conv_backward)(dx, dw, db, scratch, dy, x, w, &v);
  expect("dx", dx, nx);
  expect("dw", dw, nw);
  expect("db", db, nb);
}

static void convolutions(void** state) {
  (void)state;
  conv_of("conv_2d", (loomConv){2, 3, 4, 7, 6, 3, 2, 2, 1, 1, 0}, false);
  conv_of("conv_1d", loom_conv_1d(3, 2, 5, 9, 5, 1, 2), false);
  conv_of("conv_transposed", loom_conv_1d(2, 4, 3, 5, 4, 2, 1), true);

  // Twice as many rows, each repeated.
  begin("upsample");
  float *x = input("x", 30), *dy = input("dy", 60), *y = room(60), *dx = room(30);

  loom_upsample_forward(y, x, 6, 5, 2);
  expect("y", y, 60);
  loom_upsample_backward(dx, dy, 6, 5, 2);
  expect("dx", dx, 30);
}

static void spatial_softmax(void** state) {
  (void)state;
  const loomSpatialSoftmax shape = {2, 3, 4, 5, 0.7};

  begin("spatial_softmax");
  float *x = input("x", 120), *dy = input("dy", 12), *y = room(12), *weight = room(120), *dx = room(120);

  loom_spatial_softmax_forward(y, weight, x, &shape);
  expect("y", y, 12);
  loom_spatial_softmax_backward(dx, dy, y, weight, &shape);
  expect("dx", dx, 120);
}

static void mixtures(void** state) {
  (void)state;
  enum { N = 6, ACTIONS = 3 };
  for (int k = 0; k < 2; k++) {
    begin(k ? "mixture" : "gaussian");
    loomMixtureDef def = loom_default_mixture_def(ACTIONS);
    def.modes = k ? 5 : 1;
    def.squash = k;

    size_t count = N * (size_t)loom_mixture_width(&def);
    float *y = input("y", count), *action = input("action", N * ACTIONS), *dy = room(count), *rows = room(N);
    expect_loss(loom_mixture_loss(dy, rows, y, action, NULL, N, &def));
    expect("dy", dy, count);
  }
}

static void diffusion(void** state) {
  (void)state;
  enum { N = 4, WIDTH = 6, EMBEDDING = 8, IN = WIDTH + EMBEDDING };

  begin("diffusion");
  float *clean = input("clean", N * WIDTH), *noise = input("noise", N * WIDTH), *t = input("t", N);
  float *w = input("w", WIDTH * IN), *b = input("b", WIDTH), *kept = room(100);
  float *noisy = room(N * WIDTH), *embedding = room(N * EMBEDDING), *x = room(N * IN), *y = room(N * WIDTH);
  float *dy = room(N * WIDTH), *dw = room(WIDTH * IN), *db = room(WIDTH);

  int steps[N];
  for (int i = 0; i < N; i++) steps[i] = (int)t[i];

  // The schedule, then noise mixed in by it.
  loomDiffusion d = loom_diffusion_cosine(100);
  for (int i = 0; i < d.steps; i++) kept[i] = (float)d.kept[i];
  expect("kept", kept, 100);
  loom_diffusion_noise(noisy, clean, noise, steps, N, WIDTH, &d);
  expect("noisy", noisy, N * WIDTH);

  loom_sinusoid_embedding(embedding, t, N, EMBEDDING);
  expect("embedding", embedding, N * EMBEDDING);

  // A network of one layer sees both.
  for (int i = 0; i < N; i++) {
    memcpy(x + (ptrdiff_t)i * IN, noisy + (ptrdiff_t)i * WIDTH, WIDTH * sizeof *x);
    memcpy(x + (ptrdiff_t)i * IN + WIDTH, embedding + (ptrdiff_t)i * EMBEDDING, EMBEDDING * sizeof *x);
  }

  loom_linear_forward(y, x, w, b, N, IN, WIDTH);
  expect_loss(loom_l2_loss(dy, y, noise, NULL, NULL, N, WIDTH));
  loom_linear_backward(NULL, dw, db, dy, x, w, N, IN, WIDTH);
  expect("dw", dw, WIDTH * IN);
  expect("db", db, WIDTH);
}

static void training_of(const char* name, const loomAdamDef* adam) {
  enum { N = 6, OUT = 3 };
  begin(name);

  // A perceptron with room for N rows.
  loomParams params = {0};
  loomMlp net;
  loom_mlp_declare(&net, &params,
                   &(loomMlpDef){.layers = 3, .sizes = {5, 8, 8, OUT}, .activation = LOOM_ACTIVATION_RELU},
                   "");
  assert_int_equal(loom_params_create(&params, NULL), 0);

  loomArena arena = {0};
  loom_mlp_layout(&net, &arena, N);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_mlp_layout(&net, &arena, N);

  // The weights that PyTorch began with.
  size_t total = params.total;
  float *x = input("x", N * 5), *target = input("target", N * OUT), *dy = room(N * OUT);
  memcpy(params.value, input("value", total), total * sizeof(float));

  // Three steps; loss and gradient at the first one.
  for (int step = 1; step <= 3; step++) {
    loom_params_zero_gradient(&params);
    double loss = loom_l2_loss(dy, loom_mlp_forward(&net, &params, x, N), target, NULL, NULL, N, OUT);
    loom_mlp_backward(NULL, &net, &params, dy, x, N);

    if (step == 1) {
      expect_loss(loss);
      expect("dvalue", params.gradient, total);
    }

    loom_adam_step(&params, adam, 0.01, (uint64_t)step);
    char key[8];
    snprintf(key, sizeof key, "step%d", step);
    expect(key, params.value, total);
  }

  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

static void training(void** state) {
  (void)state;
  loomAdamDef adam = loom_default_adam_def();

  // Plain, with decay in the gradient, and with decay apart.
  training_of("adam", &adam);
  adam.weight_decay = 0.1;
  training_of("adam_decay", &adam);
  adam.decoupled = true;
  adam.clip_norm = 0.1;
  training_of("adamw_clipped", &adam);
}

static void pointnet(void** state) {
  (void)state;
  enum { N = 3, POINTS = 300, OUT = 5 };

  // DP3's encoder in small.
  begin("pointnet");
  loomParams params = {0};
  loomPointnet net;
  loom_pointnet_declare(&net, &params, &(loomPointnetDef){POINTS, 2, {3, 8, 12}, OUT}, "");
  assert_int_equal(loom_params_create(&params, NULL), 0);

  loomArena arena = {0};
  loom_pointnet_layout(&net, &arena, N, 2);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_pointnet_layout(&net, &arena, N, 2);

  // PyTorch's weights by their names.
  for (int i = 0; i < params.count; i++) {
    const loomParam* p = &params.list[i];
    memcpy(params.value + p->offset, input(p->name, p->count), p->count * sizeof(float));
  }

  float* x = input("x", N * POINTS * 3);
  expect("y", loom_pointnet_forward(&net, &params, x, N), N * OUT);
  loom_pointnet_backward(&net, &params, input("dy", N * OUT), x, N);

  // Gradients by the same names.
  for (int i = 0; i < params.count; i++) {
    char key[LOOM_PARAM_NAME + 1];
    snprintf(key, sizeof key, "d%s", params.list[i].name);
    expect(key, params.gradient + params.list[i].offset, params.list[i].count);
  }

  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

// Networks as wholes: their parameters have PyTorch's names.
static void load(loomParams* params) {
  for (int i = 0; i < params->count; i++) {
    const loomParam* p = &params->list[i];

    // The pool is used again for the next array.
    size_t used = fx.used;
    memcpy(params->value + p->offset, input(p->name, p->count), p->count * sizeof(float));
    fx.used = used;
  }
}

static void expect_params(const char* prefix, const loomParams* params, const float* block) {
  for (int i = 0; i < params->count; i++) {
    char key[LOOM_PARAM_NAME + 8];
    snprintf(key, sizeof key, "%s%s", prefix, params->list[i].name);
    expect(key, block + params->list[i].offset, params->list[i].count);
  }
}

// Gradients, and what one step of Adam makes of the parameters.
static void expect_training(loomParams* params) {
  loomAdamDef adam = loom_default_adam_def();
  expect_params("d", params, params->gradient);
  loom_adam_step(params, &adam, 0.01, 1);
  expect_params("after ", params, params->value);
}

static void bc_transformer(void** state) {
  (void)state;
  enum { N = 3, SEEN = 4, TAUGHT = 2, OBS = 5, ACTIONS = 3 };
  loomError err = {0, ""};
  loomNetwork net;

  // Robomimic's BC-T in small, without dropout.
  loomTrainConfig config = loom_default_train_config(LOOM_KIND_BC_TRANSFORMER);
  config.data.stack = SEEN - TAUGHT + 1;
  config.data.length = TAUGHT;
  config.policy.width = 8;
  config.policy.heads = config.policy.blocks = config.policy.modes = 2;
  config.policy.min_std = 0.01;
  config.policy.dropout = 0;

  // The network and what it is trained for.
  loomNetworkDef def =
      loom_network_def(&config.policy, &config.encoder, config.data.stack, config.data.length, OBS, ACTIONS);
  assert_int_equal(loom_network_create(&net, &def, 1, &err), 0);
  assert_int_equal(loom_network_layout(&net, N, &err), 0);

  loomObjective objective;
  loomObjectiveDef learned = loom_network_objective(&def);
  assert_int_equal(loom_objective_create(&objective, &learned, N, &err), 0);

  begin("bc_transformer");
  load(&net.params);

  // Two rows taught, of which some may not be real.
  loomSamples samples = {.n = N,
                         .obs = input("obs", N * SEEN * OBS),
                         .actions = input("action", N * TAUGHT * ACTIONS),
                         .real = input("real", N * TAUGHT)};

  expect_loss(loom_supervised_loss(&net, &objective, &samples, 1, 0, true));
  expect_training(&net.params);

  loom_network_destroy(&net);
  loom_objective_destroy(&objective);
}

static void unet(void** state) {
  (void)state;
  enum { N = 3, CHANNELS = 3, LENGTH = 4, SEEN = 6, STEP = 4, CHUNK = CHANNELS * LENGTH };
  loomParams params = {0};
  loomArena arena = {0};
  loomUnet net;

  // Two levels of 4 and 8 channels.
  loomUnetDef def = {CHANNELS, LENGTH, SEEN, 2, {4, 8}, STEP, 3, 2};
  loom_unet_declare(&net, &params, &def, "");
  assert_int_equal(loom_params_create(&params, NULL), 0);

  loom_unet_layout(&net, &arena, N, true);
  assert_int_equal(loom_arena_create(&arena, arena.used, NULL), 0);
  loom_unet_layout(&net, &arena, N, true);

  begin("unet");
  load(&params);

  float *noisy = input("noisy", N * CHUNK), *noise = input("noise", N * CHUNK), *t = input("t", N);
  float *seen = input("seen", N * SEEN), *embedding = room(N * STEP), *dy = room(N * CHUNK);

  // The step's embedding conditions it, beside what is seen.
  loom_sinusoid_embedding(embedding, t, N, STEP);
  const float* y = loom_unet_forward(&net, &params, noisy, embedding, seen, N);
  expect("y", y, N * CHUNK);
  expect_loss(loom_l2_loss(dy, y, noise, NULL, NULL, N, CHUNK));

  loom_unet_backward(NULL, &net, &params, dy, N);
  expect_training(&params);

  loom_arena_destroy(&arena);
  loom_params_destroy(&params);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linear),         cmocka_unit_test(activations),
      cmocka_unit_test(layer_norm),     cmocka_unit_test(group_norm),
      cmocka_unit_test(attention),      cmocka_unit_test(lstm),
      cmocka_unit_test(convolutions),   cmocka_unit_test(spatial_softmax),
      cmocka_unit_test(mixtures),       cmocka_unit_test(diffusion),
      cmocka_unit_test(training),       cmocka_unit_test(pointnet),
      cmocka_unit_test(bc_transformer), cmocka_unit_test(unet),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
