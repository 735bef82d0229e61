// What runs that make demos have in common: what decides their demos, as text that a later run is compared
// with, and when they give up. Internal.
#ifndef LOOM_GENERATORS_RUN_SETTINGS_H
#define LOOM_GENERATORS_RUN_SETTINGS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/scene/scene.h"

/// Attempts of which one succeeds at least, unless a limit of failures is given; else a run gives up.
enum { LOOM_HOPELESS = 200 };

/// What decides the demos of any command: itself, versions, task and scene (NULL: not known yet) by content,
/// reset distribution (its number) and seed; an entry each, so that the line of a difference names it. To be
/// added to; free with cJSON_Delete.
cJSON* loom_settings_begin(const char* command, const loomTask* task, const loomScene* scene, int reset,
                           uint64_t seed);
/// A content, as its hash.
void loom_settings_add_digest(cJSON* settings, const char* name, uint64_t digest);

/// Whether a run is to end for its failures: `most` of them (0 = no limit), or all of the first `hopeless` (0
/// = never) attempts. Attempts are counted in the order of their numbers, so any number of threads gives up
/// after the same one.
bool loom_gives_up(int64_t attempts, int64_t successes, int64_t most, int64_t hopeless);

#endif
