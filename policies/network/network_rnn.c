// BC-RNN-GMM (Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot
// Manipulation", CoRL 2021): LSTM layers, a perceptron, outputs for every row. Trained on sequences
// from a state of zero; acting, the state is set to zero again after as many rows.
#include <stdio.h>

#include "policies/network/network.h"
#include "policies/nn/init.h"
#include "policies/nn/lstm.h"
#include "policies/nn/mlp.h"

enum { LAYERS = 8 };

typedef struct rnnNetwork {
  loomNetworkDef def;
  int steps, input, layers;                               // rows of a sequence, numbers of a row, LSTM layers
  size_t wi[LAYERS], wh[LAYERS], bi[LAYERS], bh[LAYERS];  // offsets into the parameter blocks
  loomMlp head;
  loomLstmState state[LAYERS];
  // LSTMs want time outermost, (steps x n x ...); samples and their outputs have it inside.
  loomReal *x, *dx, *dy;
  loomReal* outputs;  // (n x steps x output_width)
  loomReal *dh[2], *dc, *dgates;
  int since;  // rows since the state was zero
} rnnNetwork;

static void rnn_declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  rnnNetwork* net = layers;
  int hidden = def->policy.hidden;

  net->def = *def;
  net->steps = def->action_rows;
  net->input = def->stack * def->obs_dim;
  net->layers = def->policy.rnn_layers;

  for (int i = 0; i < net->layers; i++) {
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "rnn.weight_ih_l%d", i);
    net->wi[i] = loom_params_add(params, name, 2, (int[]){4 * hidden, i ? hidden : net->input});
    snprintf(name, sizeof name, "rnn.weight_hh_l%d", i);
    net->wh[i] = loom_params_add(params, name, 2, (int[]){4 * hidden, hidden});
    snprintf(name, sizeof name, "rnn.bias_ih_l%d", i);
    net->bi[i] = loom_params_add(params, name, 1, (int[]){4 * hidden});
    snprintf(name, sizeof name, "rnn.bias_hh_l%d", i);
    net->bh[i] = loom_params_add(params, name, 1, (int[]){4 * hidden});
  }

  loomMlpDef head = {.sizes = {hidden}, .activation = LOOM_ACTIVATION_RELU};
  for (int i = 0; i < def->policy.layers.n && i < LOOM_MLP_LAYERS - 1; i++)
    head.sizes[++head.layers] = def->policy.layers.size[i];
  head.sizes[++head.layers] = def->output_width;
  loom_mlp_declare(&net->head, params, &head, "head.");
}

static void rnn_init(const void* layers, loomParams* params, loomRandom* random) {
  const rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden;

  // PyTorch's LSTM: uniform within 1 / sqrt(hidden).
  double bound = 1 / sqrt((double)hidden);
  for (int i = 0; i < net->layers; i++) {
    size_t input = i ? hidden : (size_t)net->input;
    loom_init_uniform(params->value + net->wi[i], 4 * hidden * input, bound, random);
    loom_init_uniform(params->value + net->wh[i], 4 * hidden * hidden, bound, random);
    loom_init_uniform(params->value + net->bi[i], 4 * hidden, bound, random);
    loom_init_uniform(params->value + net->bh[i], 4 * hidden, bound, random);
  }
  loom_mlp_init(&net->head, params, random);
}

static void rnn_layout(void* layers, loomArena* arena, int n) {
  rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden, steps = n ? (size_t)net->steps : 1,
         rows = n ? (size_t)n : 1;

  // For acting too.
  for (int i = 0; i < net->layers; i++) {
    net->state[i].gates = loom_arena_real(arena, steps * rows * 4 * hidden);
    net->state[i].c = loom_arena_real(arena, (steps + 1) * rows * hidden);
    net->state[i].h = loom_arena_real(arena, (steps + 1) * rows * hidden);
  }
  loom_mlp_layout(&net->head, arena, (int)(steps * rows));

  // For training alone.
  size_t all = n ? steps * rows : 0, width = (size_t)net->def.output_width;
  net->x = loom_arena_real(arena, all * (size_t)net->input);
  net->dx = loom_arena_real(arena, all * (size_t)net->input);
  net->dy = loom_arena_real(arena, all * width);
  net->outputs = loom_arena_real(arena, all * width);
  net->dh[0] = loom_arena_real(arena, all * hidden);
  net->dh[1] = loom_arena_real(arena, all * hidden);
  net->dc = loom_arena_real(arena, (size_t)n * hidden);
  net->dgates = loom_arena_real(arena, all * 4 * hidden);
}

static loomLstmWeights weights(const rnnNetwork* net, const loomReal* value, int i) {
  return (loomLstmWeights){value + net->wi[i], value + net->wh[i], value + net->bi[i], value + net->bh[i]};
}

static loomLstmShape shape(const rnnNetwork* net, int steps, int n, int i) {
  int hidden = net->def.policy.hidden;
  return (loomLstmShape){steps, n, i ? hidden : net->input, hidden};
}

// Observations turned round, so that time is outermost; a row's input is `stack` rows of them.
static void gather_inputs(rnnNetwork* net, const loomSamples* s) {
  const loomNetworkDef* def = &net->def;
  for (ptrdiff_t t = 0; t < net->steps; t++)
    for (ptrdiff_t i = 0; i < s->n; i++)
      memcpy(net->x + (t * s->n + i) * net->input, s->obs + (i * def->obs_rows + t) * def->obs_dim,
             (size_t)net->input * sizeof *net->x);
}

// to (b x a x width) from (a x b x width).
static void swap_axes(loomReal* to, const loomReal* from, ptrdiff_t a, ptrdiff_t b, ptrdiff_t width) {
  for (ptrdiff_t i = 0; i < a; i++)
    for (ptrdiff_t k = 0; k < b; k++)
      memcpy(to + (k * a + i) * width, from + (i * b + k) * width, (size_t)width * sizeof *to);
}

// What LSTM layer i gives for n sequences.
static loomReal* layer_outputs(const rnnNetwork* net, int n, int i) {
  return net->state[i].h + (ptrdiff_t)n * net->def.policy.hidden;
}

// Outputs (steps x n x output_width) of x (steps x n x input), from the state before its first row.
static const loomReal* forward_rows(rnnNetwork* net, const loomParams* params, const loomReal* x, int steps,
                                    int n) {
  for (int i = 0; i < net->layers; i++) {
    loomLstmWeights w = weights(net, params->value, i);
    loomLstmShape s = shape(net, steps, n, i);
    loom_lstm_forward(&net->state[i], i ? layer_outputs(net, n, i - 1) : x, &w, &s);
  }
  return loom_mlp_forward(&net->head, params, layer_outputs(net, n, net->layers - 1), steps * n);
}

// Gradients turned back; a row that several inputs see has the sum.
static void scatter_gradients(const rnnNetwork* net, const loomSamples* s) {
  const loomNetworkDef* def = &net->def;
  memset(s->dobs, 0, (size_t)s->n * (size_t)def->obs_rows * (size_t)def->obs_dim * sizeof *s->dobs);
  for (int t = 0; t < net->steps; t++) {
    for (int i = 0; i < s->n; i++) {
      const loomReal* from = net->dx + ((ptrdiff_t)t * s->n + i) * net->input;
      loomReal* to = s->dobs + ((ptrdiff_t)i * def->obs_rows + t) * def->obs_dim;
      for (int k = 0; k < net->input; k++) to[k] += from[k];
    }
  }
}

static void backward_rows(rnnNetwork* net, loomParams* params, const loomReal* dy, bool dx, int n) {
  int top = net->layers - 1, now = 0;
  loom_mlp_backward(net->dh[now], &net->head, params, dy, layer_outputs(net, n, top), net->steps * n);

  // From the last layer to the first; two buffers take turns.
  for (int i = top; i >= 0; i--, now = !now) {
    loomLstmWeights w = weights(net, params->value, i);
    loomLstmShape s = shape(net, net->steps, n, i);
    loomReal* g = params->gradient;
    loomLstmGradients dw = {g + net->wi[i], g + net->wh[i], g + net->bi[i], g + net->bh[i]};
    loomReal* earlier = i ? net->dh[!now] : dx ? net->dx : NULL;
    loom_lstm_backward(earlier, NULL, net->dc, net->dgates, net->dh[now], &dw, &net->state[i],
                       i ? layer_outputs(net, n, i - 1) : net->x, &w, &s);
  }
}

// State of zero before the first of n sequences' rows.
static void zero_state(rnnNetwork* net, int n) {
  size_t bytes = (size_t)n * (size_t)net->def.policy.hidden * sizeof(loomReal);
  for (int i = 0; i < net->layers; i++) {
    memset(net->state[i].c, 0, bytes);
    memset(net->state[i].h, 0, bytes);
  }
}

static const loomReal* rnn_forward(void* layers, const loomParams* params, const loomSamples* samples,
                                   loomRandom* random) {
  (void)random;
  rnnNetwork* net = layers;
  gather_inputs(net, samples);
  zero_state(net, samples->n);

  const loomReal* y = forward_rows(net, params, net->x, net->steps, samples->n);
  swap_axes(net->outputs, y, net->steps, samples->n, net->def.output_width);
  return net->outputs;
}

static void rnn_backward(void* layers, loomParams* params, const loomSamples* samples,
                         const loomReal* doutputs) {
  rnnNetwork* net = layers;
  swap_axes(net->dy, doutputs, samples->n, net->steps, net->def.output_width);

  backward_rows(net, params, net->dy, samples->dobs != NULL, samples->n);
  if (samples->dobs) scatter_gradients(net, samples);
}

static void rnn_begin(void* layers) {
  rnnNetwork* net = layers;
  zero_state(net, 1);
  net->since = 0;
}

static const loomReal* rnn_decide(void* layers, const loomParams* params, const loomSamples* samples) {
  rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden;
  if (net->since == net->steps) rnn_begin(net);

  const loomReal* y = forward_rows(net, params, samples->obs, 1, 1);

  // The state after this row is the one before the next.
  for (int i = 0; i < net->layers; i++) {
    memcpy(net->state[i].c, net->state[i].c + hidden, hidden * sizeof(loomReal));
    memcpy(net->state[i].h, net->state[i].h + hidden, hidden * sizeof(loomReal));
  }
  net->since++;
  return y;
}

const loomNetworkType loom_network_rnn = {.size = sizeof(rnnNetwork),
                                          .declare = rnn_declare,
                                          .init = rnn_init,
                                          .layout = rnn_layout,
                                          .forward = rnn_forward,
                                          .backward = rnn_backward,
                                          .begin = rnn_begin,
                                          .decide = rnn_decide};
