#include "engine/base/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/lock.h"

// Is it in a folder beside the file, where a run that was stopped left what it had?
static bool is_beside(const char* path, const char* input) {
  static const char* const folder[] = {"parts", "images"};
  const char* slash = strrchr(input, '/');
  bool found = false;

  for (size_t i = 0; i < sizeof folder / sizeof *folder && !found; i++) {
    char* at = NULL;
    if (asprintf(&at, "%s.%s/%s", path, folder[i], slash ? slash + 1 : input) < 0) return false;
    found = loom_same_file(at, input);
    free(at);
  }
  return found;
}

int loom_output_check_input(const char* path, const char* input, loomError* err) {
  if (!input) return LOOM_OK;
  if (loom_same_file(path, input))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: that is what is read, the source itself; name another file", path);
  if (!is_beside(path, input)) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: lies among what a run left that was to write %s; move it elsewhere before it is read", input,
      path);
}

// PATH.lock: it shows too that files can be made there.
static int take_lock(loomOutput* out, const char* path, loomError* err) {
  char* place = NULL;
  int code = loom_file_place(&place, path, err);
  if (code) return code;
  if (asprintf(&out->lock_path, "%s.lock", place) < 0) out->lock_path = NULL;
  free(place);
  if (!out->lock_path) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  // A lock that a killed run left says nothing of that.
  char* slash = strrchr(out->lock_path, '/');
  if (slash) *slash = '\0';
  int why = euidaccess(!slash ? "." : *out->lock_path ? out->lock_path : "/", W_OK) ? errno : 0;
  if (slash) *slash = '/';

  bool alone;
  if (!why)
    why = out->shared ? loom_lock_join(&out->lock, &alone, out->lock_path)
                      : loom_lock_take(&out->lock, out->lock_path);
  if (!why && out->shared) loom_lock_share(out->lock);
  if (!why) return LOOM_OK;
  if (why == EWOULDBLOCK)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: another run is at work on it; wait for it or choose another output", path);
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", path, strerror(why));
}

// What changes a file works on a copy of it, beside it.
static int check_room(const char* path, loomError* err) {
  struct stat st;
  struct statvfs disk;
  if (stat(path, &st) || statvfs(path, &disk)) return LOOM_OK;

  double room = (double)disk.f_bavail * (double)disk.f_frsize;
  if (room >= (double)st.st_size) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO,
                        "%s: cannot be changed: that takes a copy of its %.1f MB, and its disk has room for "
                        "%.1f MB; free some space",
                        path, (double)st.st_size / 1e6, room / 1e6);
}

static int check_absent(const loomOutputDef* def, loomError* err) {
  if (def->mode != LOOM_OUTPUT_NEW || !loom_is_file(def->path)) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s is there already; --overwrite replaces it, or name another file", def->path);
}

int loom_output_open(loomOutput* out, const loomOutputDef* def, loomError* err) {
  *out = (loomOutput){.lock = -1, .shared = def->shared};

  // What is there: first of all nothing that is read, then nothing that anyone wants to keep.
  int code = LOOM_OK;
  for (int i = 0; i < def->ninput && !code; i++)
    code = loom_output_check_input(def->path, def->input[i], err);
  if (!code) code = check_absent(def, err);

  // What may not be replaced even so.
  if (!code) code = loom_file_check_place(def->path, err);
  if (!code && def->mode == LOOM_OUTPUT_CHANGE) code = check_room(def->path, err);
  if (!code) code = take_lock(out, def->path, err);

  // Whoever had the lock before us may have made it.
  if (!code) code = check_absent(def, err);
  if (code) loom_output_close(out);
  return code;
}

void loom_output_close(loomOutput* output) {
  if (!output->lock_path) return;
  if (output->shared)
    loom_lock_leave(output->lock, output->lock_path);
  else
    loom_lock_drop(output->lock, output->lock_path);
  free(output->lock_path);
  *output = (loomOutput){0};
}
