// Work that several processes share out among themselves, on one machine or many: pieces by name in a folder
// that all see. Whoever holds a piece's lease (engine/base/lease.h, in FOLDER/leases) makes it, and leaves
// what came of it in a file of its own. A piece is a pure function of what it is called and of what was there
// before, so whoever makes it makes the same, and one that is made twice does no harm. Files are put in place
// by a rename and survive kill -9 and power cuts; one that is damaged is told, and its piece made again.
// Internal.
#ifndef LOOM_ENGINE_BASE_SHARE_H
#define LOOM_ENGINE_BASE_SHARE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

#define LOOM_SHARE_LEASES "leases"  // the folder in the folder
#define LOOM_SHARE_NOW "now-*"      // what else lies there for a moment

typedef struct loomShare loomShare;

typedef struct loomShareDef {
  const char* folder;                                // of the run
  bool alone;                                        // nobody else is at work: no leases
  double beat;                                       // s (loomLeaseDef)
  int workers;                                       // of this process: each has one piece in hand at most
  void (*tell)(const char* path, const char* what);  // of a file that is damaged; may be NULL
} loomShareDef;

/// Errors: LOOM_ERR_MEMORY, LOOM_ERR_IO.
int loom_share_open(loomShare** out, const loomShareDef* def, loomError* err);
/// Leases that are held go back. Takes NULL.
void loom_share_close(loomShare* share);
/// Is there a file of a name that begins so in the folder?
bool loom_share_left(const char* folder, const char* begins);

// ---- leases

/// Does somebody seem to be at it? A quick look; he may be gone.
bool loom_share_seems_taken(const loomShare* share, const char* name);
/// Take the piece for a worker (0 .. workers - 1) that has none. Others may have made it since it was looked
/// for.
int loom_share_take(bool* taken, loomShare* share, int worker, const char* name, loomError* err);
/// The worker lets go of what it has: `done`, or for others to make.
void loom_share_give(loomShare* share, int worker, bool done);

// ---- files

/// What kind of bytes a file has; another layout's are never taken for ours.
typedef struct loomShareKind {
  const char* name;  // "start"
  uint64_t layout;   // a digest
} loomShareKind;

/// What a worker has made, for all to see.
int loom_share_write(const loomShare* share, int worker, const char* name, const loomShareKind* kind,
                     const void* bytes, size_t n, loomError* err);
/// What somebody has made of it, malloc'ed; NULL where nobody has yet, or where what is there is damaged,
/// which is told.
int loom_share_read(char** bytes, size_t* n, const loomShare* share, const char* name,
                    const loomShareKind* kind, loomError* err);
/// Tell of a file what is wrong with it, and remove it: its piece is made again.
void loom_share_refuse(const loomShare* share, const char* name, const char* wrong);

/// Where a worker writes what is to lie at `place`, and that it has been written.
void loom_share_draft(char path[LOOM_PATH_MAX], const loomShare* share, int worker, const char* place);
int loom_share_put(const char* draft, const char* place, loomError* err);

// ---- all pieces, or one

/// Pieces 0 .. n - 1, all of which are to be made.
typedef struct loomShareRun {
  loomShare* share;
  const char* name;  // a piece's: NAME-00000012
  int n;
  void* user;
  /// Is it there? Then it is taken into account here, once. Called by several workers at once, for different
  /// pieces.
  int (*look)(bool* known, void* user, int i, loomError* err);
  const volatile sig_atomic_t* stop;  // may be NULL

  // Its own.
  bool* known;    // (n)
  bool ask;       // this round asks for leases that others have
  double looked;  // when that was done last
  int missing;    // pieces that are not known yet
  int found;      // of this round
} loomShareRun;

/// Call `round` until all pieces are known, or `stop` is set: it goes through all of them, in order, makes
/// those that loom_share_begin gives to it, and ends each with loom_share_end. What others have in hand is
/// waited for, and taken from whoever is gone.
int loom_share_rounds(loomShareRun* run, int (*round)(void* user, loomError* err), loomError* err);
/// *mine: it is for this worker to make.
int loom_share_begin(bool* mine, loomShareRun* run, int worker, int i, loomError* err);
/// The worker has made it, and what came of it is written; or not, and others may.
void loom_share_end(loomShareRun* run, int worker, int i, bool done);

/// What one process does for all: whether it is done, and how.
typedef struct loomShareOnce {
  const char* name;  // its lease's
  int worker;        // that holds it
  void* user;
  bool (*is_done)(void* user);
  int (*make)(void* user, loomError* err);
  const volatile sig_atomic_t* stop;  // may be NULL
} loomShareOnce;

/// Make it, or wait until another process has, and take its place where it is gone. *made: this one did.
/// LOOM_OK also after `stop`.
int loom_share_once(bool* made, loomShare* share, const loomShareOnce* once, loomError* err);

#endif
