#include "engine/base/run_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/lock.h"

// ---- the lock

static const char lock_name[] = "lock";

static int take_lock(loomRunFolder* folder, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, lock_name);

  int why = loom_lock_take(&folder->lock, path);
  if (why == EWOULDBLOCK)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: another run is at work on it; wait for it or choose another output",
                          folder->def.path);
  if (why)
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be locked (%s)", folder->def.path, strerror(why));
  return LOOM_OK;
}

// ---- open and close

void loom_run_folder_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* folder, const char* name) {
  snprintf(out, LOOM_RUN_FILE_MAX, "%.*s/%.*s", LOOM_PATH_MAX - 1, folder->def.path, 256, name);
}

bool loom_run_folder_has(const loomRunFolder* folder, const char* name) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, name);
  return !access(path, F_OK);
}

// One that a run leaves, or was on its way there (engine/base/file.h) when the run was killed.
static bool is_own(const loomRunFolder* folder, const char* name) {
  char whole[NAME_MAX + 1];
  snprintf(whole, sizeof whole, "%.*s", (int)loom_file_final_length(name), name);

  for (const char* const* p = folder->def.own; *p; p++)
    if (!fnmatch(*p, whole, 0)) return true;
  return false;
}

// Only what a run puts there: a folder of the user's that happens to have this name keeps its other files.
static void remove_own_files(const loomRunFolder* folder) {
  DIR* dir = folder->def.own ? opendir(folder->def.path) : NULL;
  if (!dir) return;

  for (struct dirent* entry; (entry = readdir(dir));)
    if (is_own(folder, entry->d_name)) unlinkat(dirfd(dir), entry->d_name, 0);
  closedir(dir);
}

int loom_run_folder_open(loomRunFolder* out, const loomRunFolderDef* def, loomError* err) {
  *out = (loomRunFolder){.def = *def, .lock = -1};
  out->def.path = strdup(def->path);
  int code = out->def.path ? loom_make_folder(def->path, def->parents, err)
                           : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", def->path);
  if (!code) code = take_lock(out, err);

  // Only now nobody else can begin a run there.
  if (!code && def->mode == LOOM_FOLDER_OVERWRITE) remove_own_files(out);
  if (!code) out->resumed = loom_run_folder_has(out, def->mark);
  if (!code && out->resumed && def->mode == LOOM_FOLDER_NEW)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: holds a run already; go on with --resume, or %s",
                          def->path, def->alternative);

  if (code) loom_run_folder_close(out);
  return code;
}

void loom_run_folder_close(loomRunFolder* folder) {
  if (!folder->def.path) return;

  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, lock_name);
  loom_lock_drop(folder->lock, path);
  free((char*)folder->def.path);
  *folder = (loomRunFolder){0};
}

void loom_run_folder_remove(loomRunFolder* folder, const char* last) {
  char path[LOOM_RUN_FILE_MAX];
  remove_own_files(folder);
  loom_run_folder_path(path, folder, lock_name);
  unlink(path);

  if (last) {
    loom_run_folder_path(path, folder, last);
    unlink(path);
  }

  // Whether it goes is the folder's own matter: others may have files in it.
  rmdir(folder->def.path);
  close(folder->lock);
  folder->lock = -1;
  loom_run_folder_close(folder);
}

// ---- settings

enum { SETTINGS_MAX = 1 << 24 };  // bytes

// A line for a message: without the blanks around it, tabs as spaces, and not too long.
static void copy_line(char out[120], const char* text) {
  text += strspn(text, " \t");
  snprintf(out, 120, "%.*s", (int)strcspn(text, "\n"), text);
  for (char* c = out; *c; c++)
    if (*c == '\t') *c = ' ';
}

int loom_settings_compare(const char* where, const char* kept, const char* now, const char* alternative,
                          loomError* err) {
  size_t i = 0, begin = 0;
  int line = 1;

  // To the first difference, which the message shows by its line.
  for (; kept[i] && kept[i] == now[i]; i++) {
    if (kept[i] != '\n') continue;
    line++;
    begin = i + 1;
  }
  if (kept[i] == now[i]) return LOOM_OK;

  char then_line[120], now_line[120];
  copy_line(then_line, kept + begin);
  copy_line(now_line, now + begin);
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: the run there has other settings (line %d: '%s' there, '%s' now); go on with those, or %s", where,
      line, then_line, now_line, alternative);
}

int loom_run_folder_settings(const loomRunFolder* folder, const char* name, const char* text,
                             loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, name);

  // A run that begins leaves its settings for those that go on with it.
  if (access(path, F_OK)) return loom_file_write_text(path, text, err);

  char* kept;
  int code = loom_read_text(&kept, NULL, path, SETTINGS_MAX, err);
  if (!code) code = loom_settings_compare(path, kept, text, folder->def.alternative, err);
  free(kept);
  return code;
}
