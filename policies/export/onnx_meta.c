// What an exported policy says of itself, so that nobody needs the program that made it: frames, units and
// ranges of what it sees, what the entries of its actions are, how often it decides. No paths of this
// machine.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset.h"
#include "engine/observe/framed.h"
#include "engine/observe/sense.h"
#include "policies/export/onnx_internal.h"

// robosuite's observations by their endings.
static const struct {
  const char *ending, *unit, *frame;
} known[] = {
    {"_joint_pos", "rad", NULL},         {"_joint_pos_cos", NULL, NULL},
    {"_joint_pos_sin", NULL, NULL},      {"_joint_vel", "rad/s", NULL},
    {"_eef_pos", "m", "world"},          {"_eef_quat", "quaternion x-y-z-w", "world"},
    {"_gripper_qpos", "m or rad", NULL}, {"_gripper_qvel", "m/s or rad/s", NULL},
};

static void add_json(const loomExporter* e, const char* key, cJSON* json) {
  char* text = json ? cJSON_PrintUnformatted(json) : NULL;
  if (text)
    loom_onnx_meta(e->g, key, text);
  else
    loom_onnx_fail(e->g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");
  cJSON_free(text);
  cJSON_Delete(json);
}

static void add_numbers(cJSON* to, const char* key, const double* x, int n) {
  cJSON* list = cJSON_AddArrayToObject(to, key);
  for (int i = 0; i < n; i++) {
    char text[32];
    snprintf(text, sizeof text, "%.7g", x[i]);
    cJSON_AddItemToArray(list, cJSON_CreateRaw(text));
  }
}

// ---- what it sees

static void add_meaning(cJSON* one, const char* name) {
  loomFramed framed;
  if (loom_framed_parse(&framed, name)) {
    cJSON_AddStringToObject(one, "of", framed.of);
    cJSON_AddStringToObject(one, "frame", framed.in);
    cJSON_AddStringToObject(one, "unit", "position m, then two columns of the rotation matrix");
    return;
  }

  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t ending = strlen(known[i].ending);
    if (length <= ending || strcmp(name + length - ending, known[i].ending) != 0) continue;
    if (known[i].unit) cJSON_AddStringToObject(one, "unit", known[i].unit);
    if (known[i].frame) cJSON_AddStringToObject(one, "frame", known[i].frame);
    return;
  }
}

// The ranges are of the data that it has learned from: the graph scales by itself.
static cJSON* observations(const loomTrained* t) {
  cJSON* list = cJSON_CreateArray();
  for (int i = 0, from = 0; i < t->config.data.key_count; i++) {
    loomObsKey key = loom_trained_key(t, i);
    cJSON *one = cJSON_CreateObject(), *shape = NULL;
    cJSON_AddStringToObject(one, "name", key.name);

    if (t->shape[i][0] == 1) {
      add_meaning(one, key.name);
      add_numbers(one, "low", t->obs.low + from, t->dim[i]);
      add_numbers(one, "high", t->obs.high + from, t->dim[i]);
      from += t->dim[i];
    } else if (t->shape[i][0] == 2) {
      cJSON_AddStringToObject(one, "unit", "m");
      cJSON_AddStringToObject(one, "frame", "world");
    } else {
      cJSON_AddStringToObject(one, "camera", key.camera);
      cJSON_AddStringToObject(one, "unit", "0 to 1");
    }
    shape = cJSON_AddArrayToObject(one, "shape");
    for (int k = 0; k < key.rank; k++) cJSON_AddItemToArray(shape, cJSON_CreateNumber(key.shape[k]));
    cJSON_AddItemToArray(list, one);
  }
  return list;
}

// ---- what it does

// The number behind a word, "eef1@world"; -1 where the name does not begin so.
static int numbered(const char* name, const char* word) {
  size_t n = strlen(word);
  if (strncmp(name, word, n) != 0 || name[n] < '0' || name[n] > '9') return -1;
  return (int)strtol(name + n, NULL, 10);
}

// Of how many arms an action is: as the data was said to have, else as many as its keys name.
static int arms_of(const loomTrained* t) {
  int arms = t->config.data.arms;

  for (int i = 0; !t->config.data.arms && i < t->config.data.key_count; i++) {
    int hand = numbered(t->config.data.key[i], "eef"), robot = numbered(t->config.data.key[i], "robot");
    int n = hand > robot ? hand : robot;
    if (n >= arms && n < LOOM_MAX_ARMS) arms = n + 1;
  }
  return arms;
}

static void add_part(cJSON* arm, const char* name, int* from, int n) {
  cJSON* part = cJSON_AddArrayToObject(arm, name);
  cJSON_AddItemToArray(part, cJSON_CreateNumber(*from));
  *from += n;
  cJSON_AddItemToArray(part, cJSON_CreateNumber(*from));
}

// Entries [first, after the last) of each arm's position, rotation and gripper. NULL: nobody knows, or they
// are joints.
static cJSON* layout(const loomTrained* t) {
  if (!t->config.data.pose && t->driven && strstr(t->driven, "JOINT_")) return NULL;

  int arms = arms_of(t), turn = t->config.data.rotation ? 6 : 3;
  int each = arms ? t->actions.dim / arms : 0;
  if (!arms || each * arms != t->actions.dim || each < 3 + turn) return NULL;

  cJSON* list = cJSON_CreateArray();
  for (int a = 0, from = 0; a < arms; a++) {
    cJSON* arm = cJSON_CreateObject();
    add_part(arm, "position", &from, 3);
    add_part(arm, "rotation", &from, turn);
    add_part(arm, "gripper", &from, each - 3 - turn);
    cJSON_AddItemToArray(list, arm);
  }
  return list;
}

static void put_actions_told(const loomExporter* e) {
  const loomTrained* t = e->trained;
  const loomDataConfig* data = &t->config.data;
  cJSON *parts = layout(t), *range = cJSON_CreateObject();
  add_numbers(range, "low", t->actions.low, t->actions.dim);
  add_numbers(range, "high", t->actions.high, t->actions.dim);

  // As they were learned; whoever runs the graph turns them into the controller's.
  loom_onnx_meta(e->g, "actions", data->actions);
  loom_onnx_meta(e->g, "action_pose", data->pose ? "absolute" : "relative");
  loom_onnx_meta(e->g, "action_rotation", data->rotation ? "6d" : "axis_angle");
  loom_onnx_meta(e->g, "action_frame", data->pose ? "world" : "the controller's");
  loom_onnx_meta(e->g, "action_unit",
                 data->pose
                     ? "goals of the end effectors, m and rotation; grippers -1 open to 1 closed"
                     : "the controller's input, see env_args: its output_max, m and rad, is input_max");
  if (parts) add_json(e, "action_layout", parts);
  add_json(e, "action_range", range);
}

// ---- all of it

// How it was made, without the folders of whoever made it.
static char* settings(const loomPolicyConfig* config) {
  loomPolicyConfig told = *config;
  const char* last = strrchr(config->task, '/');
  while (last && last > config->task && last[-1] != '/') last--;
  if (last) snprintf(told.task, sizeof told.task, "%s", last);
  return loom_policy_config_text(&told);
}

static void put_number(const loomExporter* e, const char* key, double value) {
  char number[64];
  snprintf(number, sizeof number, "%.10g", value);
  loom_onnx_meta(e->g, key, number);
}

void loom_onnx_put_meta(const loomExporter* e, double control_freq) {
  const loomTrained* t = e->trained;
  char *yaml = settings(&t->config), *sense = loom_sense_text(&t->sense), *driven = NULL;
  if (!yaml || !sense) loom_onnx_fail(e->g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");

  loom_onnx_meta(e->g, "kind", loom_policy_kind_name((loomPolicyKind)t->config.policy.kind));
  put_actions_told(e);
  add_json(e, "observations", observations(t));
  put_number(e, "observed_rows", loom_network_seen(e->def));
  put_number(e, "decided_rows", loom_network_decided(e->def));
  loom_onnx_meta(e->g, "history", "oldest row first; before an episode's first row come copies of it");
  if (control_freq > 0) put_number(e, "control_freq", control_freq);

  // Rate, robots and controllers of its data; how its pictures and clouds are made.
  if (t->driven) driven = loom_private_text(t->driven);
  if (driven) loom_onnx_meta(e->g, "env_args", driven);
  for (int i = 0; sense && i < t->config.data.key_count; i++)
    if (loom_trained_visual(t, i)) loom_onnx_meta(e->g, "sense", sense), i = t->config.data.key_count;

  if (yaml) loom_onnx_meta(e->g, "config", yaml);
  loom_onnx_meta(e->g, LOOM_ONNX_LAST, "demoloom policy 1");
  free(yaml);
  free(sense);
  free(driven);
}
