// Which source demos are best: attempts of each alone, before a run of those that did best. Internal.
#ifndef LOOM_GENERATORS_RUN_SCREEN_H
#define LOOM_GENERATORS_RUN_SCREEN_H

#include "generators/run/generate.h"

/// Attempts of each source in a round. All sources of a round meet the same starts.
enum { LOOM_SCREEN_ATTEMPTS = 3 };

/// Room for n sources, nothing tried yet. Free with loom_screening_destroy.
int loom_screening_create(loomScreening* out, int n, loomError* err);
void loom_screening_destroy(loomScreening* screening);

/// One round's end: of the sources kept so far the half with the most successes stays, `least` at least; of
/// as good ones the first.
void loom_screening_halve(loomScreening* screening, int least);

/// Of those kept first the one that came through most of its attempts; of as good ones as they were.
void loom_screening_order(loomScreening* screening);

/// Rounds of attempts until def->best_sources are kept (successive halving), the best of them first. A
/// function of the scene, the sources, def->attempt and def->best_sources alone, on any number of threads.
/// Stopped by def->stop it says so in out->stopped. Errors: those of attempts.
int loom_screen_sources(loomScreening* out, const loomScene* scene, const loomSourceSet* sources,
                        const loomGenerateDef* def, loomError* err);

/// The kept ones of the sources, as a set of their own whose replays are the others'. Free set->replay only.
int loom_screening_pick(loomSourceSet* set, const loomScreening* screening, const loomSourceSet* sources,
                        loomError* err);

#endif
