// The folder of a run that several processes make together, each begun by the same command: whoever comes
// first begins the run there while the others wait, whoever comes later joins it or finds it done, and the
// last to leave a finished one clears up. The pieces of work are shared out as in engine/base/share.h.
// Internal.
#ifndef LOOM_ENGINE_BASE_CREW_H
#define LOOM_ENGINE_BASE_CREW_H

#include <sys/stat.h>

#include "engine/base/run_folder.h"

/// What the folder's mark is called once what the run is for is there: a run that is killed while it clears
/// up is done all the same.
#define LOOM_CREW_DONE "done"

/// A folder that has been joined. Zeroed: none.
typedef struct loomCrew {
  loomRunFolder folder;
  struct stat begun;  // its mark: another one there is another run's
} loomCrew;

/// Join the run that makes the file `out` in a folder (shared, LOOM_FOLDER_RESUME), or be the first there:
/// then nobody else comes in until loom_crew_begin, by which time the mark is there. *complete: `out` is
/// there, its run over, and nothing was joined; whose it is is for the caller to look at. LOOM_ERR_USAGE: it
/// was made and is there no more; and as loom_run_folder_open.
int loom_crew_join(loomCrew* crew, bool* complete, const char* out, const loomRunFolderDef* folder,
                   loomError* err);
/// The settings are there: let others in.
int loom_crew_begin(loomCrew* crew, loomError* err);

/// Whether another process has finished the run.
bool loom_crew_is_over(const loomCrew* crew);
/// It is finished: from here on all others, and whoever comes, know.
int loom_crew_finish(loomCrew* crew, loomError* err);
/// Takes a zeroed one.
void loom_crew_leave(loomCrew* crew);

/// Whether the folder is one whose run is done.
bool loom_crew_is_done(const char* folder);

#endif
