// How a row of outputs is read, shared by distribution.c (log-probability, samples), divergence.c (entropy,
// KL) and loss.c. Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_DISTRIBUTION_INTERNAL_H
#define LOOM_POLICIES_OBJECTIVE_DISTRIBUTION_INTERNAL_H

#include "policies/objective/distribution.h"

/// A mean is squashed * tanh(raw) + (1 - squashed) * raw, a deviation learned * softplus(raw) + least;
/// squashed and learned are 0 or 1, since gcc vectorizes no loop that chooses by what stays the same in it.
typedef struct loomMixtureForm {
  loomReal squashed, learned, least;
} loomMixtureForm;

loomMixtureForm loom_mixture_form(const loomMixtureDef* def);

static inline loomReal loom_mixture_entry_mean(loomReal raw, loomMixtureForm form) {
  return form.squashed * loom_real_tanh(raw) + (1 - form.squashed) * raw;
}
/// Slope of a mean, given the mean, by its raw number: tanh' = 1 - tanh^2.
static inline loomReal loom_mixture_mean_slope(loomReal mean, loomMixtureForm form) {
  return 1 - form.squashed * mean * mean;
}
static inline loomReal loom_mixture_entry_std(loomReal raw, loomMixtureForm form) {
  return form.learned * loom_real_softplus(raw) + form.least;
}
/// Slope of a deviation by its raw number: softplus' is the sigmoid.
static inline loomReal loom_mixture_std_slope(loomReal raw, loomMixtureForm form) {
  return form.learned * loom_real_sigmoid(raw);
}

/// weight (modes), the softmax of logit (modes); one mode has no logits.
void loom_mixture_weights(loomReal* weight, const loomReal* logit, int modes);

/// -log p(action) of one row, and dy (width, may be NULL) is written: its slopes times scale.
loomReal loom_mixture_row_loss(loomReal* dy, const loomReal* y, const loomReal* action, loomReal scale,
                               const loomMixtureDef* def);

#endif
