// JSON from files of others, bounded before cJSON builds anything of it. Internal.
#ifndef LOOM_ENGINE_BASE_JSON_H
#define LOOM_ENGINE_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/// The JSON value that the n bytes of text begin with (cJSON_Delete frees it). NULL: none, one nested deeper
/// than 64 or of more than a million values (cJSON takes 64 bytes for each), or out of memory. *end
/// (nullable) is where it ends.
cJSON* loom_json_parse(const char* text, size_t n, const char** end);
/// The same of a text that ends with NUL.
cJSON* loom_json_read(const char* text);

/// A map's entry (map nullable); NULL where there is none, or null.
const cJSON* loom_json_get(const cJSON* map, const char* key);
/// Is it (nullable) that text?
bool loom_json_says(const cJSON* node, const char* text);

#endif
