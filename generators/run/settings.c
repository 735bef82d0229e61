#include "generators/run/settings.h"

#include <mujoco/mujoco.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/version.h"

void loom_settings_add_digest(cJSON* settings, const char* name, uint64_t digest) {
  char text[32];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
  cJSON_AddStringToObject(settings, name, text);
}

cJSON* loom_settings_begin(const char* command, const loomTask* task, const loomScene* scene, int reset,
                           uint64_t seed) {
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "command", command);
  cJSON_AddStringToObject(root, "version", loom_version());
  cJSON_AddStringToObject(root, "mujoco", mj_versionString());

  // Contents, by a number each.
  cJSON_AddStringToObject(root, "task", task->name);
  loom_settings_add_digest(root, "task_content", task->digest);
  if (scene)
    loom_settings_add_digest(root, "scene_content",
                             loom_hash(LOOM_HASH_SEED, scene->xml, strlen(scene->xml)));

  // JSON's numbers do not hold 64 bits.
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
  cJSON_AddStringToObject(root, "reset", task->resets[reset].name);
  cJSON_AddStringToObject(root, "seed", text);
  return root;
}

bool loom_gives_up(int64_t attempts, int64_t successes, int64_t most, int64_t hopeless) {
  if (most && attempts - successes >= most) return true;
  return hopeless && !successes && attempts >= hopeless;
}
