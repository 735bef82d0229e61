#include "policies/nn/tensor.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE = 64 };  // bytes of a cache line, and of an AVX-512 register

static size_t round_up(size_t bytes) {
  return (bytes + LINE - 1) / LINE * LINE;
}

int loom_arena_create(loomArena* arena, size_t bytes, loomError* err) {
  *arena = (loomArena){NULL, round_up(bytes ? bytes : 1), 0};

  arena->base = aligned_alloc(LINE, arena->size);
  if (!arena->base)
    return loom_error_set(err, LOOM_ERR_MEMORY,
                          "no memory for %zu bytes of activations; take a smaller batch", bytes);

  memset(arena->base, 0, arena->size);
  return LOOM_OK;
}

void loom_arena_destroy(loomArena* arena) {
  if (!arena) return;
  free(arena->base);
  *arena = (loomArena){0};
}

static void* take_bytes(loomArena* arena, size_t bytes) {
  void* at = arena->base && arena->used + bytes <= arena->size ? arena->base + arena->used : NULL;

  // Measuring counts all the same.
  arena->used += round_up(bytes);
  return at;
}

loomReal* loom_arena_real(loomArena* arena, size_t count) {
  return take_bytes(arena, count * sizeof(loomReal));
}

int* loom_arena_int(loomArena* arena, size_t count) {
  return take_bytes(arena, count * sizeof(int));
}

static bool grow(loomParams* params) {
  if (params->count < params->capacity) return true;

  int capacity = params->capacity ? 2 * params->capacity : 32;
  loomParam* list = realloc(params->list, (size_t)capacity * sizeof *list);
  if (!list) return false;

  params->list = list;
  params->capacity = capacity;
  return true;
}

size_t loom_params_add(loomParams* params, const char* name, int dims, const int* shape) {
  size_t offset = params->total;

  // Told by loom_params_create, so that layers can be declared without a check each.
  if (dims < 1 || dims > LOOM_PARAM_DIMS || strlen(name) >= LOOM_PARAM_NAME || !grow(params)) {
    params->failed = true;
    return offset;
  }

  loomParam* p = &params->list[params->count++];
  *p = (loomParam){.dims = dims, .offset = offset, .count = 1};
  snprintf(p->name, sizeof p->name, "%s", name);

  for (int i = 0; i < dims; i++) {
    if (shape[i] < 1) params->failed = true;
    p->shape[i] = shape[i];
    p->count *= (size_t)shape[i];
  }

  params->total += p->count;
  return offset;
}

int loom_params_create(loomParams* params, loomError* err) {
  if (params->failed)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a network's layers have a size below 1, a name over %d bytes or found no memory",
                          LOOM_PARAM_NAME - 1);

  for (int i = 0; i < params->count; i++)
    if (loom_params_find(params, params->list[i].name) != &params->list[i])
      return loom_error_set(err, LOOM_ERR_USAGE, "two parameters are named %s", params->list[i].name);

  // The four blocks are one allocation, each on a cache line of its own.
  size_t block = round_up(params->total * sizeof(loomReal)) / sizeof(loomReal);
  size_t bytes = block ? 4 * block * sizeof(loomReal) : LINE;

  params->value = aligned_alloc(LINE, bytes);
  if (!params->value)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %zu parameters; take a smaller network",
                          params->total);

  memset(params->value, 0, bytes);
  params->gradient = params->value + block;
  params->first = params->gradient + block;
  params->second = params->first + block;
  return LOOM_OK;
}

void loom_params_destroy(loomParams* params) {
  if (!params) return;
  if (!params->lent) free(params->value);
  free(params->list);
  *params = (loomParams){0};
}

void loom_params_move(loomParams* params, loomReal* value, loomReal* gradient, loomReal* first,
                      loomReal* second, bool copy) {
  loomReal* const to[] = {value, gradient, first, second};
  loomReal* const from[] = {params->value, params->gradient, params->first, params->second};
  for (int i = 0; copy && i < 4; i++) memcpy(to[i], from[i], params->total * sizeof(loomReal));

  if (!params->lent) free(params->value);
  params->value = value;
  params->gradient = gradient;
  params->first = first;
  params->second = second;
  params->lent = true;
}

const loomParam* loom_params_find(const loomParams* params, const char* name) {
  for (int i = 0; i < params->count; i++)
    if (!strcmp(params->list[i].name, name)) return &params->list[i];
  return NULL;
}

void loom_params_zero_gradient(loomParams* params) {
  memset(params->gradient, 0, params->total * sizeof(loomReal));
}
