#include "policies/learn/learner.h"

loomSafeTensor loom_learner_numbers(const char* name, loomSafeType type, const void* data, size_t count) {
  return (loomSafeTensor){.name = name, .type = type, .rank = 1, .shape = {(int64_t)count}, .data = data};
}

int loom_learner_params(loomSafeTensor* out, const loomParams* params) {
  for (int i = 0; i < params->count; i++) {
    const loomParam* q = &params->list[i];
    out[i] = loom_learner_numbers(q->name, LOOM_SAFE_F32, params->value + q->offset, q->count);

    out[i].rank = q->dims;
    for (int k = 0; k < q->dims; k++) out[i].shape[k] = q->shape[k];
  }
  return params->count;
}
