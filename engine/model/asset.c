#include "engine/model/asset.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"

// ---- roots

static bool good_name(const char* name) {
  if (!*name) return false;

  // Paths are searched for it as a component, and it stands before '=' in options and messages.
  for (const char* c = name; *c; c++) {
    if (!isalnum((unsigned char)*c) && !strchr("_-.", *c)) return false;
  }

  return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int loom_asset_roots_add(loomAssetRoots* roots, const char* name, const char* dir, loomError* err) {
  if (!good_name(name)) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "asset root \"%.100s\": a name is made of letters, digits, '_', '-' and '.'", name);
  }

  // Resolved once, so that whether a file lies inside is told by comparing paths.
  char* path = realpath(dir, NULL);
  struct stat info;
  if (!path || stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
    const char* why = path ? "not a folder" : strerror(errno);
    int code = loom_error_set(err, LOOM_ERR_IO, "asset root %s: %s: %s", name, dir, why);
    free(path);
    return code;
  }

  loomAssetRoot* grown = realloc(roots->root, ((size_t)roots->n + 1) * sizeof *grown);
  if (grown) roots->root = grown;
  char* copy = strdup(name);
  if (!grown || !copy) {
    free(path);
    free(copy);
    return loom_error_set(err, LOOM_ERR_MEMORY, "asset root %s: out of memory", name);
  }

  roots->root[roots->n++] = (loomAssetRoot){.name = copy, .path = path};
  return LOOM_OK;
}

int loom_asset_roots_add_option(loomAssetRoots* roots, const char* option, loomError* err) {
  const char* equals = strchr(option, '=');
  char name[64];
  if (!equals || (size_t)(equals - option) >= sizeof name || !equals[1]) {
    return loom_error_set(err, LOOM_ERR_USAGE, "--assets %.200s: expected NAME=DIR, as in robosuite=DIR",
                          option);
  }

  snprintf(name, sizeof name, "%.*s", (int)(equals - option), option);
  return loom_asset_roots_add(roots, name, equals + 1, err);
}

int loom_asset_roots_copy(loomAssetRoots* out, const loomAssetRoots* roots, loomError* err) {
  *out = (loomAssetRoots){0};
  int code = LOOM_OK;

  for (int i = 0; roots && !code && i < roots->n; i++)
    code = loom_asset_roots_add(out, roots->root[i].name, roots->root[i].path, err);

  if (code) loom_asset_roots_destroy(out);
  return code;
}

void loom_asset_roots_destroy(loomAssetRoots* roots) {
  if (!roots) return;

  for (int i = 0; i < roots->n; i++) {
    free(roots->root[i].name);
    free(roots->root[i].path);
  }

  free(roots->root);
  *roots = (loomAssetRoots){0};
}

// ---- paths

static bool is_absolute(const char* path) {
  return path[0] == '/' || path[0] == '\\' || (isalpha((unsigned char)path[0]) && path[1] == ':');
}

int loom_asset_normalize(char out[LOOM_PATH_MAX], const char* dir, const char* file) {
  char joined[LOOM_PATH_MAX];
  bool alone = !dir || !*dir || is_absolute(file);
  int length = snprintf(joined, sizeof joined, "%s%s%s", alone ? "" : dir, alone ? "" : "/", file);
  if (length < 0 || (size_t)length >= sizeof joined || !*file) return LOOM_ERR_FORMAT;

  // Windows has backslashes; control characters have no place in a path.
  for (char* c = joined; *c; c++) {
    if (*c == '\\') *c = '/';
    if ((unsigned char)*c < 0x20) return LOOM_ERR_FORMAT;
  }

  // A drive letter says nothing here.
  const char* from = joined;
  bool absolute = is_absolute(joined);
  if (absolute && from[0] != '/') from += 2;

  // Component by component: ".." takes the last one back, "." and empty ones are left out.
  size_t n = 0;
  while (*from) {
    size_t part = strcspn(from, "/");
    if (part == 2 && from[0] == '.' && from[1] == '.') {
      if (n == 0) return LOOM_ERR_FORMAT;
      while (n > 0 && out[--n] != '/') continue;
    } else if (part && !(part == 1 && from[0] == '.')) {
      if (n || absolute) out[n++] = '/';
      memcpy(out + n, from, part);
      n += part;
    }
    from += part + (from[part] == '/');
  }

  out[n] = '\0';
  return n ? LOOM_OK : LOOM_ERR_FORMAT;
}

const char* loom_asset_after(const char* path, const char* name) {
  const char* found = NULL;
  size_t n = strlen(name);

  // The last component of that name counts.
  for (const char* at = path; *at; at += strcspn(at, "/")) {
    at += *at == '/';
    if (strncmp(at, name, n) == 0 && at[n] == '/') found = at + n + 1;
  }

  return found;
}

const char* loom_asset_tail(const char* path) {
  const char key[] = "models/assets/";
  const char* found = NULL;

  // The last that begins a component counts.
  for (const char* at = path; (at = strstr(at, key)); at++) {
    if (at == path || at[-1] == '/') found = at + sizeof key - 1;
  }

  return found;
}

// ---- files

static bool is_inside(const char* path, const char* root) {
  size_t n = strlen(root);

  if (n == 1) return true;  // the root folder of the whole machine, if that is what the user named
  return strncmp(path, root, n) == 0 && path[n] == '/';
}

// The real path of root/middle/tail, malloc'ed, when it exists and lies inside root; else NULL.
static char* find_below(const loomAssetRoot* root, const char* middle, const char* tail) {
  char path[LOOM_PATH_MAX + PATH_MAX];
  snprintf(path, sizeof path, "%s/%s%s", root->path, middle, tail);

  // Judged when it is resolved: a link inside the root must not lead out of it.
  char* real = realpath(path, NULL);
  if (real && is_inside(real, root->path)) return real;

  free(real);
  return NULL;
}

static char* find_in_root(const loomAssetRoot* root, const char* path) {
  char* found = NULL;

  // What follows the root's own name.
  const char* after = loom_asset_after(path, root->name);
  if (after) found = find_below(root, "", after);

  // What follows models/assets/: the root holds that folder, or is it.
  const char* tail = loom_asset_tail(path);
  if (!found && tail) found = find_below(root, "models/assets/", tail);
  if (!found && tail) found = find_below(root, "", tail);

  // A relative path as it is; an absolute one that lies inside the root.
  if (!found && path[0] != '/') found = find_below(root, "", path);
  if (!found && is_inside(path, root->path)) found = find_below(root, "", path + strlen(root->path));

  return found;
}

// Whether any rule gives the path a place inside a root: if none, it points elsewhere on purpose.
static bool has_a_place(const loomAssetRoots* roots, const char* path) {
  if (path[0] != '/' || loom_asset_tail(path)) return true;

  for (int i = 0; i < roots->n; i++) {
    if (loom_asset_after(path, roots->root[i].name) || is_inside(path, roots->root[i].path)) return true;
  }

  return false;
}

static int not_found(const loomAssetRoots* roots, const char* path, const char* what, loomError* err) {
  char tried[400] = "";

  // Every root that was tried is told.
  for (int i = 0; i < roots->n; i++) {
    size_t used = strlen(tried);
    snprintf(tried + used, sizeof tried - used, "%s%s=%s", i ? ", " : "", roots->root[i].name,
             roots->root[i].path);
  }

  if (!has_a_place(roots, path)) {
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s names %.300s, which is outside the asset roots (%s); refused", what, path,
                          *tried ? tried : "none given");
  }

  // A path with robosuite's marks needs robosuite's assets.
  const char* name = loom_asset_after(path, "robosuite") || loom_asset_tail(path) ? "robosuite" : "NAME";
  return loom_error_set(err, LOOM_ERR_IO,
                        "%s needs %.300s, which no asset root has (%s); say where: --assets %s=DIR", what,
                        path, *tried ? tried : "none given", name);
}

// All of an open file; the descriptor is closed.
static int read_bytes(void** bytes, int64_t* size, int fd, const char* path, int64_t max_bytes,
                      const char* what, loomError* err) {
  struct stat info;
  char label[2 * LOOM_PATH_MAX], *text = NULL;
  size_t n = 0;
  FILE* file = fdopen(fd, "rb");
  if (!file) {
    close(fd);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: %s: out of memory", what, path);
  }

  // Nothing but a regular file can be an asset: a pipe would never end.
  int code = LOOM_OK;
  snprintf(label, sizeof label, "%s: %s", what, path);
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
    code = loom_error_set(err, LOOM_ERR_IO, "%s: %s is not a regular file", what, path);
  if (!code) code = loom_read_stream(&text, &n, file, (size_t)max_bytes, label, err);
  if (!code && !n) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is empty", what, path);
  fclose(file);

  if (code)
    free(text);
  else
    *bytes = text;
  *size = (int64_t)n;
  return code;
}

char* loom_asset_find(const loomAssetRoots* roots, const char* path) {
  char* found = NULL;

  // The first root that has it.
  for (int i = 0; roots && !found && i < roots->n; i++) found = find_in_root(&roots->root[i], path);
  return found;
}

int loom_asset_read(void** bytes, int64_t* size, const loomAssetRoots* roots, const char* path,
                    int64_t max_bytes, const char* what, loomError* err) {
  const loomAssetRoots none = {0};
  if (!roots) roots = &none;

  char* found = loom_asset_find(roots, path);
  if (!found) return not_found(roots, path, what, err);

  // O_NONBLOCK: a named pipe must not hold us up before its kind is known.
  int fd = open(found, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  int code = fd >= 0 ? read_bytes(bytes, size, fd, found, max_bytes, what, err)
                     : loom_error_set(err, LOOM_ERR_IO, "%s: %s: %s", what, found, strerror(errno));
  free(found);
  return code;
}
