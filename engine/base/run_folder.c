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

static int try_lock(loomRunFolder* folder) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, lock_name);
  return folder->def.shared ? loom_lock_join(&folder->lock, &folder->alone, path)
                            : loom_lock_take(&folder->lock, path);
}

// The folder, made where it is not there, and its lock. Of one that is shared, the last to leave may remove
// it between the two.
static int take_folder(loomRunFolder* folder, loomError* err) {
  enum { TRIES = 50 };
  int why = ENOENT;

  for (int i = 0; why == ENOENT && i < TRIES; i++) {
    int code = loom_make_folder(folder->def.path, folder->def.parents, err);
    if (code) return code;
    why = try_lock(folder);
  }

  if (why == EWOULDBLOCK)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: another run is at work on it; wait for it or choose another output",
                          folder->def.path);
  if (why)
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be locked (%s)", folder->def.path, strerror(why));
  return LOOM_OK;
}

// ---- names

void loom_run_folder_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* folder, const char* name) {
  snprintf(out, LOOM_RUN_FILE_MAX, "%.*s/%.*s", LOOM_PATH_MAX - 1, folder->def.path, 256, name);
}

bool loom_run_folder_has(const loomRunFolder* folder, const char* name) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, name);
  return !access(path, F_OK);
}

// ---- what a run leaves

static bool is_of(const char* const* pattern, const char* name) {
  for (; pattern && *pattern; pattern++)
    if (!fnmatch(*pattern, name, 0)) return true;
  return false;
}

// One that a run leaves, or was on its way there (engine/base/file.h) when the run was killed.
static bool is_own(const char* const* own, const char* name) {
  char whole[NAME_MAX + 1];
  snprintf(whole, sizeof whole, "%.*s", (int)loom_file_final_length(name), name);
  return is_of(own, whole);
}

static bool is_real_folder(const char* path) {
  struct stat st;
  return !lstat(path, &st) && S_ISDIR(st.st_mode);
}

// Called with the path of each own file in a folder of the run's, and then with that folder's.
typedef int visitOwn(const loomRunFolderDef* def, const char* path, bool folder, loomError* err);

static int visit_files(const loomRunFolderDef* def, const char* path, const char* const* own, visitOwn* visit,
                       loomError* err) {
  DIR* dir = own ? opendir(path) : NULL;
  int code = LOOM_OK;
  if (!dir) return code;

  // What a link leads to is none of ours. A name that does not fit is none that a run gives.
  for (struct dirent* entry; !code && (entry = readdir(dir));) {
    char at[LOOM_RUN_FILE_MAX];
    const char* name = entry->d_name;
    if ((size_t)snprintf(at, sizeof at, "%s/%s", path, name) >= sizeof at) continue;

    if (is_of(def->folders, name) && is_real_folder(at)) {
      code = visit_files(def, at, def->inner, visit, err);
      if (!code) code = visit(def, at, true, err);
    } else if (is_own(own, name) && !is_real_folder(at)) {
      code = visit(def, at, false, err);
    }
  }
  closedir(dir);
  return code;
}

static int visit_own(const loomRunFolderDef* def, visitOwn* visit, loomError* err) {
  return visit_files(def, def->path, def->own, visit, err);
}

// Only what a run puts there: a folder of the user's that happens to have this name keeps its other files.
static int remove_one(const loomRunFolderDef* def, const char* path, bool folder, loomError* err) {
  (void)def, (void)err;
  if (!folder) {
    unlink(path);
    return LOOM_OK;
  }

  // The lock of a killed run; then whether the folder goes is its own matter.
  char lock[LOOM_RUN_FILE_MAX + sizeof lock_name];
  snprintf(lock, sizeof lock, "%s/%s", path, lock_name);
  unlink(lock);
  rmdir(path);
  return LOOM_OK;
}

// Before anything is removed: nobody works in a folder in it.
static int check_idle(const loomRunFolderDef* def, const char* path, bool folder, loomError* err) {
  char lock_path[LOOM_RUN_FILE_MAX + sizeof lock_name];
  int lock;
  (void)def;
  if (!folder) return LOOM_OK;

  snprintf(lock_path, sizeof lock_path, "%s/%s", path, lock_name);
  if (access(lock_path, F_OK)) return LOOM_OK;
  int why = loom_lock_take(&lock, lock_path);
  loom_lock_drop(lock, lock_path);
  if (why != EWOULDBLOCK) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: another run is at work in it; wait for it", path);
}

static int check_not_read(const loomRunFolderDef* def, const char* path, bool folder, loomError* err) {
  for (int i = 0; i < def->ninput && !folder; i++)
    if (def->input[i] && loom_same_file(path, def->input[i]))
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: that is what is read, and a run in its folder writes it; %s", path,
                            def->alternative);
  return LOOM_OK;
}

static int refuse_run(const loomRunFolderDef* def, const char* path, bool folder, loomError* err) {
  if (folder) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: holds a run already (%s); --resume goes on with it, --overwrite replaces it, or %s", def->path,
      path + strlen(def->path) + 1, def->alternative);
}

static int check_mode(const loomRunFolder* folder, loomError* err) {
  const loomRunFolderDef* def = &folder->def;
  if (def->mode == LOOM_FOLDER_OVERWRITE) return visit_own(def, check_idle, err);
  if (def->mode != LOOM_FOLDER_NEW) return LOOM_OK;

  // Any file that the run would write over, be it a killed run's or the user's.
  char mark[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(mark, folder, def->mark);
  return folder->resumed ? refuse_run(def, mark, false, err) : visit_own(def, refuse_run, err);
}

// ---- open and close

int loom_run_folder_open(loomRunFolder* out, const loomRunFolderDef* def, loomError* err) {
  *out = (loomRunFolder){.def = *def, .lock = -1};
  out->def.path = strdup(def->path);
  int code = out->def.path ? take_folder(out, err)
                           : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", def->path);

  // Only now nobody else can begin a run there.
  if (!code) out->resumed = loom_run_folder_has(out, def->mark);
  if (!code) code = check_mode(out, err);
  if (!code) code = visit_own(&out->def, check_not_read, err);

  if (!code && def->mode == LOOM_FOLDER_OVERWRITE) {
    visit_own(&out->def, remove_one, err);
    out->resumed = loom_run_folder_has(out, def->mark);
  }
  out->def.input = NULL;
  if (code) loom_run_folder_close(out);
  return code;
}

int loom_run_folder_check(const loomRunFolderDef* def, loomError* err) {
  loomRunFolder folder = {.def = *def, .lock = -1};
  int code = loom_folder_check_place(def->path, 0, err);
  if (code || !loom_is_folder(def->path)) return code;

  // What is in it, as if it were locked.
  if (!def->shared) code = check_idle(def, def->path, true, err);
  folder.resumed = loom_run_folder_has(&folder, def->mark);
  if (!code) code = check_mode(&folder, err);
  return code ? code : visit_own(def, check_not_read, err);
}

void loom_run_folder_close(loomRunFolder* folder) {
  if (!folder->def.path) return;

  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, lock_name);
  if (folder->def.shared)
    loom_lock_leave(folder->lock, path);
  else
    loom_lock_drop(folder->lock, path);
  free((char*)folder->def.path);
  *folder = (loomRunFolder){0};
}

void loom_run_folder_share(loomRunFolder* folder) {
  folder->alone = false;
  loom_lock_share(folder->lock);
}

bool loom_run_folder_is_last(const loomRunFolder* folder) {
  return loom_lock_is_last(folder->lock);
}

void loom_run_folder_clear(const char* path) {
  DIR* dir = opendir(path);
  if (!dir) return;

  for (struct dirent* entry; (entry = readdir(dir));) {
    char at[LOOM_RUN_FILE_MAX];
    const char* name = entry->d_name;
    bool leftover = !strcmp(name, lock_name) || loom_file_final_length(name) < strlen(name);
    if ((size_t)snprintf(at, sizeof at, "%s/%s", path, name) < sizeof at && leftover) unlink(at);
  }
  closedir(dir);
}

void loom_run_folder_remove(loomRunFolder* folder, const char* last) {
  char path[LOOM_RUN_FILE_MAX];
  visit_own(&folder->def, remove_one, NULL);
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
