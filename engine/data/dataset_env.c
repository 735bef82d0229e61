// What a dataset says of its environment, whoever recorded it.
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/data/dataset.h"
#include "engine/data/env_type.h"

bool loom_dataset_has_env_args(const loomDataset* dataset) {
  return loom_dataset_has_attr(dataset, "data", "env_args") || loom_dataset_has_attr(dataset, "data", "env");
}

static int read_text(char** out, const loomDataset* dataset, const char* name, loomError* err) {
  *out = NULL;
  return loom_dataset_has_attr(dataset, "data", name)
             ? loom_dataset_attr_string(out, dataset, "data", name, err)
             : 0;
}

// robosuite's recorders keep what the environment was made with, its name among it; robomimic wants the name
// beside it.
static char* join(const char* env, const char* version, cJSON* info) {
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "env_name", env);
  if (version) cJSON_AddStringToObject(root, "env_version", version);
  cJSON_AddNumberToObject(root, "type", LOOM_ENV_ROBOSUITE);
  if (info) cJSON_DeleteItemFromObjectCaseSensitive(info, "env_name");
  cJSON_AddItemToObject(root, "env_kwargs", info ? info : cJSON_CreateObject());

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

int loom_dataset_env_args(char** out, const loomDataset* dataset, loomError* err) {
  char *env = NULL, *info = NULL, *version = NULL;
  *out = NULL;
  if (loom_dataset_has_attr(dataset, "data", "env_args") || !loom_dataset_has_attr(dataset, "data", "env"))
    return loom_dataset_attr_string(out, dataset, "data", "env_args", err);

  int code = read_text(&env, dataset, "env", err);
  if (!code) code = read_text(&info, dataset, "env_info", err);
  if (!code) code = read_text(&version, dataset, "repository_version", err);

  // Without env_info only the name is known: the task says the rest.
  cJSON* kwargs = !code && info ? loom_json_read(info) : NULL;
  if (!code && info && !cJSON_IsObject(kwargs))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: the attribute env_info of data is no JSON object",
                          loom_dataset_path(dataset));
  if (code) {
    cJSON_Delete(kwargs);
  } else {
    *out = join(env, version, kwargs);
    if (!*out) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_args");
  }

  free(env);
  free(info);
  free(version);
  return code;
}
