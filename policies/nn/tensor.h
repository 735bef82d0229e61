// Where a network's numbers live. Parameters are one flat block in the order they were added, and their
// gradients and Adam's two moments are blocks of the same shape (as in llm.c); a list tells which name has
// which part of it. Activations come from an arena that is laid out twice by the same function: once to
// measure, once for good.
#ifndef LOOM_POLICIES_NN_TENSOR_H
#define LOOM_POLICIES_NN_TENSOR_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// An arena whose base is NULL measures: it hands out NULL and counts. `loomArena arena = {0};` makes one.
typedef struct loomArena {
  unsigned char* base;
  size_t size, used;  // bytes
} loomArena;

/// Room for `bytes`, zeroed.
int loom_arena_create(loomArena* arena, size_t bytes, loomError* err);
void loom_arena_destroy(loomArena* arena);
/// The next `count` numbers, on a cache line of their own.
loomReal* loom_arena_real(loomArena* arena, size_t count);
int* loom_arena_int(loomArena* arena, size_t count);

enum { LOOM_PARAM_NAME = 96, LOOM_PARAM_DIMS = 4 };

/// One named tensor, row-major.
typedef struct loomParam {
  char name[LOOM_PARAM_NAME];  // "encoder.0.weight", as PyTorch would call it
  int dims, shape[LOOM_PARAM_DIMS];
  size_t offset, count;  // elements in the blocks
} loomParam;

typedef struct loomParams {
  loomParam* list;
  int count, capacity;
  size_t total;                                 // elements of each block
  bool failed;                                  // an add found no memory or a bad shape; create says so
  loomReal *value, *gradient, *first, *second;  // (total) each; NULL before create
  bool lent;                                    // the blocks are somebody else's to free
} loomParams;

/// Name the next tensor; gives its offset. Name and shape (dims) are checked by create.
size_t loom_params_add(loomParams* params, const char* name, int dims, const int* shape);
/// Allocate the blocks, zeroed, once all tensors are named.
int loom_params_create(loomParams* params, loomError* err);
void loom_params_destroy(loomParams* params);
/// The blocks lie there from now on, where somebody else frees them: (total) each. With `copy` what they hold
/// comes along; else it is what is there.
void loom_params_move(loomParams* params, loomReal* value, loomReal* gradient, loomReal* first,
                      loomReal* second, bool copy);
/// The tensor of that name, or NULL.
const loomParam* loom_params_find(const loomParams* params, const char* name);
void loom_params_zero_gradient(loomParams* params);

LOOM_C_END

#endif
