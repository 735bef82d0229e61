// Which of the ways in which a source demo was cleaned makes the most demos, and whether more than the demo
// itself. Internal.
#ifndef LOOM_GENERATORS_RUN_CLEAN_CHOOSE_H
#define LOOM_GENERATORS_RUN_CLEAN_CHOOSE_H

#include "generators/run/generate.h"
#include "generators/source/clean.h"

LOOM_C_BEGIN

/// *best: number of the try whose attempts succeed most, or -1 for the demo as it was recorded, which stays
/// where nothing is better. screening: what it took, source 0 being the recorded demo; free with
/// loom_screening_destroy. scene is the task's, and `set` gives what its attempts need beside the demo. A
/// function of these and def->attempt alone. Stopped by def->stop it says so in screening->stopped.
int loom_clean_choose(int* best, loomScreening* screening, const loomScene* scene, const loomSourceSet* set,
                      const loomReplay* recorded, const loomCleaned* cleaned, const loomGenerateDef* def,
                      loomError* err);

LOOM_C_END

#endif
