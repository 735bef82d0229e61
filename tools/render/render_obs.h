// What the files of `demoloom render --obs` have in common: render_obs.c (pictures and the dataset) and
// render_obs_folder.c (the folder of shards, which several processes may share).
#ifndef LOOM_TOOLS_RENDER_RENDER_OBS_H
#define LOOM_TOOLS_RENDER_RENDER_OBS_H

#include "engine/base/crew.h"
#include "engine/base/share.h"
#include "engine/observe/sense.h"
#include "tools/render/render_run.h"

enum { RENDER_OBS_KEYS = RENDER_MAX_CAMERAS * RENDER_MODES + 1, RENDER_OBS_PATH = 2 * LOOM_NAME_MAX };

typedef struct obsRun {
  const renderArgs* args;
  const loomTask* task;
  const loomDataset* dataset;
  loomSenseDef sense;
  int keys;
  loomObsKey key[RENDER_OBS_KEYS];
  char path[RENDER_OBS_KEYS][RENDER_OBS_PATH];  // "obs/front_image"
  char dir[LOOM_PATH_MAX];                      // OUT.images, of the shards
  uint64_t hash;                                // of what decides the pictures but for the demo
  int per;                                      // items of a demo: as it is, and in other contexts
  int items;
  bool* bad;              // (items) could not be drawn
  int64_t* pictures;      // (items) to be drawn
  int64_t drawn, total;   // pictures
  int finished;           // demos written
  bool told;              // whether the disk has room for all
  double begun, seconds;  // that drawing took

  char* settings;       // what decides the dataset, as JSON
  loomCrew crew;        // the folder
  loomShare* share;     // NULL: no other process is at work
  loomShareRun pieces;  // its items
  bool complete;        // the dataset is there already
  bool made;            // it was written by this process
} obsRun;

/// A demo as it is, or in a context: items are numbered demo by demo, the source's context first.
static inline int render_obs_demo(const obsRun* run, int item) {
  return run->args->demos[item / run->per];
}
static inline int render_obs_context(const obsRun* run, int item) {
  return item % run->per;
}

/// The number that a context is drawn by, and called by.
static inline uint64_t render_obs_context_number(const obsRun* run, int item) {
  uint64_t k = (uint64_t)render_obs_context(run, item) - 1;
  return run->args->same_contexts ? k : (uint64_t)render_obs_demo(run, item) * (uint64_t)(run->per - 1) + k;
}

/// Where an item's pictures lie.
void render_obs_shard(char path[LOOM_PATH_MAX], const obsRun* run, int item);

/// Begin the run in the folder, go on with it, join it, or find that it is complete.
int render_obs_open(obsRun* run, loomError* err);
/// Of a shared run: an item that cannot be drawn, for the others to know.
int render_obs_leave_out(const obsRun* run, int worker, int item, const char* why, loomError* err);
/// `make` the dataset, which one process does, while others wait.
int render_obs_finish(obsRun* run, int (*make)(void* user, loomError* err), loomError* err);
/// How a run that ended early goes on: "--resume goes on".
const char* render_obs_goes_on(const obsRun* run);
/// Nothing is left of a run whose dataset is there, once nobody is in its folder any more.
void render_obs_leave(obsRun* run);

#endif
