#include "tools/shared/data_share.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "tools/shared/common.h"

int tool_data_share(loomDataConfigFile* out, const char* command, const char* text) {
  const char* share = strrchr(text, '=');
  size_t n = share && !loom_is_file(text) ? (size_t)(share - text) : strlen(text);
  *out = (loomDataConfigFile){0};

  if (n >= sizeof out->path)
    return tool_usage(command, "--data: a path longer than %zu bytes", sizeof out->path - 1);
  snprintf(out->path, sizeof out->path, "%.*s", (int)n, text);
  if (!text[n]) return 0;

  // Shares are compared with each other: 1 and 3 are as 0.25 and 0.75.
  const char* rest = share + 1;
  if (tool_read_double(&out->weight, &rest) && !*rest && out->weight > 1e-9 && out->weight <= 1e9) return 0;
  return tool_usage(command, "--data: the share in '%s' is no number above 0", text);
}
