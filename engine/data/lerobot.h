// Internal. Datasets in LeRobot's layout, version 3.0, written and read: a folder with meta/info.json,
// meta/stats.json, meta/tasks.parquet, meta/episodes/chunk-*/file-*.parquet, data/chunk-*/file-*.parquet and
// videos/KEY/chunk-*/file-*.mp4. Source: the code of the package lerobot 0.4.4 (Apache 2.0) and its
// documentation.
//
// What policies of theirs read: `action`; `observation.state`, the robots' observations side by side;
// `observation.environment_state`, the others; `observation.images.CAMERA`, films. `next.reward` and
// `next.done` are rewards and dones. All these are float32, as they expect them. Every other array of a demo
// becomes a column `demoloom.ARRAY` as exact as it was, actions and rewards too; what is no row of numbers
// (attributes, masks, models) goes to meta/demoloom.parquet. info.json says for each feature which arrays it
// is made of ("arrays"): so a dataset comes back as it went, but for observations in float32 and pictures as
// films have them.
#ifndef LOOM_ENGINE_DATA_LEROBOT_H
#define LOOM_ENGINE_DATA_LEROBOT_H

#include <stdbool.h>

#include "engine/data/dataset.h"

typedef struct loomLerobotDef {
  double fps;               // rows a second; 0: the control rate that env_args say
  const char* instruction;  // what is done, in words; NULL: each demo's own, or else the environment's name
  const char* state;        // observations with commas between, which become observation.state; NULL: robot*
  bool lean;                // only what their policies read: such a dataset does not come back whole
  bool overwrite;           // a dataset that is there already
  bool (*progress)(void* user, int done, int total);  // after each episode; true stops it. Nullable
  void* user;
} loomLerobotDef;

/// What was written or read. Free with loom_lerobot_told_destroy.
typedef struct loomLerobotTold {
  int episodes, videos;  // videos: files
  int64_t rows;
  loomNames left_out;  // what was not taken along, a line each with why
} loomLerobotTold;

loomLerobotDef loom_default_lerobot_def(void);
void loom_lerobot_told_destroy(loomLerobotTold* told);

/// Is there such a dataset: a folder with meta/info.json in it?
bool loom_lerobot_is(const char* folder);

/// Write all demos to a folder. LOOM_ERR_USAGE: a dataset is there, or demos that differ in their arrays;
/// LOOM_ERR_IO: it cannot be written, no room. On an error nothing of it stays.
int loom_lerobot_write(loomLerobotTold* told, const char* folder, const loomDataset* dataset,
                       const loomLerobotDef* def, loomError* err);

/// May the folder be written to? What loom_lerobot_write asks first, for callers with much to do before.
int loom_lerobot_check(const char* folder, const char* input, bool overwrite, loomError* err);

/// Read a folder into a file of demos at `path`, which must not be there. Features that are none of ours
/// become: `action` actions; `observation.images.CAMERA` obs/CAMERA_image; `observation.X` obs/X;
/// `next.reward`, `next.done` rewards, dones; others arrays of their names. LOOM_ERR_FORMAT names the file
/// that is damaged or does not fit the others; LOOM_ERR_UNSUPPORTED: another version, files too large.
int loom_lerobot_read(loomLerobotTold* told, const char* path, const char* folder, const loomLerobotDef* def,
                      loomError* err);

#endif
