// The section `data` of a training configuration: what is trained on, what a policy sees of it, and what its
// actions are. A policy's file has those that acting needs.
#ifndef LOOM_POLICIES_DATA_DATA_CONFIG_H
#define LOOM_POLICIES_DATA_DATA_CONFIG_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "engine/task/task.h"
#include "policies/data/data.h"
#include "policies/data/normal.h"

LOOM_C_BEGIN

typedef struct loomDataConfigFile {
  char path[LOOM_PATH_MAX];  // from where the program runs
  loomName mask;             // "" = all demos
  int first;                 // so many demos, from the first on; 0 = all. Not for validation
  double weight;             // 0 = by its number of samples
} loomDataConfigFile;

/// How point clouds are made worse in training, each time anew (policies/data/cloud_noise.h); 0 = not.
typedef struct loomCloudNoise {
  double dropout;  // share of a cloud's points
  double jitter;   // m, standard deviation of each point along each axis
  double shift;    // m, largest of a whole cloud along each axis
} loomCloudNoise;

/// How far hands are moved in what is seen in training, each time anew (policies/data/hand_noise.h); 0 = not.
typedef struct loomHandNoise {
  double position;  // m, standard deviation along each axis of the hand
  double rotation;  // rad, about each
} loomHandNoise;

typedef struct loomDataConfig {
  int file_count;
  loomDataConfigFile file[LOOM_DATA_FILES];
  int key_count;
  loomName key[LOOM_DATA_KEYS];
  loomName actions;
  int pose, rotation;  // 0 relative, 1 absolute; 0 axis-angle, 1 six numbers (loomActionForm)
  int arms;            // of an action; 0 = as the dataset says
  double cache;        // GiB
  loomCloudNoise cloud;
  loomHandNoise hand;
  int obs_normal, action_normal;  // loomNormalKind
  int stack, length;              // rows seen before and from the current one; not for diffusion
} loomDataConfig;

/// What a field is for (loom_fields_read).
enum {
  LOOM_DATA_TRAINS = 1,    // a training set is read
  LOOM_DATA_SEQUENCE = 2,  // its windows are of stack and length; other networks say theirs themselves
  LOOM_DATA_CLOUDS = 4,    // its point clouds are made worse
  LOOM_DATA_HANDS = 8,     // its hands are moved
};

extern const loomFields loom_data_fields;

loomDataConfig loom_default_data_config(void);  // one row, scaled by mean and deviation, actions by range
/// What no single key shows to be wrong in the map that it was read from: keys there have to be, and files
/// where it trains. LOOM_ERR_FORMAT.
int loom_data_config_check(const loomDataConfig* config, bool trains, const loomYaml* y, loomNode map,
                           loomError* err);
/// Whether any of it is not 0.
bool loom_cloud_noise_any(const loomCloudNoise* noise);
bool loom_hand_noise_any(const loomHandNoise* noise);
/// How far hands are moved: not at all where actions are moves, which would be others from elsewhere.
loomHandNoise loom_data_config_hand(const loomDataConfig* config);
/// What the policy's actions are.
loomActionForm loom_data_config_form(const loomDataConfig* config);
/// Its keys (put into `key`, which has to stay as long as the definition is used) and actions; all else is
/// the default's, and no file is named yet.
loomDataDef loom_data_config_def(const char* key[LOOM_DATA_KEYS], const loomDataConfig* config);

LOOM_C_END

#endif
