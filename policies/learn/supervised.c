#include "policies/learn/supervised.h"

double loom_supervised_loss(loomNetwork* network, loomObjective* objective, const loomSamples* samples,
                            uint64_t seed, uint64_t step, bool train) {
  // A denoiser's noise has dropout's stream; no denoiser has dropout.
  loomRandom noise = loom_random(seed, step, LOOM_PURPOSE_DROPOUT);
  loom_objective_begin(objective, samples->actions, samples->n, &noise);

  loomSamples inputs = *samples;
  inputs.noisy = objective->noisy;
  inputs.noise_step = objective->noise_step;
  const loomReal* outputs = loom_network_forward(network, &inputs, seed, step, train);

  double loss = loom_objective_loss(objective, outputs, samples->actions, samples->real, samples->n, train);
  if (!train) return loss;

  loom_params_zero_gradient(&network->params);
  loom_network_backward(network, &inputs, objective->doutputs);
  return loss;
}
