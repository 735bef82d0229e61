// What the flat face's functions share.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/python/flat_internal.h"

void loom_flat_free(void* text) {
  free(text);
}

int loom_flat_text(char** out, cJSON* root, loomError* err) {
  *out = root ? cJSON_PrintUnformatted(root) : NULL;
  cJSON_Delete(root);

  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a description");
}

void loom_flat_add_integer(cJSON* object, const char* name, uint64_t value, bool negative) {
  char text[32];

  if (negative)
    snprintf(text, sizeof text, "%" PRId64, (int64_t)value);
  else
    snprintf(text, sizeof text, "%" PRIu64, value);
  cJSON_AddRawToObject(object, name, text);
}

int loom_flat_check(const loomFlatEnvs* e, int i, loomError* err) {
  if (!e->begun) return loom_error_set(err, LOOM_ERR_USAGE, "no episode has begun; reset first");
  if (i >= 0 && i < e->vector->def.n) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "there is no environment %d; there are %d", i, e->vector->def.n);
}
