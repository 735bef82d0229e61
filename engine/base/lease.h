// Leases on pieces of work in a folder that several processes and machines share: whoever holds one beats,
// and once it has not beaten for a while the piece is another's. No server and no database; only what POSIX
// and NFS give:
//
// - A lease is a file FOLDER/NAME.GENERATION. It is taken by creating the next generation with O_EXCL,
//   which one process alone can (atomic on local disks, on NFS from version 3 on, Lustre, GPFS, CephFS). So
//   two that find the same lease expired cannot both take it, and a generation is never given twice.
// - A beat sets the file's time to "now", which a network file system's server does by its own clock, and
//   ages are told against a file touched the same way: the machines' own clocks are never looked at. Files
//   are opened before their times are read (NFS's close-to-open consistency), so that no cached time is
//   believed.
// - The file is locked (flock) by its holder and whoever that has forked. Where locks are known this tells,
//   on the same machine, at once that a holder is gone; a lock alone keeps nobody out, since some file
//   systems know none, and some tell other machines nothing.
//
// What this cannot do: a holder that has lost its lease learns it when it looks (loom_lease_is_held), not
// in the middle of a write. So what is written under a lease should be whole files put in place by rename,
// the same whoever writes them. Internal.
#ifndef LOOM_ENGINE_BASE_LEASE_H
#define LOOM_ENGINE_BASE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

typedef struct loomLeaseDef {
  const char* folder;  // of leases; made if need be
  const char* name;    // of what is taken, letters, digits, - and _, at most 64
  double beat;  // s: the holder calls loom_lease_beat at least twice in that time. Others take the lease once
                // it is 1.25 beats old
} loomLeaseDef;

typedef enum loomLeaseTaken {
  LOOM_LEASE_NOT,     // somebody holds it
  LOOM_LEASE_NEW,     // nobody did
  LOOM_LEASE_GONE,    // its holder was on this machine, and is no more
  LOOM_LEASE_EXPIRED  // its holder has not beaten for too long, and may still be somewhere: let it notice for
                      // a quarter of a beat before anything is written
} loomLeaseTaken;

/// A lease that is held, or zeroed.
typedef struct loomLease {
  int file;                                                 // locked
  char path[LOOM_PATH_MAX + 96], next[LOOM_PATH_MAX + 96];  // its file, and that of whoever takes it
  char holder[160];                                         // what the file says
} loomLease;

/// Take it, if it can be taken: *taken says how it came. LOOM_ERR_IO where the folder cannot be written to.
/// The lease is to stay at its place in memory for as long as others look at it.
int loom_lease_take(loomLease* out, loomLeaseTaken* taken, const loomLeaseDef* def, loomError* err);
/// Still here. False: it is another's now; what is done under it must stop before it writes anything.
bool loom_lease_beat(const loomLease* lease);
/// Whether it is still ours. Async-signal-safe, and for forked children too.
bool loom_lease_is_held(const loomLease* lease);
/// Let others have it, if it is still ours. Takes a zeroed one.
void loom_lease_release(loomLease* lease);
/// Let go of it, and leave no file: what it was for is done, which others find out before they begin it once
/// more. Takes a zeroed one.
void loom_lease_end(loomLease* lease);
/// Whether it seems to be somebody's: a quick look before loom_lease_take. He may be gone.
bool loom_lease_seems_taken(const loomLeaseDef* def);

#endif
