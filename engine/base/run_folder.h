// A folder that a run works in: locked while it does, begun, gone on with or overwritten, with its settings
// in it as text, so that nobody goes on with other ones. What is done is known by the files there. Internal.
#ifndef LOOM_ENGINE_BASE_RUN_FOLDER_H
#define LOOM_ENGINE_BASE_RUN_FOLDER_H

#include <stdbool.h>

#include "engine/base/error.h"

typedef enum loomFolderMode {
  LOOM_FOLDER_NEW,        // refuse a folder that holds a run, or any file of such a name
  LOOM_FOLDER_RESUME,     // go on with the run there, or begin one
  LOOM_FOLDER_OVERWRITE,  // remove what a run left there
} loomFolderMode;

/// What a run's two switches say; with both it is begun anew.
static inline loomFolderMode loom_folder_mode(bool overwrite, bool resume) {
  return overwrite ? LOOM_FOLDER_OVERWRITE : resume ? LOOM_FOLDER_RESUME : LOOM_FOLDER_NEW;
}

typedef struct loomRunFolderDef {
  const char* path;
  bool parents;  // make what leads to it too
  loomFolderMode mode;
  const char* mark;            // the file by whose presence a run there is known
  const char* const* own;      // NULL-terminated patterns (fnmatch) of the files that a run leaves, which are
                               // removed with their .tmp; may be NULL
  const char* const* folders;  // the same of folders in it that a run works in, and of folders in these
  const char* const* inner;    // the same of the files that it leaves in all of these
  int ninput;
  const char* const*
      input;  // (ninput) files that are read meanwhile, none of which may be one of a run's; NULL
              // is none. Only loom_run_folder_open looks at them
  const char* alternative;  // to going on with the run there, for messages: "take another folder"
  bool shared;              // several processes work there: with LOOM_FOLDER_RESUME only
} loomRunFolderDef;

/// An open folder. Zeroed: none.
typedef struct loomRunFolder {
  loomRunFolderDef def;  // with a path of its own
  bool resumed;          // there is a run to go on with
  bool alone;            // of a shared one: nobody else is there, nor comes before loom_run_folder_share
  int lock;              // file descriptor
} loomRunFolder;

enum { LOOM_RUN_FILE_MAX = LOOM_PATH_MAX + 288 };  // bytes of FOLDER/NAME

/// Lock it. The strings of def are kept, not copied, but for the path. LOOM_ERR_USAGE when another run is at
/// work there, or in a folder in it that is to be removed; when mode is LOOM_FOLDER_NEW and there is a file
/// that a run leaves; when an input is such a file. LOOM_ERR_IO when it cannot be made or locked. On an error
/// nothing is removed, and *out is zeroed.
int loom_run_folder_open(loomRunFolder* out, const loomRunFolderDef* def, loomError* err);
/// Would loom_run_folder_open succeed as things are? For callers with much to do before: nothing is made,
/// removed or locked. Errors as above.
int loom_run_folder_check(const loomRunFolderDef* def, loomError* err);
/// Unlock it. Takes a zeroed one.
void loom_run_folder_close(loomRunFolder* folder);

/// Let other processes into a shared folder, once its settings are there.
void loom_run_folder_share(loomRunFolder* folder);
/// Whether nobody else is in a shared folder any more, and may come in no more.
bool loom_run_folder_is_last(const loomRunFolder* folder);

/// Remove the lock of a run that is gone (its machine may have gone with it, and its lock stayed), and its
/// files on their way. Only for whoever knows that nobody works there (engine/base/lease.h).
void loom_run_folder_clear(const char* path);

/// FOLDER/NAME.
void loom_run_folder_path(char out[LOOM_RUN_FILE_MAX], const loomRunFolder* folder, const char* name);
/// Whether NAME is there: what is written as a whole is done once it is.
bool loom_run_folder_has(const loomRunFolder* folder, const char* name);

/// Keep the settings in NAME; if they are there already, they must be the same (loom_settings_compare).
int loom_run_folder_settings(const loomRunFolder* folder, const char* name, const char* text, loomError* err);
/// LOOM_ERR_USAGE, with the first line that differs, unless both texts are the same. `where` is the file that
/// keeps `kept`, `alternative` as in loomRunFolderDef.
int loom_settings_compare(const char* where, const char* kept, const char* now, const char* alternative,
                          loomError* err);

/// Close it, and remove its own files and then the folder, unless others are in it. `last` (may be NULL) is a
/// file that stays until all others are gone: killed half-way, the folder is still known by it.
void loom_run_folder_remove(loomRunFolder* folder, const char* last);

#endif
