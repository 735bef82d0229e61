// Internal. What the files of LeRobot's layout share among themselves.
#ifndef LOOM_ENGINE_DATA_LEROBOT_INTERNAL_H
#define LOOM_ENGINE_DATA_LEROBOT_INTERNAL_H

#include <cjson/cJSON.h>

#include "engine/base/run_folder.h"
#include "engine/data/lerobot.h"
#include "engine/data/parquet.h"

#define LEROBOT_VERSION "v3.0"
#define LEROBOT_EXTRA "meta/demoloom.parquet"
/// The attribute of a demo that says in words what is done in it.
#define LEROBOT_INSTRUCTION "loom_instruction"

enum {
  LEROBOT_CHUNK = 1000,    // files in a folder
  LEROBOT_DATA_MB = 100,   // after which the next data file is begun
  LEROBOT_VIDEO_MB = 200,  // and the next film
  LEROBOT_GOP = 2,         // frames from one key frame to the next, as LeRobot's own: any is near one
  LEROBOT_QUANTILES = 5,   // 1, 10, 50, 90, 99 %
  LEROBOT_MEASURES = 4 + LEROBOT_QUANTILES,
  LEROBOT_FEATURES_MAX = 1024,
};

/// An array of demos that a feature is made of.
typedef struct lerobotPart {
  char* array;    // "obs/robot0_eef_pos"
  loomType type;  // of its numbers there
  int rank;       // of a row of it
  int64_t shape[LOOM_RANK_MAX];
  int64_t width;  // numbers in a row
} lerobotPart;

typedef enum lerobotKind {
  LEROBOT_COLUMN,  // of arrays of demos
  LEROBOT_VIDEO,   // films of one array, whose shape is height, width, 3
  LEROBOT_TIME,    // timestamp, s
  LEROBOT_FRAME,   // frame_index, within its episode
  LEROBOT_EPISODE,
  LEROBOT_INDEX,  // of the row, over all episodes
  LEROBOT_TASK,
} lerobotKind;

typedef struct lerobotFeature {
  char* name;  // "observation.state"
  lerobotKind kind;
  loomType type;  // of its column; LOOM_TYPE_U8 are truth values
  int64_t width;  // numbers in a row; of films 3, the channels that statistics are of
  int n;
  lerobotPart* part;  // (n)
} lerobotFeature;

/// Free with lerobot_features_destroy.
typedef struct lerobotFeatures {
  int n;
  lerobotFeature* feature;  // (n)
} lerobotFeatures;

/// From the arrays of the first demo.
int lerobot_features_make(lerobotFeatures* out, loomNames* left_out, const loomDataset* dataset,
                          const loomLerobotDef* def, loomError* err);
/// One more. Returns NULL when out of memory.
lerobotFeature* lerobot_features_add(lerobotFeatures* features, const char* name, lerobotKind kind,
                                     loomType type);
/// A part of it, of an array described without its axis of rows.
int lerobot_feature_part(lerobotFeature* feature, const char* array, loomType type, int rank,
                         const int64_t* shape);
void lerobot_features_destroy(lerobotFeatures* features);

/// info.json's `features`, and back: of `label` in messages. What is neither numbers nor a film is left out.
cJSON* lerobot_features_json(const lerobotFeatures* features, double fps, const char* codec);
int lerobot_features_parse(lerobotFeatures* out, loomNames* left_out, const cJSON* json, const char* label,
                           loomError* err);

/// "uint8", "float32", ... of a type, and back (false: none of these).
const char* lerobot_dtype(loomType type);
bool lerobot_type(loomType* out, const char* dtype);
/// Number i of a column goes to place `at` of an array of numbers, held to what its type has.
void lerobot_put_number(void* to, loomType type, int64_t at, const loomParquetValues* from, int64_t i);

// ---- statistics

/// Of one feature, in one episode or all. Free with lerobot_stats_destroy.
typedef struct lerobotStats {
  int64_t width;
  double count;    // rows
  double* number;  // (LEROBOT_MEASURES x width): min, max, mean, standard deviation, quantiles
} lerobotStats;

extern const char* const lerobot_measures[LEROBOT_MEASURES];  // "min", "max", "mean", "std", "q01", ...

int lerobot_stats_create(lerobotStats* out, int64_t width, loomError* err);
void lerobot_stats_destroy(lerobotStats* stats);
/// Of rows x width numbers in the given type. LOOM_ERR_MEMORY.
int lerobot_stats_rows(lerobotStats* out, const void* data, loomType type, int64_t rows, loomError* err);
/// Of pictures' bytes, counted by value (3 x 256), as shares of 255; frames is what counts.
void lerobot_stats_bytes(lerobotStats* out, int64_t seen[3][256], int64_t frames);
/// Add an episode's to those of all, as LeRobot does: quantiles are means of the episodes'.
void lerobot_stats_merge(lerobotStats* all, const lerobotStats* one);
/// stats.json: of films each measure is a (3 x 1 x 1) of lists.
cJSON* lerobot_stats_json(const lerobotFeatures* features, const lerobotStats* stats);

// ---- what is known of an episode

typedef struct lerobotPlace {
  int64_t file;        // number; chunk = file / LEROBOT_CHUNK
  double from, until;  // of films, s
} lerobotPlace;

typedef struct lerobotEpisode {
  int64_t index, first, rows;  // first: index of its first row over all
  const char* instruction;
  lerobotPlace data;
  const lerobotPlace* video;  // (features) of those that are films
  const lerobotStats* stats;  // (features)
} lerobotEpisode;

/// meta/episodes/chunk-000/file-000.parquet, written some hundred rows at a time.
typedef struct lerobotTable lerobotTable;
int lerobot_table_create(lerobotTable** out, const char* path, const lerobotFeatures* features,
                         loomError* err);
int lerobot_table_add(lerobotTable* table, const lerobotEpisode* episode, loomError* err);
int lerobot_table_finish(lerobotTable* table, loomError* err);  // frees it
void lerobot_table_abort(lerobotTable* table);

/// meta/tasks.parquet. The names are in the order of their numbers.
int lerobot_tasks_write(const char* path, const loomNames* tasks, loomError* err);

// ---- what is no row of numbers

/// Attributes of `data` (episode -1) and of demos, and masks, in LEROBOT_EXTRA.
typedef struct lerobotExtra {
  int64_t episode;
  const char *kind, *name, *value;  // kind: "string", "int", "float", "mask"; a mask's value is ""
} lerobotExtra;

typedef struct lerobotExtraWriter lerobotExtraWriter;
/// With those of `data`, and the masks.
int lerobot_extra_create(lerobotExtraWriter** out, const char* path, const loomDataset* dataset,
                         loomError* err);
int lerobot_extra_demo(lerobotExtraWriter* writer, int demo, loomError* err);
int lerobot_extra_finish(lerobotExtraWriter* writer, loomError* err);  // frees it
void lerobot_extra_abort(lerobotExtraWriter* writer);

/// May an attribute go along? Not private ones, nor those that are written anew with each file.
bool lerobot_extra_keeps(const char* name);
/// The file's rows; NULL columns where there is no such file. Free with loom_parquet_destroy.
int lerobot_extra_read(loomParquet* out, const char* path, loomError* err);
/// Row i of it.
lerobotExtra lerobot_extra_row(const loomParquet* table, int64_t i);

#endif
