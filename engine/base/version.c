#include "engine/base/version.h"

const char* loom_version(void) {
  return "demoloom 0.1.0";
}
