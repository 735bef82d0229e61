// Internal. A network's weights as tensors of a safetensors file, and read again: model.NAME for each
// parameter.
#ifndef LOOM_POLICIES_NETWORK_NETWORK_FILE_H
#define LOOM_POLICIES_NETWORK_NETWORK_FILE_H

#include "policies/network/network.h"
#include "policies/nn/safetensors.h"

enum { LOOM_NETWORK_TENSOR_NAME = LOOM_PARAM_NAME + 8 };

/// One tensor a parameter into tensor (params.count), their names into name (params.count); both point into
/// the network.
void loom_network_tensors(loomSafeTensor* tensor, char (*name)[LOOM_NETWORK_TENSOR_NAME],
                          const loomNetwork* network);
/// Weights from a file named label in messages. LOOM_ERR_FORMAT: one is missing or of another shape.
int loom_network_read(loomNetwork* network, const loomSafetensors* file, const char* label, loomError* err);

#endif
