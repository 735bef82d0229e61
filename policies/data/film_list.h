// Which files are demos, where demos are films: a film (MP4 and the like) or a folder of pictures (PNG,
// JPEG) is a demo; so is each of those in a folder; and where a folder has folders of those, each folder is
// a demo that has been filmed by several cameras, which films are named after. Internal.
#ifndef LOOM_POLICIES_DATA_FILM_LIST_H
#define LOOM_POLICIES_DATA_FILM_LIST_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/names.h"
#include "engine/task/limits.h"

enum { LOOM_FILM_VIEWS = 24 };

/// Is a path for films? What is named as HDF5, or begins as it, or is not there, is not.
bool loom_film_is(const char* path);

typedef struct loomFilmList {
  int demos, views;
  loomName view[LOOM_FILM_VIEWS];  // (views) cameras, as the first demo has them; "" where there is but one
  loomNames film;                  // (demos x views) paths of films, and of folders of pictures
} loomFilmList;

/// Free with loom_film_list_destroy. Folders are read by name, numbers in names as such; hidden files are
/// not looked at. LOOM_ERR_FORMAT: a folder without films, or that mixes films and pictures, other cameras
/// than the first demo has; LOOM_ERR_USAGE: what is no film.
int loom_film_list(loomFilmList* out, const char* const* path, int n, loomError* err);
void loom_film_list_destroy(loomFilmList* list);

/// Files of a film: itself, or the pictures in its folder, in order. Destroy *out.
int loom_film_files(loomNames* out, bool* pictures, const char* path, loomError* err);

#endif
