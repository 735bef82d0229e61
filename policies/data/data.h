// A training set over robomimic files: windows of observations and actions, in an order that is a pure
// function of the seed, streamed through a cache of bounded size.
//
// The order. Each file is passed over again and again. A pass takes the file's demos in a new shuffled order,
// cut into blocks that fit their share of the cache, and the samples of a block in shuffled order: every
// sample comes up exactly once a pass, and a demo is loaded once a pass however small the cache is. When all
// demos fit into the cache a block is the whole file, and the shuffle is a full one. Files of a co-training
// mixture are passed over side by side, each as often as its weight says; every batch has them in proportion.
#ifndef LOOM_POLICIES_DATA_DATA_H
#define LOOM_POLICIES_DATA_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "policies/data/action.h"

LOOM_C_BEGIN

enum { LOOM_DATA_KEYS = 32, LOOM_DATA_FILES = 128 };

typedef struct loomDataFile {
  const char* path;
  const char* mask;  // "train": only the demos of mask/train; NULL = all
  double weight;     // share of the samples drawn from this file, relative to the others'; 0 for all files
                     // = as many as each has
  int first;         // so many of these demos, in the file's order; 0 = all
} loomDataFile;

/// Rows of a sample around its current row t: t - before .. t - before + length - 1.
typedef struct loomWindow {
  int before, length;
} loomWindow;

typedef struct loomDataDef {
  int file_count;
  const loomDataFile* file;  // (file_count)
  int key_count;
  const char* const* key;  // (key_count) observations, without the leading "obs/"
  const char* action;      // array of the actions; default "actions"
  /// What batches have of them. Absolute ones come from datagen_info/target_pose, or from `action` itself
  /// where that is another than "actions" (robomimic's actions_abs).
  loomActionForm form;
  int arms;  // whose numbers an action has side by side; 0 = as many as datagen_info/target_pose
  loomWindow obs, actions;
  bool pad_start, pad_end;  // windows may reach over a demo's ends, whose first or last row is repeated there
                            // (robomimic's pad_frame_stack and pad_seq_length); default true
  int batch;                // samples of a batch
  int parts;     // in which a batch is asked for (loom_data_part); 0 or 1: it is asked for as a whole
  bool shuffle;  // false: every sample once in the files' order, the last batch short; for validation
  uint64_t seed;
  int64_t cache_bytes;  // of demos held in memory; default 2 GB
  bool prefetch;        // a thread makes the next batch meanwhile; default true
} loomDataDef;

loomDataDef loom_default_data_def(void);  // one row of each, batches of 100
/// robomimic's windows: `length` rows from the current one on, after stack - 1 earlier ones.
void loom_data_sequence(loomDataDef* def, int stack, int length);
/// Diffusion Policy's (Chi et al., 2023): `seen` rows of observations up to the current one, a chunk of
/// `chunk` actions that begins with the first of them.
void loom_data_chunk(loomDataDef* def, int seen, int chunk);

/// One observation key. Keys of one number or vector a row are "low-dimensional" and share one block; images
/// and point clouds have one each.
typedef struct loomDataKey {
  const char* name;
  int rank;          // axes of a row, 0 .. 3
  int64_t shape[3];  // of a row as batches have it: images are channels x height x width
  int dim;           // numbers of a row
  int offset;        // in the low-dimensional block, or -1
  bool bytes;        // uint8 images; batches have them as 0 .. 1
} loomDataKey;

typedef struct loomDataInfo {
  int key_count;
  loomDataKey key[LOOM_DATA_KEYS];
  int low_dim, action_dim;
  int arms;  // of an action; 0 = not told
  int files, demos;
  int64_t rows, samples;
  int64_t bytes;    // of all demos in memory
  int64_t batches;  // of one epoch: as many as it takes to go over all samples once
} loomDataInfo;

typedef struct loomData loomData;

/// Open the files and check every demo's shapes. LOOM_ERR_FORMAT names file, demo and key of what does not
/// fit; LOOM_ERR_USAGE: a demo that the cache cannot hold, a window longer than all demos.
int loom_data_open(loomData** out, const loomDataDef* def, loomError* err);
void loom_data_close(loomData* data);
const loomDataInfo* loom_data_info(const loomData* data);

/// Blocks that take a batch. Any pointer may be NULL: that part is not copied.
typedef struct loomBatch {
  int n;                          // samples
  float* low;                     // (batch x obs.length x low_dim)
  float* visual[LOOM_DATA_KEYS];  // (batch x obs.length x dim) of keys without a place in `low`
  float* actions;                 // (batch x actions.length x action_dim)
  float* real;                    // (batch x actions.length) 1, or 0 where an action is padding
  int* demo;                      // (batch) which demo of loom_data_demo_name
  int* row;                       // (batch) the current row
  unsigned* shut;                 // (batch) bit a: arm a's gripper is told other than as the demo began
} loomBatch;

/// Room for one batch of all parts. LOOM_ERR_MEMORY.
int loom_batch_create(loomBatch* batch, const loomData* data, loomError* err);
void loom_batch_destroy(loomBatch* batch);

/// Batch number `step`, counted from 0 over all epochs (without shuffling it begins anew after each epoch).
/// The same step gives the same batch, whatever was asked before; going up by one is fast. Errors name file,
/// demo, key and row of a number that is not finite. Not from two threads at once.
int loom_data_batch(loomBatch* out, loomData* data, int64_t step, loomError* err);

/// Of a batch that is asked for in parts, number step x parts + which: as even as can be, in order. `next` is
/// the number that is probably asked for next.
int loom_data_part(loomBatch* out, loomData* data, int64_t number, int64_t next, loomError* err);

/// How file number `file` says that its pictures and point clouds were made (loom_sense_parse), malloc'ed;
/// NULL where it does not.
char* loom_data_sense(const loomData* data, int file);

/// How the robots of file number `file` were driven (loom_env_args_driven), malloc'ed; NULL where it does not
/// say.
char* loom_data_driven(const loomData* data, int file);

/// A picture as batches have it, out (colors x pixels), from one with the colors of a pixel side by side,
/// of uint8 (0 .. 1 then) or of floats.
void loom_data_picture(float* out, const void* from, bool bytes, int64_t colors, int64_t pixels);

const char* loom_data_file_path(const loomData* data, int file);
/// File and demo of a batch's `demo`.
const char* loom_data_demo_path(const loomData* data, int demo);
const char* loom_data_demo_name(const loomData* data, int demo);

/// One demo as it lies in the cache, valid until the next call on data.
typedef struct loomDataRows {
  int rows;
  const float* low;                    // (rows x low_dim)
  const float* actions;                // (rows x action_dim)
  const void* visual[LOOM_DATA_KEYS];  // (rows x dim) uint8_t or float, NULL for low-dimensional keys
} loomDataRows;

/// Demo by demo, for statistics. Waits for the prefetching thread.
int loom_data_rows(loomDataRows* out, loomData* data, int demo, loomError* err);

/// What the cache did so far.
typedef struct loomDataUse {
  int64_t loads;        // demos read from files
  int64_t bytes, peak;  // held now, and at most
} loomDataUse;
loomDataUse loom_data_use(loomData* data);

LOOM_C_END

#endif
