// Demos as somebody sees them who only watches: rows of poses of objects and of pictures, without actions.
// Whatever a dataset has of them will do; nothing else in it is looked at. Films will do as well, and
// folders of pictures.
#ifndef LOOM_POLICIES_DATA_WATCHED_H
#define LOOM_POLICIES_DATA_WATCHED_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/observe/observer.h"

LOOM_C_BEGIN

enum { LOOM_WATCHED_KEYS = 24 };
#define LOOM_WATCHED_BYTES 4e9  // of all rows, at most

typedef struct loomWatchedDemo {
  loomName name;
  int rows;
  float* low;                                 // (rows x low)
  unsigned char* picture[LOOM_WATCHED_KEYS];  // (rows x height x width x 3) of each picture
  loomName context, pair;  // attributes of the demo: what is seen in which way, and of which states; or ""
} loomWatchedDemo;

/// Free with loom_watched_destroy.
typedef struct loomWatched {
  int keys, low, pictures;            // low: numbers of a row of all poses side by side
  loomObsKey key[LOOM_WATCHED_KEYS];  // the poses, then the pictures
  int demos;
  loomWatchedDemo* demo;  // (demos) in the file's order
  double bytes;
  char* sense;        // how its pictures were made (engine/observe/sense.h); NULL = it does not say
  int64_t all, kept;  // rows
  uint64_t digest;    // of the bytes of all files
} loomWatched;

void loom_watched_destroy(loomWatched* watched);

typedef struct loomWatchedDef {
  const char* const* path;
  int paths;  // 1: a dataset; or films, and folders of them (policies/data/film_list.h)
  int keys;  // 0 = of `pictures` all of three colors that there are, else of objects all that there are: each
             // one's pose in the world (A@world) and in that of those before it (B@A)
             // Of films their cameras, which may be named otherwise.
  const loomName* key;  // (keys)
  bool pictures;
  int demos;     // the first ones; 0 = all
  double still;  // of poses alone, m: rows are left out in which nothing has moved so far (nor turned so many
                 // rad) since the last that was kept; 0 = none
  int side;      // pixels: what films are scaled to, square
  const volatile sig_atomic_t* stop;         // non-zero: what reads a film is ended; may be NULL
  int (*told)(void* user, int done, int n);  // after each demo; non-zero stops it; may be NULL
  void* user;
} loomWatchedDef;

/// LOOM_ERR_FORMAT names file, demo and key: not there, demos of a single row, pictures of other sizes than
/// the first demo's; of films also other rates than the first one's, and what is damaged or none;
/// LOOM_ERR_UNSUPPORTED: keys that are neither poses nor pictures, too much to hold.
int loom_watched_read(loomWatched* out, const loomWatchedDef* def, loomError* err);
/// What shows pictures alone, all of one size, in a file of that path. LOOM_ERR_USAGE, LOOM_ERR_FORMAT.
int loom_watched_check_pictures(const loomWatched* watched, const char* path, loomError* err);

LOOM_C_END

#endif
