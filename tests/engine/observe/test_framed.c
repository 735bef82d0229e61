// Framed observations: the same from a recorded demo and from an episode in its states; poses in each other's
// frames; names that are none.
#include "tests/own_fixture.h"

#include <math.h>

#include "engine/observe/framed.h"
#include "policies/data/data.h"

static own* o;
static char path[80];

// The last source demo once more, with all that is known of it.
static int open_fixture(void** state) {
  int code = open_own(state);
  o = *state;
  loomError why = {0, ""}, err = {0, ""};
  loomAssetRoots roots = {0};
  loomDriven driven = {.origin = "test", .roots = &roots, .success = true};
  loomWriteDef write = loom_default_write_def();
  snprintf(path, sizeof path, "%s.framed", o->path);
  must(loom_record_driven(path, &o->trace, o->e, &driven, &write, &why, &err), &err);
  return code;
}

static int close_fixture(void** state) {
  unlink(path);
  return close_own(state);
}

static void names(void** state) {
  (void)state;
  static const char* const none[] = {"object", "@eef0", "box@", "box@eef0@world", "robot0_eef_pos"};
  loomFramed framed;

  assert_true(loom_framed_parse(&framed, "box@eef0"));
  assert_string_equal(framed.of, "box");
  assert_string_equal(framed.in, "eef0");

  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_false(loom_framed_parse(&framed, none[i]));
}

// Turned by 90 degrees about z and moved, a thing 1 m along the frame's x.
static void in_a_frame(void** state) {
  (void)state;
  const double half = sqrt(0.5), quat[4] = {half, 0, 0, half}, frame_pos[3] = {2, 3, 4}, pos[3] = {2, 4, 4};
  const double unturned[4] = {1, 0, 0, 0};

  // The thing's axes are the world's, so its x is the frame's -y and its y the frame's x.
  const float expected[LOOM_FRAMED_DIM] = {1, 0, 0, 0, -1, 0, 1, 0, 0};
  float row[LOOM_FRAMED_DIM];
  loom_framed_row(row, loom_pose_from_quat(pos, unturned), loom_pose_from_quat(frame_pos, quat));

  for (int i = 0; i < LOOM_FRAMED_DIM; i++) assert_true(fabsf(row[i] - expected[i]) < 1e-6f);
}

static void as_recorded(void** state) {
  (void)state;
  static const char* const key[] = {"box@world", "eef1@eef0", "rod@eef1", "robot0_eef_pos"};
  enum { KEYS = 4, DIM = 3 * LOOM_FRAMED_DIM + 3 };
  loomError err = {0, ""};
  loomDataFile file = {.path = path};
  loomDataDef def = loom_default_data_def();
  loomData* data;
  loomDataRows rows;
  loomObserver* observer;
  loomObsKey wanted[KEYS];
  loomDemo demo;
  loomDataset* set;
  float seen[DIM];

  def.file = &file;
  def.file_count = 1;
  def.key = key;
  def.key_count = KEYS;
  must(loom_data_open(&data, &def, &err), &err);
  assert_int_equal(loom_data_info(data)->low_dim, DIM);
  must(loom_data_rows(&rows, data, 0, &err), &err);
  must(loom_dataset_open(&set, path, &err), &err);
  must(loom_demo_load(&demo, set, 0, &err), &err);

  for (int i = 0; i < KEYS; i++) wanted[i] = loom_obs_named(key[i]);
  must(loom_observer_create(&observer, o->e, wanted, KEYS, NULL, &err), &err);
  assert_int_equal(loom_observer_dim(observer), DIM);

  for (int r = 0; r < demo.rows; r += 7) {
    must(loom_episode_start(o->e, demo.states + (ptrdiff_t)r * demo.state_dim, &err), &err);
    loom_observer_see(seen, observer, o->e);
    for (int i = 0; i < DIM; i++) assert_true(fabsf(seen[i] - rows.low[(ptrdiff_t)r * DIM + i]) < 1e-5f);
  }

  loom_observer_destroy(observer);
  loom_demo_destroy(&demo);
  loom_dataset_close(set);
  loom_data_close(data);
}

static void what_is_not_there(void** state) {
  (void)state;
  static const char* const key[] = {"cup@world"};
  loomError err = {0, ""};
  loomDataFile file = {.path = path};
  loomDataDef def = loom_default_data_def();
  loomData* data;
  loomObserver* observer;
  loomObsKey wanted = loom_obs_named(key[0]);

  def.file = &file;
  def.file_count = 1;
  def.key = key;
  def.key_count = 1;
  assert_int_equal(loom_data_open(&data, &def, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "object_poses/cup"));
  assert_int_equal(loom_observer_create(&observer, o->e, &wanted, 1, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "no frame 'cup'; it has world, eef0 to eef1, box, rod"));
}

// Keys of hands, grippers and objects, whatever order the observations come in; sizes are those of objects.
static void keys_of_parts(void** state) {
  (void)state;
  static const char* const there[] = {"cup_size",    "image_size", "robot0_gripper_qpos", "object",
                                      "teacup_size", "_size",      "robot0_eef_pos"};
  static const char* const expected[] = {
      "eef0@world", "robot0_gripper_qpos", "cup@world", "cup@eef0", "rod@world", "rod@eef0", "cup_size"};
  enum { EXPECTED = sizeof expected / sizeof *expected };
  loomFramedParts parts = {.arms = 1, .objects = 2, .object = {"cup", "rod"}};
  loomName key[16];

  for (size_t i = 0; i < sizeof there / sizeof *there; i++) loom_framed_add(&parts, there[i]);
  assert_int_equal(loom_framed_keys(key, 16, &parts), EXPECTED);
  for (int i = 0; i < EXPECTED; i++) assert_string_equal(key[i], expected[i]);

  // What is no key takes no room.
  assert_int_equal(loom_framed_keys(key, EXPECTED, &parts), EXPECTED);
  assert_int_equal(loom_framed_keys(key, EXPECTED - 1, &parts), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(in_a_frame),
                                     cmocka_unit_test(as_recorded), cmocka_unit_test(what_is_not_there),
                                     cmocka_unit_test(keys_of_parts)};
  return cmocka_run_group_tests_name("framed", tests, open_fixture, close_fixture);
}
