// What tests of the engine and the generators share: the handover task with its fetched source demos. Tests
// run from the repository's root; assets lie in $DEMOLOOM_HOME. A missing asset fails the test.
#ifndef LOOM_TESTS_HANDOVER_FIXTURE_H
#define LOOM_TESTS_HANDOVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/dataset.h"
#include "engine/sim/episode.h"

typedef struct handover {
  loomTask* task;
  loomAssetRoots roots;
  char source[LOOM_PATH_MAX];
  loomDataset* dataset;
} handover;

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static inline int handover_open(void** state) {
  static handover h;
  loomError err = {0, ""};
  char dir[LOOM_PATH_MAX / 2];
  const char *home = getenv("DEMOLOOM_HOME"), *user = getenv("HOME");
  if (home && *home) {
    snprintf(dir, sizeof dir, "%s/robosuite-1.4.1", home);
  } else {
    snprintf(dir, sizeof dir, "%s/.cache/demoloom/robosuite-1.4.1", user ? user : "");
  }
  memset(&h, 0, sizeof h);
  must(loom_task_load(&h.task, "scenes/handover/task.yaml", "scenes/robots", &err), &err);
  must(loom_asset_roots_add(&h.roots, "robosuite", dir, &err), &err);
  snprintf(h.source, sizeof h.source, "%.400s/%.500s", dir, h.task->source_file);
  must(loom_dataset_open(&h.dataset, h.source, &err), &err);
  *state = &h;
  return 0;
}

static inline int handover_close(void** state) {
  handover* h = *state;
  loom_dataset_close(h->dataset);
  loom_asset_roots_destroy(&h->roots);
  loom_task_destroy(h->task);
  return 0;
}

#endif
