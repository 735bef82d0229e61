// All that a learner goes on from, as one number.
#ifndef LOOM_TESTS_POLICIES_LEARN_LEARNER_HASH_H
#define LOOM_TESTS_POLICIES_LEARN_LEARNER_HASH_H

#include "engine/base/hash.h"
#include "policies/learn/learner.h"

static inline uint64_t hash_learner(loomLearner* l) {
  static loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  int acting, n = l->tensors(tensor, &acting, l->self);
  uint64_t hash = LOOM_HASH_SEED;
  l->freeze(l->self);

  for (int i = 0; i < n; i++)
    hash =
        loom_hash(hash, tensor[i].data,
                  (size_t)loom_safe_tensor_count(&tensor[i]) * (size_t)loom_safe_type_size(tensor[i].type));
  return hash;
}

#endif
