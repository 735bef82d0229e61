#include "engine/base/version.h"

const char* loom_version(void) {
  // Written into datasets and policies, and shown by --version.
  static const char version[] = "demoloom 0.1.0";

  return version;
}
