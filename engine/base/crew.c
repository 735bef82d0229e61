#include "engine/base/crew.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"

bool loom_crew_is_done(const char* folder) {
  char path[LOOM_PATH_MAX + 16];
  snprintf(path, sizeof path, "%.*s/" LOOM_CREW_DONE, LOOM_PATH_MAX, folder);
  return !access(path, F_OK);
}

// Whoever is the last in a folder that nobody needs any more removes it.
static void leave(loomCrew* crew, bool needed) {
  loomRunFolder* folder = &crew->folder;
  if (folder->def.path && folder->def.shared && !needed && loom_run_folder_is_last(folder))
    loom_run_folder_remove(folder, LOOM_CREW_DONE);
  else
    loom_run_folder_close(folder);
  *crew = (loomCrew){0};
}

void loom_crew_leave(loomCrew* crew) {
  leave(crew, !crew->folder.def.path || !loom_crew_is_done(crew->folder.def.path));
}

int loom_crew_join(loomCrew* crew, bool* complete, const char* out, const loomRunFolderDef* def,
                   loomError* err) {
  *crew = (loomCrew){0};

  for (;;) {
    *complete = access(def->path, F_OK) && !access(out, F_OK);
    if (*complete) return LOOM_OK;
    int code = loom_run_folder_open(&crew->folder, def, err);
    if (code) return code;

    // Done meanwhile: what was there is there no more, or is about to go.
    *complete = loom_crew_is_done(def->path) || (!crew->folder.resumed && !access(out, F_OK));
    if (!*complete) return LOOM_OK;
    leave(crew, false);
    if (!access(out, F_OK)) return LOOM_OK;

    // A killed run's leftovers, of a file that somebody has taken away.
    *complete = false;
    if (!access(def->path, F_OK))
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: was made, and is there no more; remove %s to begin anew", out, def->path);
  }
}

int loom_crew_begin(loomCrew* crew, loomError* err) {
  char mark[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(mark, &crew->folder, crew->folder.def.mark);
  if (stat(mark, &crew->begun))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", mark, strerror(errno));
  loom_run_folder_share(&crew->folder);
  return LOOM_OK;
}

bool loom_crew_is_over(const loomCrew* crew) {
  char mark[LOOM_RUN_FILE_MAX];
  struct stat now;
  loom_run_folder_path(mark, &crew->folder, crew->folder.def.mark);
  return stat(mark, &now) || now.st_ino != crew->begun.st_ino || now.st_dev != crew->begun.st_dev;
}

int loom_crew_finish(loomCrew* crew, loomError* err) {
  char from[LOOM_RUN_FILE_MAX], to[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(from, &crew->folder, crew->folder.def.mark);
  loom_run_folder_path(to, &crew->folder, LOOM_CREW_DONE);
  return loom_file_move(from, to, err);
}
