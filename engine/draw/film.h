// Films and pictures from strangers: MP4 and other containers, PNG, JPEG. FFmpeg's libraries decode them in a
// process of its own, which can compute and nothing else (engine/base/aside.h). Internal.
#ifndef LOOM_ENGINE_DRAW_FILM_H
#define LOOM_ENGINE_DRAW_FILM_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

/// A file's bytes, as they are; path is for messages.
typedef struct loomFilmFile {
  const char* path;
  const void* bytes;
  size_t n;
} loomFilmFile;

typedef struct loomFilmDef {
  const char* what;  // for messages: the film, or the folder of pictures
  bool pictures;     // each file is a picture and becomes a frame; else the only file is a film
  double begin;      // of a film: the frame nearest to this time, s, is the first ...
  int frames;        // ... of so many; 0: all to its end
  int width,
      height;  // pixels that frames are scaled to, whatever their own sides; means over what they cover
  /// Asked several times a second; true ends it: LOOM_ERR_INTERRUPTED. Nullable.
  bool (*wait)(void* user, double seconds);
  void* wait_user;
} loomFilmDef;

/// Free with loom_film_destroy.
typedef struct loomFilm {
  int width, height;   // pixels of its own
  double fps;          // frames a second, on average; 0 of pictures, and where the film does not say
  int frames;          // at least 1
  unsigned char* rgb;  // (frames x def.height x def.width x 3), top row first
} loomFilm;

/// LOOM_ERR_FORMAT names the file: no film or picture, damaged, cut short, frames of other sizes than the
/// first; LOOM_ERR_UNSUPPORTED: more frames than there is room for, FFmpeg's libraries are not there.
int loom_film_read(loomFilm* out, const loomFilmFile* file, int files, const loomFilmDef* def,
                   loomError* err);
void loom_film_destroy(loomFilm* film);

#endif
