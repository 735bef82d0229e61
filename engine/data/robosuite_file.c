#include "engine/data/robosuite_file.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/text.h"
#include "engine/data/env_type.h"

enum { ROBOTS = 4, LINKS = 8, SCRIPTS_RATE = 20 };

// Visual geoms of each link of robosuite 1.4.1's Panda, numbered through.
static const int visuals[LINKS] = {12, 1, 1, 4, 4, 3, 17, 8};

// ---- what it is made with

int loom_robosuite_env_info(char** env, char** env_info, const char* env_args, const char* label,
                            loomError* err) {
  static const char* const given[] = {"has_renderer",   "has_offscreen_renderer", "ignore_done",
                                      "use_camera_obs", "reward_shaping",         "control_freq"};
  cJSON* root = loom_json_read(env_args);
  const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "env_name"),
              *kwargs = cJSON_GetObjectItemCaseSensitive(root, "env_kwargs"),
              *rate = cJSON_GetObjectItemCaseSensitive(kwargs, "control_freq");
  int code = 0;
  *env = *env_info = NULL;
  if (!cJSON_IsString(name))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: env_args are no JSON, or have no env_name", label);
  else if (!loom_env_is_robosuites(name->valuestring))
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: robosuite has no environment '%.60s' that could play its demos", label,
                          name->valuestring);
  else if (cJSON_IsNumber(rate) && fabs(rate->valuedouble - SCRIPTS_RATE) > 1e-9)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: its demos are at %g Hz, and robosuite's playback script is at %d", label,
                          rate->valuedouble, SCRIPTS_RATE);

  // All that the script does not give itself.
  cJSON* info = code ? NULL : cJSON_IsObject(kwargs) ? cJSON_Duplicate(kwargs, true) : cJSON_CreateObject();
  for (size_t i = 0; info && i < sizeof given / sizeof *given; i++)
    cJSON_DeleteItemFromObjectCaseSensitive(info, given[i]);
  if (info) cJSON_AddStringToObject(info, "env_name", name->valuestring);
  char* text = info ? cJSON_PrintUnformatted(info) : NULL;
  *env_info = text ? strdup(text) : NULL;
  *env = info ? strdup(name->valuestring) : NULL;
  cJSON_free(text);
  cJSON_Delete(info);
  cJSON_Delete(root);

  if (!code && *env && *env_info) return 0;
  free(*env);
  free(*env_info);
  *env = *env_info = NULL;
  return code ? code : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_info");
}

// ---- names

// Where the element ends that has `at` in its tag; NULL where it does not.
static const char* end_of_element(const char* at) {
  const char* end = strchr(at, '>');
  if (!end) return NULL;
  if (end[-1] == '/') return end + 1;
  const char *close = strstr(end, "</geom>"), *next = strchr(end + 1, '<');
  return close && close == next ? close + strlen("</geom>") : NULL;
}

// The text with one link's mesh under the first name, followed by what has the others; it takes `xml` over.
// NULL when out of memory.
static char* name_link(char* xml, int robot, int link, int first) {
  char old[64], name[256];
  snprintf(old, sizeof old, "name=\"robot%d_link%d_visual\"", robot, link);
  snprintf(name, sizeof name, "name=\"robot%d_g%d_vis\"", robot, first);
  const char *at = strstr(xml, old), *end = at ? end_of_element(at) : NULL;
  if (!end || strstr(xml, name)) return xml;

  loomText out = {0};
  loom_text_add(&out, xml, (size_t)(at - xml));
  loom_text_puts(&out, name);
  at += strlen(old);
  loom_text_add(&out, at, (size_t)(end - at));

  for (int i = 1; i < visuals[link]; i++) {
    snprintf(name, sizeof name,
             "<geom name=\"robot%d_g%d_vis\" type=\"sphere\" size=\"0.001\" contype=\"0\" conaffinity=\"0\" "
             "group=\"1\" mass=\"0\" rgba=\"0 0 0 0\"/>",
             robot, first + i);
    loom_text_puts(&out, name);
  }

  loom_text_puts(&out, end);
  free(xml);
  if (!out.failed) return out.s;
  loom_text_destroy(&out);

  return NULL;
}

char* loom_robosuite_model(const char* xml) {
  char* text = strdup(xml);
  for (int robot = 0; robot < ROBOTS; robot++) {
    int first = 0;
    for (int link = 0; text && link < LINKS; first += visuals[link++])
      text = name_link(text, robot, link, first);
  }

  return text;
}
