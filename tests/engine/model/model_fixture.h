// The recorded handover models, as the engine's model tests need them. A missing asset fails the test.
#ifndef LOOM_TESTS_ENGINE_MODEL_MODEL_FIXTURE_H
#define LOOM_TESTS_ENGINE_MODEL_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// cmocka needs the four above first
#include <cmocka.h>

#include "engine/data/dataset.h"
#include "engine/model/model.h"

enum { FIXTURE_DEMOS = 7 };

static inline const char* fixture_robosuite(void) {
  static char path[1024];
  const char* home = getenv("DEMOLOOM_HOME");
  if (home) {
    snprintf(path, sizeof path, "%s/robosuite-1.4.1", home);
  } else {
    snprintf(path, sizeof path, "%s/.cache/demoloom/robosuite-1.4.1", getenv("HOME") ? getenv("HOME") : "");
  }
  return path;
}

static inline loomAssetRoots fixture_roots(void) {
  loomAssetRoots roots = {0};
  loomError err = {0};
  if (loom_asset_roots_add(&roots, "robosuite", fixture_robosuite(), &err)) fail_msg("%s", err.message);
  return roots;
}

// The MJCF recorded with demo i, malloc'ed.
static inline char* fixture_xml(int demo) {
  char path[1200];
  snprintf(path, sizeof path, "%s/models/assets/demonstrations/handover/panda_panda/demo.hdf5",
           fixture_robosuite());
  loomError err = {0};
  loomDataset* dataset = NULL;
  char* xml = NULL;
  if (loom_dataset_open(&dataset, path, &err)) fail_msg("%s", err.message);
  const char* object = loom_dataset_demo_path(dataset, demo);
  if (loom_dataset_attr_string(&xml, dataset, object, "model_file", &err)) fail_msg("%s", err.message);
  loom_dataset_close(dataset);
  return xml;
}

static inline mjModel* fixture_compile(const char* xml, bool visual) {
  loomAssetRoots roots = fixture_roots();
  loomModelDef def = loom_default_model_def();
  def.visual = visual;
  mjModel* m = NULL;
  loomError err = {0};
  if (loom_model_compile(&m, xml, "fixture", &roots, &def, &err)) fail_msg("%s", err.message);
  loom_asset_roots_destroy(&roots);
  return m;
}

// Uniform in [low, high), from a fixed sequence.
static inline double fixture_uniform(uint64_t* state, double low, double high) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(*state >> 11) * 0x1p-53;
}

#endif
