#include "policies/data/data_config.h"

// A weight is a share, of which only the ratio to the others counts.
static const double least_weight = 1e-12, most_weight = 1e12;

static const loomFieldDef file_rows[] = {
    LOOM_FIELD(loomDataConfigFile, TEXT, path, .about = "a dataset in robomimic's layout"),
    LOOM_FIELD(loomDataConfigFile, TEXT, mask, .about = "only the demos of that mask"),
    LOOM_FIELD(loomDataConfigFile, INT, first, .high = INT32_MAX, .about = "only so many demos; 0 = all"),
    LOOM_FIELD(loomDataConfigFile, REAL, weight, .least = least_weight, .most = most_weight,
               .about = "share of the samples; without weights by the number of samples"),
};
static const loomFields file_fields = LOOM_FIELDS(file_rows);

static const char* const poses[] = {"relative", "absolute", NULL};
static const char* const rotations[] = {"axis_angle", "6d", NULL};
static const char* const normals[] = {"none", "standard", "range", NULL};

#define COUNT(member) offsetof(loomDataConfig, member)

static const loomFieldDef rows[] = {
    LOOM_FIELD_AS("files", loomDataConfig, MAPS, file, .size = sizeof(loomDataConfigFile),
                  .count = COUNT(file_count), .items = &file_fields, .when = LOOM_DATA_TRAINS,
                  .about = "datasets to train on"),
    LOOM_FIELD_AS("keys", loomDataConfig, NAMES, key, .size = sizeof(loomName), .count = COUNT(key_count),
                  .about = "observations; A@B is the pose of A in B's frame"),
    LOOM_FIELD(loomDataConfig, TEXT, actions, .about = "array of the actions"),
    LOOM_FIELD(loomDataConfig, CHOICE, pose, .choices = poses,
               .about = "moves of the hands as recorded, or where they are to be"),
    LOOM_FIELD(loomDataConfig, CHOICE, rotation, .choices = rotations,
               .about = "three numbers of a rotation, or two columns of its matrix"),
    LOOM_FIELD(loomDataConfig, INT, arms, .high = 8, .about = "of an action; 0 = as the dataset says"),
    LOOM_FIELD(loomDataConfig, REAL, cache, .least = 1e-6, .most = 1e6, .when = LOOM_DATA_TRAINS,
               .unit = "GiB", .about = "demos held in memory"),
    LOOM_FIELD_AS("cloud_dropout", loomDataConfig, REAL, cloud.dropout, .most = 0.95,
                  .when = LOOM_DATA_CLOUDS,
                  .about = "share of a point cloud's points that training leaves out, each time others"),
    LOOM_FIELD_AS("cloud_jitter", loomDataConfig, REAL, cloud.jitter, .most = 1, .when = LOOM_DATA_CLOUDS,
                  .unit = "m", .about = "standard deviation by which it moves each point"),
    LOOM_FIELD_AS("cloud_shift", loomDataConfig, REAL, cloud.shift, .most = 1, .when = LOOM_DATA_CLOUDS,
                  .unit = "m", .about = "largest distance along each axis by which it moves a whole cloud"),
    LOOM_FIELD_AS("hand_noise", loomDataConfig, REAL, hand.position, .most = 1, .when = LOOM_DATA_HANDS,
                  .unit = "m", .about = "standard deviation by which training moves hands in keys as A@B"),
    LOOM_FIELD_AS("hand_turn", loomDataConfig, REAL, hand.rotation, .most = 1, .when = LOOM_DATA_HANDS,
                  .unit = "rad", .about = "standard deviation by which it turns them"),
    LOOM_FIELD(loomDataConfig, CHOICE, obs_normal, .choices = normals,
               .about = "how observations are scaled"),
    LOOM_FIELD(loomDataConfig, CHOICE, action_normal, .choices = normals, .about = "how actions are scaled"),
    LOOM_FIELD(loomDataConfig, INT, stack, .low = 1, .high = 1000, .when = LOOM_DATA_SEQUENCE, .unit = "rows",
               .about = "seen at once, up to the current one"),
    LOOM_FIELD(loomDataConfig, INT, length, .low = 1, .high = 1000, .when = LOOM_DATA_SEQUENCE,
               .unit = "rows", .about = "of actions learned from one sample, from the current one on"),
};
const loomFields loom_data_fields = LOOM_FIELDS(rows);

loomDataConfig loom_default_data_config(void) {
  return (loomDataConfig){.actions = "actions",
                          .cache = 2,
                          .obs_normal = LOOM_NORMAL_STANDARD,
                          .action_normal = LOOM_NORMAL_RANGE,  // mixtures' means are bounded
                          .stack = 1,
                          .length = 1};
}

static int check_files(const loomDataConfig* c, const loomYaml* y, loomNode map, loomError* err) {
  loomNode list = loom_yaml_get(y, map, "files");
  int weighted = 0;

  if (c->file_count < 1)
    return loom_fields_error(y, map, "files", err, "expected a list of 1 to %d files", LOOM_DATA_FILES);

  for (int i = 0; i < c->file_count; i++) {
    if (!c->file[i].path[0]) return loom_yaml_error(y, loom_yaml_item(y, list, i), "path", err, "missing");
    weighted += c->file[i].weight > 0;
  }

  // A weight is a share of the samples, which a file without one would have none of.
  if (weighted && weighted < c->file_count)
    return loom_yaml_error(y, list, "files", err, "either all files have a weight, or none");
  return LOOM_OK;
}

int loom_data_config_check(const loomDataConfig* c, bool trains, const loomYaml* y, loomNode map,
                           loomError* err) {
  int code = trains ? check_files(c, y, map, err) : LOOM_OK;
  if (code) return code;

  if (!loom_yaml_get(y, map, "keys")) return loom_yaml_error(y, map, "keys", err, "missing");
  if (!c->key_count) return loom_fields_error(y, map, "keys", err, "names no observation");

  // A move would have to be another one from there.
  const char* hand = loom_yaml_get(y, map, "hand_noise") ? "hand_noise" : "hand_turn";
  if (c->pose != 1 && loom_hand_noise_any(&c->hand) && loom_yaml_get(y, map, hand))
    return loom_fields_error(y, map, hand, err,
                             "is for actions that say where hands are to be (pose: absolute)");
  return LOOM_OK;
}

bool loom_cloud_noise_any(const loomCloudNoise* noise) {
  return noise->dropout > 0 || noise->jitter > 0 || noise->shift > 0;
}

bool loom_hand_noise_any(const loomHandNoise* noise) {
  return noise->position > 0 || noise->rotation > 0;
}

loomActionForm loom_data_config_form(const loomDataConfig* c) {
  return (loomActionForm){c->pose == 1, c->rotation == 1};
}

loomHandNoise loom_data_config_hand(const loomDataConfig* c) {
  return loom_data_config_form(c).absolute ? c->hand : (loomHandNoise){0};
}

loomDataDef loom_data_config_def(const char* key[LOOM_DATA_KEYS], const loomDataConfig* c) {
  loomDataDef def = loom_default_data_def();
  for (int i = 0; i < c->key_count; i++) key[i] = c->key[i];
  def.key = key;
  def.key_count = c->key_count;
  def.action = c->actions;
  def.form = loom_data_config_form(c);
  def.arms = c->arms;
  return def;
}
