// Demos that are films, or folders of pictures (film_list.h): pictures without states or actions. Internal.
#ifndef LOOM_POLICIES_DATA_WATCHED_FILMS_H
#define LOOM_POLICIES_DATA_WATCHED_FILMS_H

#include "policies/data/watched.h"

/// As loom_watched_read, whose errors it has; the caller destroys *out after one, too.
int loom_watched_read_films(loomWatched* out, const loomWatchedDef* def, loomError* err);

#endif
