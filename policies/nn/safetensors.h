// Named tensors in one file, in the safetensors format (github.com/huggingface/safetensors, "Format"): 8
// bytes of header length (little-endian), a JSON header, then the tensors' bytes without gaps. Python reads
// what is written here, and the other way round.
#ifndef LOOM_POLICIES_NN_SAFETENSORS_H
#define LOOM_POLICIES_NN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "policies/nn/tensor.h"

LOOM_C_BEGIN

enum { LOOM_SAFE_RANK_MAX = 8 };

typedef enum loomSafeType {
  LOOM_SAFE_F64,
  LOOM_SAFE_F32,
  LOOM_SAFE_F16,   // IEEE half, as bits
  LOOM_SAFE_BF16,  // as bits
  LOOM_SAFE_I64,
  LOOM_SAFE_I32,
  LOOM_SAFE_I16,
  LOOM_SAFE_I8,
  LOOM_SAFE_U8,
  LOOM_SAFE_BOOL,
  LOOM_SAFE_TYPES,
} loomSafeType;

const char* loom_safe_type_name(loomSafeType type);  // "F32"
int64_t loom_safe_type_size(loomSafeType type);      // bytes of one element

typedef struct loomSafeTensor {
  const char* name;  // UTF-8, not "__metadata__"
  loomSafeType type;
  int rank;                           // 0 (a single number) .. LOOM_SAFE_RANK_MAX
  int64_t shape[LOOM_SAFE_RANK_MAX];  // entries may be 0
  const void* data;                   // (shape), row-major; what was read is aligned to 64 bytes
} loomSafeTensor;

/// One entry of the header's `__metadata__`.
typedef struct loomSafeMeta {
  const char *key, *text;
} loomSafeMeta;

/// What a file holds. Free with loom_safetensors_destroy.
typedef struct loomSafetensors {
  int n, nmeta;
  loomSafeTensor* tensor;  // (n) in the header's order
  loomSafeMeta* meta;      // (nmeta)
  void* header;            // owns the names
  void* block;             // owns the data
} loomSafetensors;

/// Write n tensors atomically (engine/base/file.h): after return 0 it survives a crash, on an
/// error nothing is left behind. The same input gives the same bytes. LOOM_ERR_USAGE: a name given twice or
/// not UTF-8.
int loom_safetensors_write(const char* path, const loomSafeTensor* tensor, int n, const loomSafeMeta* meta,
                           int nmeta, loomError* err);

/// Read and check a file as strictly as the format is defined. LOOM_ERR_IO, LOOM_ERR_FORMAT (cut short,
/// offsets that overlap, leave gaps or do not fit the shape, duplicate names, not UTF-8),
/// LOOM_ERR_UNSUPPORTED (a type or rank this build does not know).
int loom_safetensors_read(loomSafetensors* out, const char* path, loomError* err);
/// The same from bytes in memory, named label in messages. The bytes are copied.
int loom_safetensors_parse(loomSafetensors* out, const void* bytes, size_t size, const char* label,
                           loomError* err);
void loom_safetensors_destroy(loomSafetensors* file);

/// The tensor of that name, or NULL.
const loomSafeTensor* loom_safetensors_find(const loomSafetensors* file, const char* name);
/// Its data, where it is of that type and has so many elements, or NULL.
const void* loom_safetensors_data(const loomSafetensors* file, const char* name, loomSafeType type,
                                  int64_t count);
/// The metadata entry of that key, or NULL.
const char* loom_safetensors_meta(const loomSafetensors* file, const char* key);
/// Elements of a tensor.
int64_t loom_safe_tensor_count(const loomSafeTensor* tensor);
/// Tensor i of a network as one of a file, by a name that stays the caller's.
loomSafeTensor loom_safe_param(const char* name, const loomParams* params, int i);

LOOM_C_END

#endif
