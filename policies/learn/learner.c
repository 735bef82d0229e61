#include "policies/learn/learner.h"

#include <string.h>

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

int loom_learner_discriminator(loomSafeTensor* out, const loomDiscriminator* d) {
  const loomParams* p = &d->params;
  int n = loom_learner_params(out, p);

  out[n++] = loom_learner_numbers("train.discriminator.first", LOOM_SAFE_F32, p->first, p->total);
  out[n++] = loom_learner_numbers("train.discriminator.second", LOOM_SAFE_F32, p->second, p->total);
  out[n++] = loom_learner_numbers("train.discriminator.steps", LOOM_SAFE_F64, &d->steps, 1);
  if (d->singular)
    out[n++] = loom_learner_numbers("train.discriminator.singular", LOOM_SAFE_F32, d->left[0], d->singular);
  return n;
}

int loom_learner_read(const loomSafeTensor* to, const loomSafetensors* file, const char* path,
                      loomError* err) {
  const loomSafeTensor* from = loom_safetensors_find(file, to->name);
  int64_t count = loom_safe_tensor_count(to);
  if (!from || from->type != to->type || loom_safe_tensor_count(from) != count)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is missing or of another size; it is no checkpoint",
                          path, to->name);

  memcpy((void*)(uintptr_t)to->data, from->data, (size_t)count * (size_t)loom_safe_type_size(to->type));
  return LOOM_OK;
}
