// Leases that workers hold, kept by a thread that beats while they work. Internal.
#ifndef LOOM_ENGINE_BASE_KEEPER_H
#define LOOM_ENGINE_BASE_KEEPER_H

#include "engine/base/lease.h"

typedef struct loomKeeper loomKeeper;

/// For n workers, each of which holds one lease at a time. folder and beat as in loomLeaseDef; the folder's
/// name is copied. LOOM_ERR_MEMORY.
int loom_keeper_create(loomKeeper** out, const char* folder, double beat, int n, loomError* err);
/// Leases that are held still are released. Takes NULL.
void loom_keeper_destroy(loomKeeper* keeper);

/// Take one for a worker that holds none; *taken as loom_lease_take.
int loom_keeper_take(loomKeeper* keeper, loomLeaseTaken* taken, int worker, const char* name, loomError* err);
/// Whether it seems to be somebody's (loom_lease_seems_taken).
bool loom_keeper_seems_taken(const loomKeeper* keeper, const char* name);
/// Let go of a worker's lease: `done` what it was for (loom_lease_end), else others may have it.
void loom_keeper_give(loomKeeper* keeper, int worker, bool done);

#endif
