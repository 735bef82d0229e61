// `demoloom twin fuse` of photographs: COLMAP, a program that is installed beside this one, finds where
// they were taken and what they show. It is called by its documented commands, one after the other; what
// one of them has done stays in a folder, and is not done again.
#ifndef LOOM_TOOLS_COMMAND_TWIN_PHOTOS_H
#define LOOM_TOOLS_COMMAND_TWIN_PHOTOS_H

#include <stdbool.h>

#include "engine/base/error.h"

typedef struct twinPhotos {
  int pictures, placed;      // in the folder; those whose pose was found
  bool dense;                // a cloud of every pixel, which takes CUDA; else of the features
  int threads;               // 0: as many as cores
  char work[LOOM_PATH_MAX];  // OUTPUT.photos: database, sparse model (text, too), log
} twinPhotos;

/// Photographs (JPEG, PNG) and neither of the layouts of pictures with depth?
bool twin_photos_are(const char* folder);
/// The mesh `output`, a PLY in COLMAP's own scale and frame. out->threads is read. LOOM_ERR_UNSUPPORTED:
/// there is no COLMAP; LOOM_ERR_FORMAT: too few of them can be placed; a step that fails is named with
/// its log; LOOM_ERR_INTERRUPTED.
int twin_photos_fuse(twinPhotos* out, const char* folder, const char* output, loomError* err);

#endif
