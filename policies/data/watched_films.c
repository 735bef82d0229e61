#include "policies/data/watched_films.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/draw/film.h"
#include "policies/data/film_list.h"

static const size_t most_file = (size_t)1 << 30;
static const double rate_slack = 0.01;  // a film of 30 frames a second and one of 29.97 are alike

typedef struct reading {
  loomWatched* out;
  const loomWatchedDef* def;
  loomFilmList list;
  int width, height;  // of the first film
  double fps;
} reading;

// ---- keys

static int name_keys(reading* r, loomError* err) {
  const loomWatchedDef* def = r->def;
  loomWatched* w = r->out;
  if (def->keys && def->keys != r->list.views)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: films of %d cameras, and %d keys are named (--key)",
                          def->path[0], r->list.views, def->keys);

  w->keys = w->pictures = r->list.views;

  for (int k = 0; k < w->keys; k++) {
    char name[LOOM_NAME_MAX + 16];
    const char* view = *r->list.view[k] ? r->list.view[k] : "film";
    snprintf(name, sizeof name, "%.*s_image", LOOM_NAME_MAX - 8, view);
    w->key[k] = loom_obs_named(def->keys ? def->key[k] : name);

    loomObsKey* key = &w->key[k];
    const int shape[] = {def->side, def->side, 3};
    memcpy(key->shape, shape, sizeof shape);
    key->rank = 3;
    key->dim = 3 * def->side * def->side;
    key->type = LOOM_TYPE_U8;
    key->kind = loom_obs_kind(key->camera, key->name, key->rank, key->shape);
    if (key->kind != LOOM_OBS_IMAGE)
      return loom_error_set(err, LOOM_ERR_USAGE, "'%s' names no camera's pictures (CAMERA_image)", key->name);
  }

  return LOOM_OK;
}

// ---- a film

static void free_files(loomFilmFile* file, int n) {
  for (int i = 0; file && i < n; i++) free((void*)file[i].bytes);
  free(file);
}

// What is hashed is what is decoded.
static int read_files(loomFilmFile** out, loomWatched* w, const loomNames* path, loomError* err) {
  loomFilmFile* file = *out = calloc((size_t)path->n, sizeof *file);
  int code = file ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for films");

  for (int i = 0; !code && i < path->n; i++) {
    char* bytes = NULL;
    code = loom_read_text(&bytes, &file[i].n, path->name[i], most_file, err);
    file[i].path = path->name[i];
    file[i].bytes = bytes;
    if (!code) w->digest = loom_hash(w->digest, bytes, file[i].n);
  }

  return code;
}

static bool is_told_to_stop(void* user, double seconds) {
  const loomWatchedDef* def = user;
  (void)seconds;
  return def->stop && *def->stop;
}

static int read_film(loomFilm* out, reading* r, const char* path, loomError* err) {
  loomFilmDef def = {.what = path,
                     .width = r->def->side,
                     .height = r->def->side,
                     .wait = is_told_to_stop,
                     .wait_user = (void*)r->def};
  loomFilmFile* file = NULL;
  loomNames names;
  int code = loom_film_files(&names, &def.pictures, path, err);
  if (!code) code = read_files(&file, r->out, &names, err);
  if (!code) code = loom_film_read(out, file, names.n, &def, err);
  free_files(file, names.n);
  loom_names_destroy(&names);
  return code;
}

// As the first one is.
static int check_film(reading* r, const loomFilm* film, const char* path, loomError* err) {
  const char* first = r->list.film.name[0];
  if (film->frames < 2)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has a single frame, which has no course", path);

  if (!r->width) {
    r->width = film->width;
    r->height = film->height;
    r->fps = film->fps;
  }
  if (film->width != r->width || film->height != r->height)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has %d x %d pixels, where %s has %d x %d", path,
                          film->width, film->height, first, r->width, r->height);
  if (fabs(film->fps - r->fps) > rate_slack * r->fps)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has %.6g frames a second, where %s has %.6g", path,
                          film->fps, first, r->fps);

  return LOOM_OK;
}

// ---- a demo

static int read_view(reading* r, loomWatchedDemo* demo, int view, const char* path, loomError* err) {
  loomFilm film = {0};
  int code = read_film(&film, r, path, err);
  if (!code) code = check_film(r, &film, path, err);
  if (!code && view && film.frames != demo->rows)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has %d frames, where the demo's first camera has %d",
                          path, film.frames, demo->rows);
  r->out->bytes += (double)film.frames * r->out->key[0].dim;
  if (!code && r->out->bytes > LOOM_WATCHED_BYTES)
    code =
        loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                       "%s: more than %.0f GB of frames; take fewer films (--demos) or smaller ones (--side)",
                       path, LOOM_WATCHED_BYTES / 1e9);
  if (code) {
    loom_film_destroy(&film);
    return code;
  }
  demo->rows = film.frames;
  demo->picture[view] = film.rgb;
  return LOOM_OK;
}

// The end of a film's path, or of the folder's of several: no two have one name.
static void name_demo(loomName out, const char* path, bool folder) {
  const char* slash = folder ? strrchr(path, '/') : NULL;
  size_t n = slash ? (size_t)(slash - path) : strlen(path),
         cut = n < LOOM_NAME_MAX ? 0 : n - LOOM_NAME_MAX + 1;
  snprintf(out, LOOM_NAME_MAX, "%.*s", (int)(n - cut), path + cut);
}

static int read_demo(reading* r, int d, loomError* err) {
  loomWatchedDemo* demo = &r->out->demo[d];
  int views = r->list.views, code = LOOM_OK;
  char* const* path = r->list.film.name + (ptrdiff_t)d * views;
  name_demo(demo->name, path[0], views > 1);
  demo->low = calloc(1, sizeof *demo->low);
  if (!demo->low) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");

  for (int v = 0; !code && v < views; v++) code = read_view(r, demo, v, path[v], err);
  r->out->all += demo->rows;
  r->out->kept += demo->rows;
  return code;
}

static int read_demos(reading* r, loomError* err) {
  const loomWatchedDef* def = r->def;
  loomWatched* w = r->out;
  int n = def->demos && def->demos < r->list.demos ? def->demos : r->list.demos, code = LOOM_OK;
  w->demo = calloc((size_t)n, sizeof *w->demo);
  if (!w->demo) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");

  while (!code && w->demos < n) {
    code = read_demo(r, w->demos++, err);
    if (!code && def->told && def->told(def->user, w->demos, n))
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was learned yet");
  }

  return code;
}

int loom_watched_read_films(loomWatched* out, const loomWatchedDef* def, loomError* err) {
  reading r = {.out = out, .def = def};
  if (!def->pictures)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: films show pictures, and no poses; take --method tcc",
                          def->path[0]);

  int code = loom_film_list(&r.list, def->path, def->paths, err);
  if (!code) code = name_keys(&r, err);
  if (!code) code = read_demos(&r, err);
  loom_film_list_destroy(&r.list);
  return code;
}
