#include "policies/data/film_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/file.h"
#include "engine/base/text.h"

enum { PATH = 2 * LOOM_PATH_MAX };

static const char* const film_ends[] = {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", NULL};
static const char* const picture_ends[] = {".png", ".jpg", ".jpeg", NULL};

static bool has_end(const char* path, const char* const* end) {
  const char* dot = strrchr(path, '.');

  for (; dot && *end; end++)
    if (!strcasecmp(dot, *end)) return true;
  return false;
}

bool loom_film_is(const char* path) {
  static const unsigned char hdf5[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char head[sizeof hdf5] = {0};
  if (loom_is_folder(path)) return true;
  if (!loom_is_file(path) || loom_ends_with(path, ".hdf5") || loom_ends_with(path, ".h5")) return false;

  FILE* file = fopen(path, "rbe");
  if (!file) return false;
  size_t n = fread(head, 1, sizeof head, file);
  fclose(file);
  return n < sizeof head || memcmp(head, hdf5, sizeof head) != 0;
}

// ---- a folder

/// What is of use in it, in order.
typedef struct shelf {
  loomNames film, picture, folder;  // paths
} shelf;

static void close_shelf(shelf* s) {
  loom_names_destroy(&s->film);
  loom_names_destroy(&s->picture);
  loom_names_destroy(&s->folder);
}

static int put(shelf* s, const char* folder, const char* name, loomError* err) {
  char path[PATH];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s: path too long", folder);

  loomNames* to = NULL;
  if (loom_is_folder(path))
    to = &s->folder;
  else if (has_end(name, film_ends))
    to = &s->film;
  else if (has_end(name, picture_ends))
    to = &s->picture;

  return to && loom_names_add(to, path) ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for names")
                                        : LOOM_OK;
}

static int open_shelf(shelf* out, const char* folder, loomError* err) {
  *out = (shelf){0};
  DIR* dir = opendir(folder);
  int code = LOOM_OK;
  if (!dir) return loom_error_set(err, LOOM_ERR_IO, "%s: %s", folder, strerror(errno));
  for (struct dirent* entry; !code && (entry = readdir(dir));)
    if (entry->d_name[0] != '.') code = put(out, folder, entry->d_name, err);
  closedir(dir);

  loom_names_sort(&out->film);
  loom_names_sort(&out->picture);
  loom_names_sort(&out->folder);
  if (!code && out->picture.n && out->film.n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has films and pictures; a demo is the one or the other",
                          folder);
  if (!code && !out->picture.n && !out->film.n && !out->folder.n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has neither films (%s) nor pictures (%s)", folder,
                          ".mp4, .mov, .m4v, .mkv, .webm, .avi", ".png, .jpg");
  if (code) close_shelf(out);
  return code;
}

// ---- demos

// A film's name, as a camera is named.
static void name_view(loomName out, const char* path, bool folder) {
  const char* slash = strrchr(path, '/');
  snprintf(out, LOOM_NAME_MAX, "%.63s", slash ? slash + 1 : path);
  char* dot = folder ? NULL : strrchr(out, '.');
  if (dot) *dot = 0;
}

static int add_view(loomFilmList* list, int view, const loomName name, const char* path, loomError* err) {
  if (view >= LOOM_FILM_VIEWS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: of more than %d cameras", path, LOOM_FILM_VIEWS);
  if (!list->demos) memcpy(list->view[list->views++], name, sizeof(loomName));

  // Demos before it have the same cameras.
  bool same = view < list->views && !strcmp(list->view[view], name);
  if (!same && *name)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: camera '%s' is none of the first demo's, or in the place of '%s'", path, name,
                          view < list->views ? list->view[view] : "none");
  if (!same)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is of one camera, where others have several", path);
  return loom_names_add(&list->film, path) ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for names")
                                           : LOOM_OK;
}

static int add_film(loomFilmList* list, const char* path, loomError* err) {
  static const loomName none = "";
  int code = add_view(list, 0, none, path, err);
  if (!code && list->views > 1)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is of one camera, where others have several", path);
  list->demos++;
  return code;
}

// Several cameras'.
static int add_views(loomFilmList* list, const shelf* s, const char* folder, loomError* err) {
  int view = 0, code = LOOM_OK;
  loomName name;

  for (int i = 0; !code && i < s->film.n; i++) {
    name_view(name, s->film.name[i], false);
    code = add_view(list, view++, name, s->film.name[i], err);
  }

  for (int i = 0; !code && i < s->folder.n; i++) {
    name_view(name, s->folder.name[i], true);
    code = add_view(list, view++, name, s->folder.name[i], err);
  }
  if (!code && view < list->views)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: camera '%s' is not there, which the first demo has",
                          folder, list->view[view]);
  list->demos++;
  return code;
}

// What a folder of demos has of them.
static int add_folder(loomFilmList* list, const char* folder, loomError* err) {
  shelf s;
  int code = open_shelf(&s, folder, err);
  if (code) return code;
  code = s.picture.n ? add_film(list, folder, err) : add_views(list, &s, folder, err);
  close_shelf(&s);
  return code;
}

static int add_input(loomFilmList* list, const char* path, loomError* err) {
  shelf s;
  if (!loom_is_folder(path)) return add_film(list, path, err);
  int code = open_shelf(&s, path, err);
  if (code) return code;

  if (s.picture.n) code = add_film(list, path, err);
  for (int i = 0; !code && !s.picture.n && i < s.film.n; i++) code = add_film(list, s.film.name[i], err);
  for (int i = 0; !code && !s.picture.n && i < s.folder.n; i++)
    code = add_folder(list, s.folder.name[i], err);
  close_shelf(&s);
  return code;
}

int loom_film_list(loomFilmList* out, const char* const* path, int n, loomError* err) {
  int code = LOOM_OK;
  *out = (loomFilmList){0};

  for (int i = 0; !code && i < n; i++) {
    bool there = loom_is_folder(path[i]) || loom_is_file(path[i]);
    if (!there)
      code = loom_error_set(err, LOOM_ERR_IO, "%s: no such file or folder", path[i]);
    else if (!loom_film_is(path[i]))
      code = loom_error_set(err, LOOM_ERR_USAGE, "%s: is a dataset, of which there may be one, and no films",
                            path[i]);
    else
      code = add_input(out, path[i], err);
  }
  if (code) loom_film_list_destroy(out);
  return code;
}

void loom_film_list_destroy(loomFilmList* list) {
  loom_names_destroy(&list->film);
  *list = (loomFilmList){0};
}

int loom_film_files(loomNames* out, bool* pictures, const char* path, loomError* err) {
  shelf s = {0};
  *out = (loomNames){0};
  *pictures = loom_is_folder(path);
  if (!*pictures)
    return loom_names_add(out, path) ? loom_error_set(err, LOOM_ERR_MEMORY, "no memory for names") : LOOM_OK;

  int code = open_shelf(&s, path, err);
  if (!code && !s.picture.n) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no pictures", path);
  if (!code) {
    *out = s.picture;
    s.picture = (loomNames){0};
  }
  close_shelf(&s);
  return code;
}
