#include "generators/attempt/tries.h"

int loom_attempt_tries(const loomAttemptDef* def) {
  return def->tries > 1 ? def->tries : 1;
}

uint64_t loom_attempt_start(const loomAttemptDef* def, uint64_t attempt) {
  return attempt / (uint64_t)loom_attempt_tries(def);
}

int loom_attempt_try(const loomAttemptDef* def, uint64_t attempt) {
  return (int)(attempt % (uint64_t)loom_attempt_tries(def));
}

uint64_t loom_attempt_next(const loomAttemptDef* def, const loomAttemptResult* r) {
  if (r->outcome != LOOM_OUTCOME_SUCCESS) return r->attempt + 1;

  // Tries that are left are not needed.
  return (loom_attempt_start(def, r->attempt) + 1) * (uint64_t)loom_attempt_tries(def);
}
