// What the parts of the training set share: demos and the cache that holds them (data_cache.c), the order of
// samples (data_order.c). Internal.
#ifndef LOOM_POLICIES_DATA_DATA_INTERNAL_H
#define LOOM_POLICIES_DATA_DATA_INTERNAL_H

#include "engine/data/dataset.h"
#include "engine/observe/observer.h"
#include "policies/data/data.h"

/// Where the hands were sent, (T x arms x 4 x 4).
#define LOOM_DATA_GOALS "datagen_info/target_pose"

typedef struct dataDemo {
  int file, index;  // in that file
  int rows;
  int first, samples;    // current rows first .. first + samples - 1
  int64_t bytes;         // in memory
  unsigned char* block;  // low, actions, visual keys, one after the other; NULL: not in the cache
  int older, newer;      // neighbors by last use, -1 = none
} dataDemo;

/// One sample of a block.
typedef struct dataSample {
  int demo, row;
} dataSample;

/// A file and where its stream of passes stands.
typedef struct dataFile {
  loomDataset* set;
  double weight;
  int first, demos;    // in loomData.demo
  int64_t samples;     // of a pass
  int64_t quota;       // samples of an epoch
  int64_t budget;      // bytes a block may have
  int64_t pass;        // whose order this is; -1 = none yet
  int* order;          // (demos) of that pass
  int64_t begin, end;  // the block's samples, counted from the begin of the pass
  size_t room;         // of `sample`
  dataSample* sample;  // (end - begin)
} dataFile;

typedef struct dataCache {
  int64_t limit;
  int oldest, newest;  // demos by last use; -1 = none
  loomDataUse use;
} dataCache;

struct loomData {
  loomDataDef def;  // file and key are NULL: see below
  loomDataInfo info;
  char* key_name[LOOM_DATA_KEYS];
  char* key_path[LOOM_DATA_KEYS];   // "obs/NAME", for messages
  loomObsKey seen[LOOM_DATA_KEYS];  // as the first demo has them, and all others must
  char* action_path;
  int raw_dim, arms;  // of an action in the files
  bool goals;         // the actions' poses are those of LOOM_DATA_GOALS
  int file_count;
  dataFile file[LOOM_DATA_FILES];
  int demo_count;
  dataDemo* demo;  // (demo_count) file by file
  dataCache cache;
  int64_t epoch;        // samples of an epoch, a multiple of the batch when shuffled
  unsigned char* slot;  // (epoch) the file of each sample of an epoch; NULL with a single file
  int64_t cursor;       // slots of the epoch that `count` has counted
  int64_t count[LOOM_DATA_FILES];
  int64_t* before;            // (demo_count) samples before each demo, for the unshuffled order
  dataSample* sample;         // (batch) scratch of the calling thread
  struct dataThread* thread;  // prefetching; NULL = none
};

/// Put demo into the cache, if it is not there, and make it the newest.
int loom_data_cache_get(loomData* data, int demo, loomError* err);
void loom_data_cache_clear(loomData* data);
/// Numbers of a row of all keys and actions, in bytes: low and actions, then visual keys.
int64_t loom_data_row_bytes(const loomData* data);
loomDataRows loom_data_view(const loomData* data, int demo);

/// Quotas, budgets and slots, once the demos are known.
int loom_data_order_create(loomData* data, loomError* err);
void loom_data_order_destroy(loomData* data);
/// The samples (up to batch) of a step; *n is how many.
int loom_data_order_batch(dataSample* out, int* n, loomData* data, int64_t step, loomError* err);

/// The batch itself, or the part of that number, in the calling thread. sample (batch) is scratch.
int loom_data_fill(loomBatch* out, dataSample* sample, loomData* data, int64_t number, loomError* err);
int loom_data_thread_create(loomData* data, loomError* err);
void loom_data_thread_destroy(loomData* data);
/// Until the thread has nothing in hand.
void loom_data_thread_wait(loomData* data);
int loom_data_thread_batch(loomBatch* out, loomData* data, int64_t step, int64_t next, loomError* err);

/// The row that stands for one past either end of a demo of `rows`.
static inline int loom_data_held(int row, int rows) {
  return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

#endif
