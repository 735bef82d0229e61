// Locks on files between processes: a lock is a file that whoever works on a thing holds, and that goes with
// it. Internal.
#ifndef LOOM_ENGINE_BASE_LOCK_H
#define LOOM_ENGINE_BASE_LOCK_H

#include <stdbool.h>

/// Create the file `path`, unless it is there, and lock it. Waits half a second for the last children of a
/// killed run. Returns 0 and the lock's descriptor, EWOULDBLOCK when another run holds it, or another errno.
int loom_lock_take(int* lock, const char* path);
/// Remove the file and let go of it. Takes -1.
void loom_lock_drop(int lock, const char* path);

/// A lock that several processes share. *alone: nobody else has it, and nobody else gets it until
/// loom_lock_share. Returns as loom_lock_take, which it keeps out, and which keeps it out.
int loom_lock_join(int* lock, bool* alone, const char* path);
/// Let others join.
void loom_lock_share(int lock);
/// Whether nobody else has such a lock: then it is ours alone, else we have lost it. Of those who ask, one
/// is the last.
bool loom_lock_is_last(int lock);
/// Let go of it; whoever is the last removes the file. Takes -1.
void loom_lock_leave(int lock, const char* path);

/// The same of a file that is to be written: made anew, empty; what a killed run left there is removed and
/// links are not followed. Returns 0 and a descriptor open for writing, or an errno as above.
int loom_lock_create(int* file, const char* path);

/// Keep other programs from opening a file to write to it for as long as *lock is open, as HDF5 does: readers
/// are not kept out. Returns 0 (*lock may be -1 where a file system knows no locks), or EWOULDBLOCK when
/// another program has it open for writing.
int loom_lock_against_writers(int* lock, const char* path);
/// Does another program have the file behind such a lock open for writing?
bool loom_lock_has_writers(int lock);

#endif
