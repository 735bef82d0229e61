#include "engine/base/json.h"

#include <string.h>

enum { max_depth = 64, max_values = 1000000 };

// Brackets and commas outside of texts tell how deep and how many, before anything is built.
static bool is_bounded(const char* text, size_t n) {
  int depth = 0, values = 0;
  bool quoted = false;

  for (size_t i = 0; i < n && text[i]; i++) {
    // Within a text only its end counts; what a backslash stands before is none.
    if (quoted) {
      if (text[i] == '"') quoted = false;
      if (text[i] == '\\') i++;
      continue;
    }

    quoted = text[i] == '"';
    if (text[i] == '[' || text[i] == '{') depth++, values++;
    if (text[i] == ']' || text[i] == '}') depth--;
    if (text[i] == ',') values++;
    if (depth < 0) return true;  // cJSON stops here at the latest
    if (depth > max_depth || values > max_values) return false;
  }

  return true;
}

cJSON* loom_json_parse(const char* text, size_t n, const char** end) {
  if (end) *end = text;
  return is_bounded(text, n) ? cJSON_ParseWithLengthOpts(text, n, end, false) : NULL;
}

cJSON* loom_json_read(const char* text) {
  return loom_json_parse(text, strlen(text) + 1, NULL);
}

const cJSON* loom_json_get(const cJSON* map, const char* key) {
  const cJSON* node = cJSON_GetObjectItemCaseSensitive(map, key);
  return node && !cJSON_IsNull(node) ? node : NULL;
}

bool loom_json_says(const cJSON* node, const char* text) {
  return cJSON_IsString(node) && !strcmp(node->valuestring, text);
}
