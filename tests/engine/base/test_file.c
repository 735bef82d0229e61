// Reading whole files: their size, and every way in which one cannot be read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"

static char folder[] = "/tmp/loom-file-XXXXXX", path[64];

static int make_folder(void** state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/text", folder);
  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

static void write_bytes(size_t n) {
  FILE* f = fopen(path, "wb");
  assert_non_null(f);
  for (size_t i = 0; i < n; i++) putc((int)(i % 251), f);
  assert_int_equal(fclose(f), 0);
}

static void check_bytes(const char* text, size_t n, size_t expected) {
  assert_int_equal(n, expected);
  for (size_t i = 0; i < n; i++) assert_int_equal((unsigned char)text[i], i % 251);
  assert_int_equal(text[n], 0);
}

static void sizes_and_limits(void** state) {
  (void)state;
  static const struct {
    size_t size, most;
    int code;
  } cases[] = {
      {0, 0, 0},
      {0, 100, 0},
      {1, 1, 0},
      {100, 99, LOOM_ERR_FORMAT},
      {100, 100, 0},  // exactly what is allowed
      {100, 101, 0},
      {4095, 4095, 0},
      {4096, 4096, 0},
      {4097, 4096, LOOM_ERR_FORMAT},
      {1 << 20, 1 << 20, 0},
      {300000, SIZE_MAX, 0},  // no limit
      {1, 0, LOOM_ERR_FORMAT},
  };

  // The whole of it or nothing, and a reason.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomError err = {0, ""};
    char* text = folder;
    size_t n = 77;
    write_bytes(cases[i].size);
    assert_int_equal(loom_read_text(&text, &n, path, cases[i].most, &err), cases[i].code);
    if (cases[i].code) {
      assert_true(!text && !n && strstr(err.message, path) && strstr(err.message, "larger"));
    } else {
      check_bytes(text, n, cases[i].size);
    }
    free(text);
  }
}

static void what_cannot_be_read_is_named(void** state) {
  (void)state;
  static const struct {
    const char *path, *why;
  } cases[] = {
      {"/tmp/loom-file-not-there", "No such file"},
      {"/tmp", "not a regular file"},
      {"/dev/zero", "not a regular file"},  // would never end
      {"", "No such file"},
  };

  // With and without somewhere to put the reason.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomError err = {0, ""};
    char* text = folder;
    assert_int_equal(loom_read_text(&text, NULL, cases[i].path, 1000, &err), LOOM_ERR_IO);

    // Neither a text nor an excuse without the path.
    assert_null(text);
    assert_true(strstr(err.message, cases[i].path) && strstr(err.message, cases[i].why));
    assert_int_equal(loom_read_text(&text, NULL, cases[i].path, 1000, NULL), LOOM_ERR_IO);
  }
}

// By blocks what it is at once; of a folder, or of nothing there, it is no hash.
static void what_files_hold_is_hashed(void** state) {
  (void)state;
  static const size_t size[] = {0, 1, (1 << 14) - 1, 1 << 14, (1 << 14) + 1, 100000};
  for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
    char* text;
    size_t n;
    uint64_t hash = LOOM_HASH_SEED;
    write_bytes(size[i]);
    assert_int_equal(loom_read_text(&text, &n, path, SIZE_MAX, NULL), 0);
    assert_int_equal(loom_hash_file(&hash, path, NULL), 0);
    assert_true(hash == loom_hash(LOOM_HASH_SEED, text, n));
    free(text);
  }

  loomError err = {0, ""};
  uint64_t hash = 5;
  assert_int_equal(loom_hash_file(&hash, NULL, &err), 0);
  assert_int_equal(loom_hash_file(&hash, "", &err), 0);
  assert_true(hash == 5);
  assert_int_equal(loom_hash_file(&hash, folder, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, folder));
  unlink(path);
  assert_int_equal(loom_hash_file(&hash, path, &err), LOOM_ERR_IO);
}

// A pipe has no size: it is read until its other end is closed, or holds too much.
static void pipes_are_read_to_their_end(void** state) {
  (void)state;

  // One byte more than allowed, then exactly as much.
  for (size_t most = 9999; most <= 10000; most++) {
    int ends[2];
    char name[32], *text, bytes[10000];
    size_t n = 0;

    // All of it is in the pipe before anyone reads.
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i % 251);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, sizeof bytes), sizeof bytes);
    close(ends[1]);

    // A path that leads to the reading end.
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    int code = loom_read_text(&text, &n, name, most, NULL);
    close(ends[0]);

    // Too much is an error, and just enough is read whole.
    if (most < sizeof bytes) {
      assert_int_equal(code, LOOM_ERR_FORMAT);
      continue;
    }
    assert_int_equal(code, 0);
    check_bytes(text, n, sizeof bytes);
    free(text);
  }
}

static void kinds_of_paths(void** state) {
  (void)state;
  char other[80];

  // One file by two paths.

  // A file, and a path to it that climbs out of its folder and back in.
  write_bytes(3);
  snprintf(other, sizeof other, "%s/../%s/text", folder, strrchr(folder, '/') + 1);
  assert_true(loom_is_file(path) && !loom_is_file(folder) && !loom_is_file("/dev/null"));
  assert_true(loom_is_folder(folder) && !loom_is_folder(path) && !loom_is_folder("/nowhere"));

  // The same folder and file behind other names.
  assert_true(loom_same_file(path, other));
  assert_false(loom_same_file(path, folder));
  assert_false(loom_same_file("/nowhere", "/nowhere"));  // what is not there is no file
}

// Whether a folder could be made, which makes none.
static void places_of_folders(void** state) {
  (void)state;
  static const struct {
    const char* below;
    double bytes;
    int code;
    const char* says;
  } rows[] = {
      {"", 0, 0, ""},
      {"/run", 1e3, 0, ""},
      {"/a/b/run", 0, 0, ""},
      {"/text/run", 0, LOOM_ERR_IO, "Not a directory"},
      {"/text", 0, LOOM_ERR_IO, "Not a directory"},
      {"/a/run", 1e18, LOOM_ERR_IO, "has room for"},
  };

  write_bytes(3);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char at[80];
    loomError err = {0, ""};
    snprintf(at, sizeof at, "%s%s", folder, rows[i].below);
    assert_int_equal(loom_folder_check_place(at, rows[i].bytes, &err), rows[i].code);
    assert_non_null(strstr(err.message, rows[i].says));
  }

  // Seen from the current folder, as DIR is on the command line.
  assert_int_equal(loom_folder_check_place("no-such-run/deeper", 0, NULL), 0);
  assert_false(loom_is_folder("no-such-run"));
}

// Of a disk that no disk is large enough for; files that are alike tell how much room all will take.
static void room_on_the_disk(void** state) {
  (void)state;
  char at[80];
  loomError err = {0, ""};
  snprintf(at, sizeof at, "%s/not/yet/there", folder);

  // What is there of the path says which disk it is.
  assert_int_equal(loom_check_room(at, 1000, &err), 0);
  assert_int_equal(loom_check_room(at, 1e18, &err), LOOM_ERR_IO);
  assert_non_null(
      strstr(err.message, "not/yet/there: takes at least 1000000000000.0 MB, and its disk has room for "));

  write_bytes(1000);
  assert_int_equal(loom_check_room_like(at, path, 1000, &err), 0);
  assert_int_equal(loom_check_room_like(at, path, INT64_MAX / 2, &err), LOOM_ERR_IO);
  assert_int_equal(loom_check_room_like(at, at, INT64_MAX / 2, &err), 0);  // nothing is known
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_and_limits),
                                     cmocka_unit_test(what_cannot_be_read_is_named),
                                     cmocka_unit_test(what_files_hold_is_hashed),
                                     cmocka_unit_test(pipes_are_read_to_their_end),
                                     cmocka_unit_test(kinds_of_paths),
                                     cmocka_unit_test(places_of_folders),
                                     cmocka_unit_test(room_on_the_disk)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
