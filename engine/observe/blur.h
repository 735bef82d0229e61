// Internal. What is seen of an episode that is disturbed (engine/sim/disturb.h): numbers late, with noise,
// or not at all; then the last ones once more.
#ifndef LOOM_ENGINE_OBSERVE_BLUR_H
#define LOOM_ENGINE_OBSERVE_BLUR_H

#include "engine/observe/observer.h"
#include "engine/sim/disturb.h"

/// Start with {0}.
typedef struct loomBlur {
  int dim;
  int steps;      // control steps up to the last that was seen; -1 = none
  double* rows;   // (LOOM_DISTURB_LATE x dim) by control step
  double* shown;  // (dim) what was seen last
} loomBlur;

/// Before the first look at an episode that has just begun. LOOM_ERR_FORMAT, with file and line, for a key
/// that the set names and the observer (n keys of dim numbers) does not have; LOOM_ERR_MEMORY.
int loom_blur_begin(loomBlur* blur, const loomObsKey* key, int n, int dim, const loomEpisode* episode,
                    loomError* err);
void loom_blur_destroy(loomBlur* blur);
/// row (dim) as it is becomes row as it is seen. What is late needs a look at every control step
/// (loom_observer_must_look).
void loom_blur_see(double* row, loomBlur* blur, const loomObsKey* key, int n, const loomEpisode* episode);

#endif
