#include "generators/attempt/tries.h"

static uint64_t tries_of(const loomAttemptDef* def) {
  return def->tries > 1 ? (uint64_t)def->tries : 1;
}

uint64_t loom_attempt_start(const loomAttemptDef* def, uint64_t attempt) {
  return attempt / tries_of(def);
}

int loom_attempt_try(const loomAttemptDef* def, uint64_t attempt) {
  return (int)(attempt % tries_of(def));
}

uint64_t loom_attempt_next(const loomAttemptDef* def, const loomAttemptResult* r) {
  if (r->outcome != LOOM_OUTCOME_SUCCESS) return r->attempt + 1;

  // Tries that are left are not needed.
  return (loom_attempt_start(def, r->attempt) + 1) * tries_of(def);
}
