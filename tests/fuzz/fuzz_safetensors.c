// Any bytes as a safetensors file: errors are fine; crashes, leaks, reads past the end, endless work and
// messages of several lines are not. What is accepted must come back the same when its data is summed up by
// shape.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policies/nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  loomSafetensors file;
  loomError err = {0, ""};
  int code = loom_safetensors_parse(&file, data, size, "fuzz", &err);
  if (code > 0 || (code < 0 && (!err.message[0] || strchr(err.message, '\n')))) abort();
  if (code) return 0;

  // Each byte is read, so that a sanitizer sees one that is not the file's.
  uint64_t bytes = 0, sum = 0;
  for (int i = 0; i < file.n; i++) {
    const loomSafeTensor* t = &file.tensor[i];
    uint64_t n = (uint64_t)loom_safe_tensor_count(t) * (uint64_t)loom_safe_type_size(t->type);
    for (uint64_t k = 0; k < n; k++) sum += ((const uint8_t*)t->data)[k];
    if (loom_safetensors_find(&file, t->name) != t) abort();
    bytes += n;
  }

  // No tensor overlaps another.
  if (bytes > size || sum > 255 * bytes) abort();
  loom_safetensors_destroy(&file);
  return 0;
}
