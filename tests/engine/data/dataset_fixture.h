// What the dataset tests share: a folder of their own, small demos to write, hashes of whole files.
#ifndef LOOM_TESTS_ENGINE_DATA_DATASET_FIXTURE_H
#define LOOM_TESTS_ENGINE_DATA_DATASET_FIXTURE_H

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

enum { ROWS = 30, ACTIONS = 14, STATES = 50 };

static char folder[256];

static inline int make_folder(void** state) {
  (void)state;
  const char* tmp = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%s/loom-dataset-XXXXXX", tmp ? tmp : "/tmp");
  return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void** state) {
  (void)state;
  char command[512];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

/// A path in the test's own folder; eight may be in use at once.
static inline const char* in_folder(const char* name) {
  static char path[8][512];
  static int next;
  char* out = path[next++ % 8];
  snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

static inline const char* real_demos(void) {
  static char path[512];
  const char* home = getenv("DEMOLOOM_HOME");
  const char* part = "robosuite-1.4.1/models/assets/demonstrations/handover/panda_panda/demo.hdf5";
  if (home)
    snprintf(path, sizeof path, "%s/%s", home, part);
  else
    snprintf(path, sizeof path, "%s/.cache/demoloom/%s", getenv("HOME"), part);
  return path;
}

/// The bytes of a file, malloc'ed; fails the test when there is none.
static inline unsigned char* slurp(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file) fail_msg("%s is not there (run `make assets` or set DEMOLOOM_HOME)", path);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  unsigned char* bytes = malloc(*size + 1);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, file), *size);
  fclose(file);
  return bytes;
}

static inline void spit(const char* path, const void* bytes, size_t size) {
  FILE* file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

static inline uint64_t hash_file(const char* path) {
  size_t size;
  unsigned char* bytes = slurp(path, &size);
  uint64_t hash = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
  free(bytes);
  return hash;
}

/// A demo like a generated one, its numbers from `seed`, written as a shard.
static inline int write_demo(const char* path, const char* name, int rows, unsigned seed, loomError* err) {
  static double actions[ROWS * ACTIONS], states[ROWS * STATES];
  for (int i = 0; i < ROWS * ACTIONS; i++)
    actions[i] = (double)((seed * 7919u + (unsigned)i) % 1000) / 500 - 1;
  for (int i = 0; i < ROWS * STATES; i++) states[i] = (double)(seed * 31u + (unsigned)i) / 3;
  loomField field[] = {
      {"actions", LOOM_TYPE_F64, 2, {rows, ACTIONS}, actions},
      {"states", LOOM_TYPE_F64, 2, {rows, STATES}, states},
      {"obs/object", LOOM_TYPE_F64, 2, {rows, 10}, states},
  };
  loomAttr attr[] = {loom_attr_string("model_file", "<mujoco/>"), loom_attr_int("loom_attempt", seed)};
  loomRecord record = {.name = name, .nfield = 3, .field = field, .nattr = 2, .attr = attr};
  return loom_shard_write(path, &record, 1, NULL, err);
}

#endif
