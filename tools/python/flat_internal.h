// Internal. What the files of the flat face share.
#ifndef LOOM_TOOLS_PYTHON_FLAT_INTERNAL_H
#define LOOM_TOOLS_PYTHON_FLAT_INTERNAL_H

#include <cjson/cJSON.h>

#include "engine/run/task_environment.h"
#include "engine/run/vector.h"
#include "tools/python/flat.h"

struct loomFlatEnvs {
  loomVector* vector;
  bool begun;
  uint64_t* begins;  // (n) how often an episode of it began: who follows it sees a new one
  double* range;     // (actions x 2) where it is not the control scene's
  // A robots' task,
  loomScene* scene;
  loomTaskSource source;
  loomObsKey* key;
  // or a plain control task.
  loomControlTask* control;
  loomControlScene* control_scene;
  struct flatPicture* picture;  // made when first asked for
};

/// The JSON as text, malloc'ed; root is deleted. NULL: out of memory.
int loom_flat_text(char** out, cJSON* root, loomError* err);
/// A whole number to its last digit, as JSON may have it and a double has not.
void loom_flat_add_integer(cJSON* object, const char* name, uint64_t value, bool negative);
/// One that is asked for by its number. LOOM_ERR_USAGE.
int loom_flat_check(const loomFlatEnvs* envs, int i, loomError* err);
void loom_flat_picture_close(struct flatPicture* picture);

#endif
