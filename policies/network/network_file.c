#include "policies/network/network_file.h"

#include <stdio.h>

static void weight_tensor(loomSafeTensor* out, char name[LOOM_NETWORK_TENSOR_NAME],
                          const loomNetwork* network, int i) {
  snprintf(name, LOOM_NETWORK_TENSOR_NAME, "model.%s", network->params.list[i].name);
  *out = loom_safe_param(name, &network->params, i);
}

void loom_network_tensors(loomSafeTensor* tensor, char (*name)[LOOM_NETWORK_TENSOR_NAME],
                          const loomNetwork* network) {
  for (int i = 0; i < network->params.count; i++) weight_tensor(&tensor[i], name[i], network, i);
}

int loom_network_read(loomNetwork* network, const loomSafetensors* file, const char* label, loomError* err) {
  const loomParams* params = &network->params;

  for (int i = 0; i < params->count; i++) {
    loomSafeTensor wanted;
    char name[LOOM_NETWORK_TENSOR_NAME];
    weight_tensor(&wanted, name, network, i);
    const loomSafeTensor* found = loom_safetensors_find(file, name);
    if (!found) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%s' is missing", label, name);

    bool fits = found->type == LOOM_SAFE_F32 && found->rank == wanted.rank;
    for (int k = 0; fits && k < wanted.rank; k++) fits = found->shape[k] == wanted.shape[k];
    if (!fits)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: tensor '%s' has not the shape that its configuration says", label, name);

    memcpy(params->value + params->list[i].offset, found->data, params->list[i].count * sizeof(loomReal));
  }
  return LOOM_OK;
}
