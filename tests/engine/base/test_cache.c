// What is kept between runs: found again, and never when it is damaged, cut short, foreign or another key's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>

#include "engine/base/cache.h"

static char home[64];

static int make_home(void** state) {
  (void)state;
  snprintf(home, sizeof home, "/tmp/loom_cache_%d", (int)getpid());
  setenv("DEMOLOOM_HOME", home, 1);
  return 0;
}

static int remove_home(void** state) {
  char command[128];
  (void)state;
  snprintf(command, sizeof command, "rm -rf '%s'", home);
  return system(command);
}

// The path of the only entry.
static void only_entry(char path[256]) {
  char pattern[128];
  glob_t found;
  snprintf(pattern, sizeof pattern, "%s/models/*.cached", home);
  assert_int_equal(glob(pattern, 0, NULL, &found), 0);
  assert_int_equal(found.gl_pathc, 1);
  snprintf(path, 256, "%s", found.gl_pathv[0]);
  globfree(&found);
}

static bool is_found(const char* key) {
  loomCached cached;
  bool found = loom_cache_load(&cached, LOOM_CACHE_MODELS, key, strlen(key));
  loom_cached_destroy(&cached);
  return found;
}

static void keeps_what_it_is_given(void** state) {
  (void)state;
  loomCached cached;
  assert_false(is_found("key"));
  loom_cache_store(LOOM_CACHE_MODELS, "key", 3, "inputs", 6, "some bytes", 10);

  // Both parts come back, byte for byte.
  assert_true(loom_cache_load(&cached, LOOM_CACHE_MODELS, "key", 3));
  assert_int_equal(cached.ninputs, 6);
  assert_memory_equal(cached.inputs, "inputs", 6);
  assert_int_equal(cached.nbytes, 10);
  assert_memory_equal(cached.bytes, "some bytes", 10);
  loom_cached_destroy(&cached);

  // Another key finds nothing, nor does the start of this one.
  assert_false(is_found("other"));
  assert_false(loom_cache_load(&cached, LOOM_CACHE_PIECES, "key", 3));
  assert_false(is_found("ke"));
}

static void any_damage_is_seen(void** state) {
  (void)state;
  char path[256], bytes[4096];
  loom_cache_store(LOOM_CACHE_MODELS, "key", 3, "inputs", 6, "some bytes", 10);
  only_entry(path);

  // What a whole entry looks like on disk.
  FILE* f = fopen(path, "rb");
  size_t n = fread(bytes, 1, sizeof bytes, f);
  fclose(f);

  // Each byte in turn, then each length.
  for (size_t i = 0; i < n; i++) {
    bytes[i] ^= 4;
    f = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
    assert_false(is_found("key"));
    bytes[i] ^= 4;
  }
  for (size_t length = 0; length < n; length++) {
    f = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, length, f), length);
    fclose(f);
    assert_false(is_found("key"));
  }

  // Written again it is found again.
  loom_cache_store(LOOM_CACHE_MODELS, "key", 3, "inputs", 6, "some bytes", 10);
  assert_true(is_found("key"));
}

static void old_entries_go(void** state) {
  (void)state;
  char key[16];
  int found = 0;

  // More than the 64 that are kept; the first is looked for in between.
  loom_cache_store(LOOM_CACHE_PIECES, "key", 3, NULL, 0, "x", 1);
  for (int i = 0; i < 70; i++) {
    snprintf(key, sizeof key, "key %d", i);
    loom_cache_store(LOOM_CACHE_MODELS, key, strlen(key), NULL, 0, "x", 1);
    assert_true(is_found("key 0"));
  }

  // The newest of them are still there.
  for (int i = 0; i < 70; i++) {
    snprintf(key, sizeof key, "key %d", i);
    found += is_found(key);
  }
  assert_int_equal(found, 64);
  assert_true(is_found("key 69"));

  // And what is not a model is not among them.
  loomCached cached;
  assert_true(loom_cache_load(&cached, LOOM_CACHE_PIECES, "key", 3));
  loom_cached_destroy(&cached);
}

static void a_folder_that_cannot_be_made_is_no_error(void** state) {
  (void)state;

  // What cannot be stored is simply not found.
  setenv("DEMOLOOM_HOME", "/proc/nowhere", 1);
  loom_cache_store(LOOM_CACHE_MODELS, "key", 3, NULL, 0, "x", 1);
  assert_false(is_found("key"));
  setenv("DEMOLOOM_HOME", home, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_it_is_given),
      cmocka_unit_test(any_damage_is_seen),
      cmocka_unit_test(old_entries_go),
      cmocka_unit_test(a_folder_that_cannot_be_made_is_no_error),
  };
  return cmocka_run_group_tests(tests, make_home, remove_home);
}
