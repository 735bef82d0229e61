#include "engine/sim/midway.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"

void loom_midway_take(loomHands* out, const loomEpisode* e) {
  memset(out, 0, sizeof *out);
  for (int a = 0; a < e->arm_count; a++) {
    const struct loomArmState* s = &e->arms[a].state;
    memcpy(out->told[a], s->hand_action, sizeof out->told[a]);
    memcpy(out->command[a], s->grip, sizeof out->command[a]);
  }
}

void loom_midway_put(loomEpisode* e, const loomHands* hands) {
  for (int a = 0; a < e->arm_count; a++) loom_arm_put_hand(&e->arms[a], hands->told[a], hands->command[a]);
}

// ---- as text

// Each bit of it counts: cJSON rounds to 15 digits where that is nearly the same.
static cJSON* numbers_json(const double* x, int n) {
  cJSON* out = cJSON_CreateArray();
  for (int i = 0; i < n; i++) {
    char text[32];
    snprintf(text, sizeof text, "%.17g", x[i]);
    cJSON_AddItemToArray(out, cJSON_CreateRaw(text));
  }
  return out;
}

int loom_midway_text(char** out, const loomHands* hands, const loomEpisode* e, loomError* err) {
  cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "hands");
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    cJSON* hand = cJSON_CreateObject();
    cJSON_AddItemToObject(hand, "told", numbers_json(hands->told[a], arm->robot->gripper_dim));
    cJSON_AddItemToObject(hand, "command", numbers_json(hands->command[a], arm->hand_n));
    cJSON_AddItemToArray(list, hand);
  }

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  *out = text ? strdup(text) : NULL;
  cJSON_free(text);
  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
}

// So many numbers; a command is from -1 to 1, an action any that is finite.
static bool read_numbers(double* out, int n, const cJSON* list, double most) {
  if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != n) return false;

  for (int i = 0; i < n; i++) {
    const cJSON* item = cJSON_GetArrayItem(list, i);
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= most)) return false;
    out[i] = item->valuedouble;
  }
  return true;
}

int loom_midway_read(loomHands* out, const char* text, const loomEpisode* e, const char* name,
                     loomError* err) {
  const double any = 1e6, full = 1;
  cJSON* root = loom_json_read(text);
  const cJSON* list = cJSON_GetObjectItemCaseSensitive(root, "hands");
  bool ok = cJSON_IsArray(list) && cJSON_GetArraySize(list) == e->arm_count;

  memset(out, 0, sizeof *out);
  for (int a = 0; ok && a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    const cJSON* hand = cJSON_GetArrayItem(list, a);
    ok = read_numbers(out->told[a], arm->robot->gripper_dim, cJSON_GetObjectItemCaseSensitive(hand, "told"),
                      any) &&
         read_numbers(out->command[a], arm->hand_n, cJSON_GetObjectItemCaseSensitive(hand, "command"), full);
  }

  cJSON_Delete(root);
  if (ok) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: its " LOOM_MIDWAY_ATTR " is not what this program writes for the task", name);
}
