// What tests of training data share: a folder of their own and robomimic files whose numbers tell which demo
// and row they are.
#ifndef LOOM_TESTS_POLICIES_DATA_DATA_FIXTURE_H
#define LOOM_TESTS_POLICIES_DATA_DATA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/data/dataset.h"

enum { MADE_ROWS = 64, MADE_DEMOS = 64, POS = 3, IMAGE = 2 * 4 * 3 };

static char folder[128];

static inline int make_folder(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-data-XXXXXX", tmp ? tmp : "/tmp");
  return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void** state) {
  (void)state;
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/// A path in the test's own folder; eight may be in use at once.
static inline const char* in_folder(const char* name) {
  static char path[8][256];
  static int next;
  char* out = path[next++ % 8];
  snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

static inline void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

/// The first number of obs/pos in a row; actions are its negative. pos is [v, v + 0.25, v + 0.5].
static inline double mark(int file, int demo, int row) {
  return 10000.0 * file + 100.0 * demo + row;
}

typedef struct made {
  double pos[MADE_ROWS * POS], one[MADE_ROWS], actions[MADE_ROWS * 2];
  uint8_t image[MADE_ROWS * IMAGE];
  loomField field[4];
} made;

static inline void make_demo(made* m, int file, int demo, int rows) {
  for (int t = 0; t < rows; t++) {
    for (int i = 0; i < POS; i++) m->pos[t * POS + i] = mark(file, demo, t) + 0.25 * i;
    m->one[t] = t;
    m->actions[2 * t] = -mark(file, demo, t);
    m->actions[2 * t + 1] = demo;
    for (int i = 0; i < IMAGE; i++) m->image[t * IMAGE + i] = (uint8_t)(t + 10 * i);
  }
  loomField field[4] = {{"actions", LOOM_TYPE_F64, 2, {rows, 2}, m->actions},
                        {"obs/pos", LOOM_TYPE_F64, 2, {rows, POS}, m->pos},
                        {"obs/one", LOOM_TYPE_F64, 1, {rows}, m->one},
                        {"obs/image", LOOM_TYPE_U8, 4, {rows, 2, 4, 3}, m->image}};
  memcpy(m->field, field, sizeof field);
}

/// A file of n demos, demo i of rows[i] rows. `edit` (nullable) may spoil them before they are written.
static inline const char* write_file(const char* name, int file, int n, const int* rows,
                                     void (*edit)(made* demo, int i)) {
  static made demos[MADE_DEMOS];
  loomRecord record[MADE_DEMOS];
  char names[MADE_DEMOS][24];
  loomError err = {0, ""};
  const char* path = in_folder(name);
  for (int i = 0; i < n; i++) {
    make_demo(&demos[i], file, i, rows[i]);
    if (edit) edit(&demos[i], i);
    snprintf(names[i], sizeof names[i], "demo_%d", i);
    record[i] = (loomRecord){.name = names[i], .nfield = 4, .field = demos[i].field};
  }
  must(loom_shard_write(path, record, n, NULL, &err), &err);
  return path;
}

#endif
