// What `demoloom info` says of policies' files.
#ifndef LOOM_TOOLS_COMMAND_INFO_POLICY_H
#define LOOM_TOOLS_COMMAND_INFO_POLICY_H

#include <cjson/cJSON.h>

#include "engine/base/error.h"

typedef enum loomPolicyFile {
  LOOM_POLICY_NONE,  // something else, a dataset perhaps
  LOOM_POLICY_SAFETENSORS,
  LOOM_POLICY_ONNX,
} loomPolicyFile;

/// By its first bytes, else by its name.
loomPolicyFile tool_policy_file(const char* path);
/// The caller deletes *out.
int tool_describe_policy(cJSON** out, const char* path, loomPolicyFile kind, loomError* err);
void tool_print_policy(const cJSON* root);

#endif
