// One writer of demos: the rows of a trace as a demo's arrays, under robomimic's and MimicGen's names.
// Generated, recorded and rolled-out episodes, DAgger's rounds and replayed datasets are all put together
// here. Internal.
#ifndef LOOM_ENGINE_RUN_RECORD_DEMO_H
#define LOOM_ENGINE_RUN_RECORD_DEMO_H

#include "engine/data/dataset.h"
#include "engine/run/trace.h"

/// Which arrays of a trace; together by |.
typedef enum loomDemoArrays {
  LOOM_DEMO_ACTIONS = 1 << 0,       // actions (rows x A)
  LOOM_DEMO_STATES = 1 << 1,        // states (rows x S)
  LOOM_DEMO_REWARDS = 1 << 2,       // rewards, dones (rows); the last row is done
  LOOM_DEMO_OBS = 1 << 3,           // obs/KEY (rows x dim)
  LOOM_DEMO_NEXT_OBS = 1 << 4,      // next_obs/KEY, a row later
  LOOM_DEMO_EEF_POSES = 1 << 5,     // datagen_info/eef_pose (rows x arms x 4 x 4)
  LOOM_DEMO_TARGETS = 1 << 6,       // datagen_info/target_pose (rows x arms x 4 x 4)
  LOOM_DEMO_GRIPPERS = 1 << 7,      // datagen_info/gripper_action (rows x arms)
  LOOM_DEMO_OBJECT_POSES = 1 << 8,  // datagen_info/object_poses/OBJECT (rows x 4 x 4)
  LOOM_DEMO_SUBTASKS = 1 << 9,      // datagen_info/subtask (rows x arms)
  LOOM_DEMO_SOURCES = 1 << 10,      // src_demo_labels (rows x arms)
} loomDemoArrays;

/// A demo that is being put together. Start with {0}, free with loom_demo_record_destroy. When memory runs
/// out the calls that add do nothing more, and the call that finishes says so.
typedef struct loomDemoRecord {
  int nfield, nattr;
  loomField* field;  // (nfield)
  loomAttr* attr;    // (nattr)
  void** owned;      // (nfield) data that is the record's own, or NULL
  bool out_of_memory;
} loomDemoRecord;

void loom_demo_record_destroy(loomDemoRecord* record);

/// Arrays of rows first .. first + rows - 1 of an episode's trace. Most are borrowed: the trace must stay as
/// it is until the record is written or kept.
void loom_demo_record_rows(loomDemoRecord* record, unsigned arrays, const loomTrace* trace,
                           const loomEpisode* episode, int first, int rows);
/// One more array of the caller's (shape), borrowed; path as in loomField, copied.
void loom_demo_record_array(loomDemoRecord* record, const char* path, loomType type, const void* data,
                            int rank, const int64_t* shape);
/// One more array for the caller to fill: zeros (shape), the record's own. NULL when out of memory.
void* loom_demo_record_room(loomDemoRecord* record, const char* path, loomType type, int rank,
                            const int64_t* shape);
/// A text attribute's text is borrowed.
void loom_demo_record_attr(loomDemoRecord* record, loomAttr attr);
/// Take array number `field` out again.
void loom_demo_record_remove(loomDemoRecord* record, int field);

/// Copy what is borrowed of arrays, so that the trace can be used again.
void loom_demo_record_keep(loomDemoRecord* record);

/// The record as loom_dataset_assemble and loom_shard_write take it, valid as long as the record. name is
/// borrowed; NULL where it is not needed. LOOM_ERR_MEMORY.
int loom_demo_record_finish(loomRecord* out, const loomDemoRecord* record, const char* name, loomError* err);
/// The record as a file of one demo. Errors: LOOM_ERR_MEMORY, and those of loom_shard_write.
int loom_demo_record_write(const char* path, const loomDemoRecord* record, const char* name,
                           const loomWriteDef* write, loomError* err);

#endif
