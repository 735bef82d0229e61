// BC-RNN-GMM (Mandlekar et al., "What Matters in Learning from Offline Human Demonstrations for Robot
// Manipulation", CoRL 2021): LSTM layers, a perceptron, a mixture of Gaussians a row. Trained on sequences
// from a state of zero; acting, the state is set to zero again after as many rows.
#include <stdio.h>

#include "policies/network/network.h"
#include "policies/nn/init.h"
#include "policies/nn/lstm.h"
#include "policies/nn/mlp.h"
#include "policies/objective/loss.h"

enum { LAYERS = 8 };

typedef struct rnnNetwork {
  loomNetworkDef def;
  loomMixtureDef mixture;
  int steps, input, layers;                               // rows of a sequence, numbers of a row, LSTM layers
  size_t wi[LAYERS], wh[LAYERS], bi[LAYERS], bh[LAYERS];  // offsets into the parameter blocks
  loomMlp head;
  loomLstmState state[LAYERS];
  loomReal *x, *dx, *actions, *real;  // time outermost: (steps x n x ...)
  loomReal *dy, *row_loss;
  loomReal *dh[2], *dc, *dgates;
  int since;  // rows since the state was zero
} rnnNetwork;

static void declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  rnnNetwork* net = layers;
  int hidden = def->policy.hidden;
  net->def = *def;
  net->mixture = loom_network_mixture(def);
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
  head.sizes[++head.layers] = loom_mixture_width(&net->mixture);
  loom_mlp_declare(&net->head, params, &head, "head.");
}

static void init(const void* layers, loomParams* params, loomRandom* random) {
  const rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden;
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

static void layout(void* layers, loomArena* arena, int n) {
  rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden, steps = n ? (size_t)net->steps : 1,
         rows = n ? (size_t)n : 1;
  for (int i = 0; i < net->layers; i++) {
    net->state[i].gates = loom_arena_real(arena, steps * rows * 4 * hidden);
    net->state[i].c = loom_arena_real(arena, (steps + 1) * rows * hidden);
    net->state[i].h = loom_arena_real(arena, (steps + 1) * rows * hidden);
  }
  loom_mlp_layout(&net->head, arena, (int)(steps * rows));
  rows = (size_t)n;
  net->x = loom_arena_real(arena, steps * rows * (size_t)net->input);
  net->dx = loom_arena_real(arena, steps * rows * (size_t)net->input);
  net->actions = loom_arena_real(arena, steps * rows * (size_t)net->def.action_dim);
  net->real = loom_arena_real(arena, steps * rows);
  net->dy = loom_arena_real(arena, steps * rows * (size_t)loom_mixture_width(&net->mixture));
  net->row_loss = loom_arena_real(arena, steps * rows);
  net->dh[0] = loom_arena_real(arena, steps * rows * hidden);
  net->dh[1] = loom_arena_real(arena, steps * rows * hidden);
  net->dc = loom_arena_real(arena, rows * hidden);
  net->dgates = loom_arena_real(arena, steps * rows * 4 * hidden);
}

static loomLstmWeights weights(const rnnNetwork* net, const loomReal* value, int i) {
  return (loomLstmWeights){value + net->wi[i], value + net->wh[i], value + net->bi[i], value + net->bh[i]};
}

static loomLstmShape shape(const rnnNetwork* net, int steps, int n, int i) {
  int hidden = net->def.policy.hidden;
  return (loomLstmShape){steps, n, i ? hidden : net->input, hidden};
}

// Samples turned round, so that time is outermost; a row's input is `stack` rows of observations.
static void gather(rnnNetwork* net, const loomSamples* s) {
  const loomNetworkDef* def = &net->def;
  for (int t = 0; t < net->steps; t++) {
    for (int i = 0; i < s->n; i++) {
      ptrdiff_t to = (ptrdiff_t)t * s->n + i, row = (ptrdiff_t)i * def->action_rows + t;
      memcpy(net->x + to * net->input, s->obs + ((ptrdiff_t)i * def->obs_rows + t) * def->obs_dim,
             (size_t)net->input * sizeof *net->x);
      memcpy(net->actions + to * def->action_dim, s->actions + row * def->action_dim,
             (size_t)def->action_dim * sizeof *net->actions);
      net->real[to] = s->real[row];
    }
  }
}

// The outputs of LSTM layer i.
static loomReal* outputs(const rnnNetwork* net, int n, int i) {
  return net->state[i].h + (ptrdiff_t)n * net->def.policy.hidden;
}

static const loomReal* forward(rnnNetwork* net, const loomParams* params, const loomReal* x, int steps,
                               int n) {
  for (int i = 0; i < net->layers; i++) {
    loomLstmWeights w = weights(net, params->value, i);
    loomLstmShape s = shape(net, steps, n, i);
    loom_lstm_forward(&net->state[i], i ? outputs(net, n, i - 1) : x, &w, &s);
  }
  return loom_mlp_forward(&net->head, params, outputs(net, n, net->layers - 1), steps * n);
}

// Gradients turned back; a row that several inputs see has the sum.
static void scatter(const rnnNetwork* net, const loomSamples* s) {
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

static void backward(rnnNetwork* net, loomParams* params, const loomSamples* samples) {
  int top = net->layers - 1, now = 0, n = samples->n;
  loom_mlp_backward(net->dh[now], &net->head, params, net->dy, outputs(net, n, top), net->steps * n);
  for (int i = top; i >= 0; i--, now = !now) {
    loomLstmWeights w = weights(net, params->value, i);
    loomLstmShape s = shape(net, net->steps, n, i);
    loomReal* g = params->gradient;
    loomLstmGradients dw = {g + net->wi[i], g + net->wh[i], g + net->bi[i], g + net->bh[i]};
    loomReal* earlier = i ? net->dh[!now] : samples->dobs ? net->dx : NULL;
    loom_lstm_backward(earlier, NULL, net->dc, net->dgates, net->dh[now], &dw, &net->state[i],
                       i ? outputs(net, n, i - 1) : net->x, &w, &s);
  }
  if (samples->dobs) scatter(net, samples);
}

// State of zero before the first of n sequences' rows.
static void zero_state(rnnNetwork* net, int n) {
  size_t bytes = (size_t)n * (size_t)net->def.policy.hidden * sizeof(loomReal);
  for (int i = 0; i < net->layers; i++) {
    memset(net->state[i].c, 0, bytes);
    memset(net->state[i].h, 0, bytes);
  }
}

static double loss(void* layers, loomParams* params, const loomSamples* samples, loomRandom* random,
                   bool train) {
  (void)random;
  rnnNetwork* net = layers;
  gather(net, samples);
  zero_state(net, samples->n);
  const loomReal* y = forward(net, params, net->x, net->steps, samples->n);
  double loss = loom_mixture_loss(train ? net->dy : NULL, net->row_loss, y, net->actions, net->real,
                                  net->steps * samples->n, &net->mixture);
  if (train) backward(net, params, samples);
  return loss;
}

static void begin(void* layers) {
  rnnNetwork* net = layers;
  zero_state(net, 1);
  net->since = 0;
}

static void decide(loomReal* actions, void* layers, const loomParams* params, const loomReal* obs,
                   loomRandom* random) {
  rnnNetwork* net = layers;
  size_t hidden = (size_t)net->def.policy.hidden;
  if (net->since == net->steps) begin(net);
  const loomReal* y = forward(net, params, obs, 1, 1);
  loom_mixture_sample(actions, y, &net->mixture, true, random);
  for (int i = 0; i < net->layers; i++) {
    memcpy(net->state[i].c, net->state[i].c + hidden, hidden * sizeof(loomReal));
    memcpy(net->state[i].h, net->state[i].h + hidden, hidden * sizeof(loomReal));
  }
  net->since++;
}

const loomNetworkType loom_network_rnn = {.size = sizeof(rnnNetwork),
                                          .declare = declare,
                                          .init = init,
                                          .layout = layout,
                                          .loss = loss,
                                          .begin = begin,
                                          .decide = decide};
