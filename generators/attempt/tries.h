// Numbers of attempts where a start gets several tries: attempt n is try n % tries at start n / tries.
// Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_TRIES_H
#define LOOM_GENERATORS_ATTEMPT_TRIES_H

#include "generators/attempt/attempt.h"

/// Tries that a start gets, at least one.
int loom_attempt_tries(const loomAttemptDef* def);
/// Number of the start (draws of the reset) of an attempt, and which try at it this is, from 0.
uint64_t loom_attempt_start(const loomAttemptDef* def, uint64_t attempt);
int loom_attempt_try(const loomAttemptDef* def, uint64_t attempt);
/// Number of the attempt after this one: the next try at its start where it failed and one is left, else
/// the next start's first. Numbers of tries that are not needed are left out.
uint64_t loom_attempt_next(const loomAttemptDef* def, const loomAttemptResult* result);

#endif
