#include "engine/data/env_type.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/json.h"

// robosuite.environments.ALL_ENVIRONMENTS of both.
static const char* const robosuites[] = {
    "Door",
    "Lift",
    "NutAssembly",
    "NutAssemblyRound",
    "NutAssemblySingle",
    "NutAssemblySquare",
    "PickPlace",
    "PickPlaceBread",
    "PickPlaceCan",
    "PickPlaceCereal",
    "PickPlaceMilk",
    "PickPlaceSingle",
    "Stack",
    "ToolHang",
    "TwoArmHandover",
    "TwoArmLift",
    "TwoArmPegInHole",
    "TwoArmTransport",
    "Wipe",
};

// What the scenes of this house are called.
static const char ours[] = "Demoloom";

bool loom_env_is_robosuites(const char* env_name) {
  for (size_t i = 0; i < sizeof robosuites / sizeof *robosuites; i++)
    if (!strcmp(robosuites[i], env_name)) return true;
  return false;
}

char* loom_env_args_mended(const char* env_args) {
  cJSON* root = loom_json_read(env_args);
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "env_name"),
              *type = cJSON_GetObjectItemCaseSensitive(root, "type");
  bool wrong = cJSON_IsString(name) && !strncmp(name->valuestring, ours, strlen(ours)) &&
               cJSON_IsNumber(type) && type->valuedouble == LOOM_ENV_ROBOSUITE;

  // In its place, so that all else stays in order.
  char* text = NULL;
  if (wrong) {
    cJSON_ReplaceItemInObjectCaseSensitive(root, "type", cJSON_CreateNumber(LOOM_ENV_GYM));
    if (!cJSON_HasObjectItem(root, LOOM_ENV_SIMULATOR))
      cJSON_AddStringToObject(root, LOOM_ENV_SIMULATOR, LOOM_ENV_OURS);
    text = cJSON_PrintUnformatted(root);
  }

  cJSON_Delete(root);
  return text;
}
