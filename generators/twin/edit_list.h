// The commands of a window in which a twin is edited, done one by one, undone and done again. They are kept
// in the folder, FOLDER/.edit, with the model and the task that they begin from, and all of them are done
// anew each time: so whatever comes to pass the folder is a task, and nothing that was done is lost.
// Internal.
#ifndef LOOM_GENERATORS_TWIN_EDIT_LIST_H
#define LOOM_GENERATORS_TWIN_EDIT_LIST_H

#include "generators/twin/edit.h"

typedef struct loomTwinList {
  char folder[LOOM_PATH_MAX];  // of the twin
  char path[LOOM_PATH_MAX];    // FOLDER/.edit/commands.yaml, a script of those that are done
  char base[LOOM_PATH_MAX];    // FOLDER/.edit: what they begin from
  int n, at;                   // commands, of which the first `at` are done and the others undone
  char** command;              // (n) lines of a script each, "- turn: {...}\n"; malloc'ed
  bool begun;                  // what they begin from is kept already
  uint64_t scene[2], task[2];  // hashes of the folder's files: as they are, as they are about to be
  uint64_t done;               // hash of the script that was last done to the folder
} loomTwinList;

/// Read what is kept of a folder, or begin. Nothing is written yet. *other: the folder was changed by
/// something else since, so that its list goes on with none; what was kept then is FOLDER/.edit/before.yaml
/// from the first save on. LOOM_ERR_USAGE: it is no twin; LOOM_ERR_FORMAT, LOOM_ERR_IO, LOOM_ERR_MEMORY.
int loom_twin_list_open(loomTwinList* out, const char* folder, bool* other, loomError* err);
void loom_twin_list_destroy(loomTwinList* list);

/// One more is done; those that were undone are forgotten. It is not read: doing it tells what is wrong.
int loom_twin_list_add(loomTwinList* list, const char* command, loomError* err);
/// Undo (-1) or redo (1) one; false where there is none.
bool loom_twin_list_step(loomTwinList* list, int way);
/// The last one turns out to be wrong: it never was.
void loom_twin_list_drop(loomTwinList* list);
/// Keep it in the folder. LOOM_ERR_IO, LOOM_ERR_MEMORY.
int loom_twin_list_save(loomTwinList* list, loomError* err);

/// The script of those that are done, "" where there are none; malloc'ed. Its lines have the numbers that
/// they have in the file.
int loom_twin_list_script(char** out, const loomTwinList* list, loomError* err);
/// Is the folder what that script makes of it?
bool loom_twin_list_is_done(const loomTwinList* list, const char* script);
/// LOOM_ERR_USAGE: something else has changed the folder meanwhile, which would be lost.
int loom_twin_list_check(const loomTwinList* list, loomError* err);
/// The folder's files are about to have these hashes (loomTwinSeen), by this script; then that they have.
int loom_twin_list_begin(loomTwinList* list, const loomTwinSeen* seen, loomError* err);
int loom_twin_list_end(loomTwinList* list, const char* script, loomError* err);

/// All of that in one: the folder becomes what the list says. def's folder, script, text and base are set
/// here, and its `seen` is not asked.
int loom_twin_list_do(loomTwinEdited* out, loomTwinList* list, const loomTwinEditDef* def, loomError* err);

#endif
