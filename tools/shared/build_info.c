#include "tools/shared/build_info.h"

#include <cblas.h>
#include <cjson/cJSON.h>
#include <demoloom_build.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/version.h"
#include "engine/data/dataset.h"
#include "tools/shared/common.h"

void tool_print_build(bool json) {
  // "demoloom 0.1.0": the number alone.
  const char* number = strrchr(loom_version(), ' ');
  const char* rows[][2] = {
      {"demoloom", number ? number + 1 : loom_version()},
      {"commit", BUILD_COMMIT},
      {"mujoco", mj_versionString()},
      {"hdf5", loom_hdf5_version()},
      {"openblas", openblas_get_config()},
      {"compiler", BUILD_COMPILER},
      {"flags", BUILD_FLAGS},
  };
  size_t n = sizeof rows / sizeof *rows;

  if (json) {
    cJSON* root = cJSON_CreateObject();
    for (size_t i = 0; i < n; i++) cJSON_AddStringToObject(root, rows[i][0], rows[i][1]);
    tool_print_json(root);
    cJSON_Delete(root);
    return;
  }

  // The first line stays what scripts know.
  printf("%s\n", loom_version());
  for (size_t i = 1; i < n; i++) printf("  %-9s %s\n", rows[i][0], rows[i][1]);
}
