// Demos as somebody sees them who only watches: what is found, what is left out, and what is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/data/watched.h"

enum { ROWS = 6, SIDE = 16, DEMOS = 2 };

static char folder[64], path[96];
static const char* const files[] = {path};

// Poses of two objects, of which `cup` rises from row 3 on, and a picture.
static void write_file(int rows, int last_side) {
  static double poses[ROWS][16], still[ROWS][16];
  static unsigned char picture[ROWS * 2 * SIDE * 2 * SIDE * 3];
  static const char* const name[DEMOS] = {"demo_0", "demo_1"};
  loomRecord record[DEMOS];
  loomField field[DEMOS][4];
  loomAttr attr[2] = {loom_attr_string("model_file", "<mujoco/>"), loom_attr_string("context", "dark")};
  double actions[ROWS] = {0};

  for (int i = 0; i < ROWS; i++) {
    for (int k = 0; k < 4; k++) poses[i][5 * k] = still[i][5 * k] = 1;
    poses[i][11] = i < 3 ? 1e-5 * i : 0.1 * (i - 2);
    still[i][3] = 0.5;
  }
  for (int d = 0; d < DEMOS; d++) {
    int64_t side = d ? last_side : SIDE;
    field[d][0] = (loomField){"actions", LOOM_TYPE_F64, 2, {rows, 1}, actions};
    field[d][1] = (loomField){"datagen_info/object_poses/cup", LOOM_TYPE_F64, 3, {rows, 4, 4}, poses};
    field[d][2] = (loomField){"datagen_info/object_poses/dish", LOOM_TYPE_F64, 3, {rows, 4, 4}, still};
    field[d][3] = (loomField){"obs/front_image", LOOM_TYPE_U8, 4, {rows, side, side, 3}, picture};
    record[d] = (loomRecord){name[d], 4, 2, field[d], attr};
  }
  loomWriteDef def = loom_default_write_def();
  loomError err = {0, ""};
  assert_int_equal(loom_shard_write(path, record, DEMOS, &def, &err), 0);
}

static void poses(void** state) {
  (void)state;
  loomWatched w;
  loomError err = {0, ""};
  write_file(ROWS, SIDE);
  assert_int_equal(loom_watched_read(&w, &(loomWatchedDef){.path = files, .paths = 1}, &err), 0);
  assert_true(w.demos == DEMOS && w.keys == 3 && w.pictures == 0 && w.low == 27 && w.kept == DEMOS * ROWS);
  assert_string_equal(w.key[0].name, "cup@world");
  assert_string_equal(w.key[1].name, "dish@world");
  assert_string_equal(w.key[2].name, "dish@cup");
  assert_string_equal(w.demo[1].context, "dark");
  const float* last = w.demo[1].low + (ROWS - 1) * 27;
  assert_true(fabs(last[2] - 0.3) < 1e-6 && fabs(last[9] - 0.5) < 1e-6 && fabs(last[20] + 0.3) < 1e-6);
  loom_watched_destroy(&w);

  // Of the rows in which it stands the first is enough.
  assert_int_equal(loom_watched_read(&w, &(loomWatchedDef){.path = files, .paths = 1, .still = 0.01}, &err),
                   0);
  assert_true(w.all == DEMOS * ROWS && w.demo[0].rows == 4 && w.kept == 8);
  assert_true(fabs(w.demo[0].low[2]) < 1e-9 && fabs(w.demo[0].low[27 + 2] - 0.1) < 1e-6);
  loom_watched_destroy(&w);
}

static void pictures(void** state) {
  (void)state;
  loomWatched w;
  loomError err = {0, ""};
  write_file(ROWS, SIDE);
  assert_int_equal(
      loom_watched_read(&w, &(loomWatchedDef){.path = files, .paths = 1, .pictures = true}, &err), 0);
  assert_true(w.keys == 1 && w.pictures == 1 && w.low == 0 && w.key[0].dim == SIDE * SIDE * 3);
  loom_watched_destroy(&w);
}

static void refuse(const loomWatchedDef* def, const char* why) {
  loomWatched w;
  loomError err = {0, ""};
  assert_int_not_equal(loom_watched_read(&w, def, &err), 0);

  if (!strstr(err.message, why)) fail_msg("'%s' lacks '%s'", err.message, why);
  assert_null(w.demo);
}

static void refused(void** state) {
  (void)state;
  const loomName poses_of[] = {"cup@world", "cup@spoon"}, other[] = {"actions"};
  write_file(1, SIDE);
  refuse(&(loomWatchedDef){.path = files, .paths = 1}, "demo_0: 'cup@world' has a single row");
  write_file(ROWS, 2 * SIDE);
  refuse(&(loomWatchedDef){.path = files, .paths = 1, .pictures = true},
         "demo_1: 'front_image' is 32 x 32, where demo_0 has 16 x 16");
  refuse(&(loomWatchedDef){.path = files, .paths = 1, .keys = 2, .key = poses_of}, "cup@spoon");
  refuse(&(loomWatchedDef){.path = files, .paths = 1, .keys = 1, .key = other}, "no observation 'actions'");
  refuse(&(loomWatchedDef){.path = files, .paths = 1, .still = 1}, "demo_0: nothing that is watched moves");
}

static int make_folder(void** state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/watched-XXXXXX");
  if (!mkdtemp(folder)) return -1;

  snprintf(path, sizeof path, "%s/d.hdf5", folder);

  return 0;
}

static int remove_folder(void** state) {
  (void)state;
  unlink(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(poses), cmocka_unit_test(pictures),
                                     cmocka_unit_test(refused)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
