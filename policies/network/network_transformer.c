// BC-Transformer as robomimic has it (Mandlekar et al., 2021, whose library came to have it later): a causal
// transformer over the rows seen, a row of outputs for each of the last `length` of them. With its defaults,
// a `stack` of 10 and a `length` of 1, only the newest row's action is learned (`supervise_all_steps: false`
// there); a stack of 1 and a length of 10 learn all ten rows' (`true`). Acting, it sees as many rows as
// while training and gives the newest one's action.
#include "policies/network/network.h"
#include "policies/nn/mlp.h"
#include "policies/nn/transformer.h"

typedef struct transformerNetwork {
  loomNetworkDef def;
  loomTransformer transformer;
  loomMlp head;
  loomReal *taught, *dtaught;  // (n x action_rows x width): the rows that have outputs
  loomReal* dfeatures;         // (n x obs_rows x width)
} transformerNetwork;

static void transformer_declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  transformerNetwork* net = layers;
  const loomNetworkConfig* policy = &def->policy;
  net->def = *def;

  loomTransformerDef transformer = {.input = def->obs_dim,
                                    .length = def->obs_rows,
                                    .width = policy->width,
                                    .blocks = policy->blocks,
                                    .heads = policy->heads,
                                    .dropout = policy->dropout};
  loom_transformer_declare(&net->transformer, params, &transformer, "transformer.");

  loomMlpDef head = {.layers = 1, .sizes = {policy->width, def->output_width}};
  loom_mlp_declare(&net->head, params, &head, "head.");
}

static void transformer_init(const void* layers, loomParams* params, loomRandom* random) {
  const transformerNetwork* net = layers;
  loom_transformer_init(&net->transformer, params, random);
  loom_mlp_init(&net->head, params, random);
}

static void transformer_layout(void* layers, loomArena* arena, int n) {
  transformerNetwork* net = layers;
  size_t width = (size_t)net->def.policy.width, taught = (size_t)n * (size_t)net->def.action_rows;

  loom_transformer_layout(&net->transformer, arena, n ? n : 1, n > 0);
  loom_mlp_layout(&net->head, arena, n ? (int)taught : 1);
  net->taught = loom_arena_real(arena, taught * width);
  net->dtaught = loom_arena_real(arena, taught * width);
  net->dfeatures = loom_arena_real(arena, (size_t)n * (size_t)net->def.obs_rows * width);
}

// The last action_rows of each sample's rows: how many numbers they are, and where they begin in them.
static size_t taught_count(const transformerNetwork* net) {
  return (size_t)net->def.action_rows * (size_t)net->def.policy.width;
}
static size_t sample_count(const transformerNetwork* net) {
  return (size_t)net->def.obs_rows * (size_t)net->def.policy.width;
}

static const loomReal* transformer_forward(void* layers, const loomParams* params, const loomSamples* samples,
                                           loomRandom* random) {
  transformerNetwork* net = layers;
  size_t n = (size_t)samples->n, taught = taught_count(net), all = sample_count(net);
  const loomReal* features =
      loom_transformer_forward(&net->transformer, params, samples->obs, samples->n, random);

  for (size_t i = 0; i < n; i++)
    memcpy(net->taught + i * taught, features + (i + 1) * all - taught, taught * sizeof *features);
  return loom_mlp_forward(&net->head, params, net->taught, samples->n * net->def.action_rows);
}

static void transformer_backward(void* layers, loomParams* params, const loomSamples* samples,
                                 const loomReal* doutputs) {
  transformerNetwork* net = layers;
  size_t n = (size_t)samples->n, taught = taught_count(net), all = sample_count(net);
  loom_mlp_backward(net->dtaught, &net->head, params, doutputs, net->taught,
                    samples->n * net->def.action_rows);

  // Earlier rows have no outputs of their own; attention alone carries gradients to them.
  memset(net->dfeatures, 0, n * all * sizeof *net->dfeatures);
  for (size_t i = 0; i < n; i++)
    memcpy(net->dfeatures + (i + 1) * all - taught, net->dtaught + i * taught, taught * sizeof *net->dtaught);

  loom_transformer_backward(samples->dobs, &net->transformer, params, net->dfeatures, samples->obs,
                            samples->n);
}

// Only the newest row goes through the head.
static const loomReal* transformer_decide(void* layers, const loomParams* params,
                                          const loomSamples* samples) {
  transformerNetwork* net = layers;
  const loomReal* features = loom_transformer_forward(&net->transformer, params, samples->obs, 1, NULL);
  const loomReal* newest = features + sample_count(net) - net->def.policy.width;
  return loom_mlp_forward(&net->head, params, newest, 1);
}

const loomNetworkType loom_network_transformer = {.size = sizeof(transformerNetwork),
                                                  .declare = transformer_declare,
                                                  .init = transformer_init,
                                                  .layout = transformer_layout,
                                                  .forward = transformer_forward,
                                                  .backward = transformer_backward,
                                                  .decide = transformer_decide};
