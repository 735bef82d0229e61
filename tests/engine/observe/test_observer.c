// Each kind of observation from a demo and from an episode in the demo's states: the same numbers. And the
// message for a key that is not there.
#include "tests/own_fixture.h"

#include <math.h>

#include "engine/observe/framed.h"
#include "engine/observe/sense.h"
#include "engine/run/record_demo.h"

enum { SIZE = 16, POINTS = 64, EVERY = 25, KEYS = 7 };

static own* o;
static char path[80];
static loomSenseDef sense;
static const char* const names[KEYS] = {"object",      "robot0_eef_pos", "rod@eef1", "front_image",
                                        "front_depth", "pointcloud",     "box_size"};
static const int shapes[KEYS][4] = {{0}, {0}, {0}, {3, SIZE, SIZE, 3}, {3, SIZE, SIZE, 1}, {2, POINTS, 3},
                                    {0}};

// Rank and shape of what is seen; of vectors the names alone.
static void wanted_keys(loomObsKey key[KEYS]) {
  for (int i = 0; i < KEYS; i++) {
    key[i] = loom_obs_named(names[i]);
    key[i].rank = shapes[i][0];
    for (int k = 0; k < key[i].rank; k++) key[i].shape[k] = shapes[i][1 + k];
  }
}

// Pictures and clouds of every row, drawn from the recorded states as `demoloom render --obs` does.
static void add_pictures(loomDemoRecord* record, const loomTrace* t) {
  loomError err = {0, ""};
  loomObsKey key[3];
  loomSense* s;
  char* xml = NULL;
  void *room[3], *row[3];
  int64_t rows = t->rows;

  for (int i = 0; i < 3; i++)
    must(loom_sense_key(&key[i], &sense, names[3 + i], shapes[3 + i][0], shapes[3 + i] + 1, &err), &err);
  room[0] =
      loom_demo_record_room(record, "obs/front_image", LOOM_TYPE_U8, 4, (int64_t[]){rows, SIZE, SIZE, 3});
  room[1] =
      loom_demo_record_room(record, "obs/front_depth", LOOM_TYPE_F32, 4, (int64_t[]){rows, SIZE, SIZE, 1});
  room[2] = loom_demo_record_room(record, "obs/pointcloud", LOOM_TYPE_F32, 3, (int64_t[]){rows, POINTS, 3});
  must(loom_episode_xml(&xml, o->e, &err), &err);
  must(loom_sense_create(&s, &sense, key, 3, &err), &err);
  must(loom_sense_model(s, xml, "own", &o->scene->roots, &err), &err);

  for (int64_t r = 0; r < rows; r += EVERY) {
    row[0] = (unsigned char*)room[0] + r * SIZE * SIZE * 3;
    row[1] = (float*)room[1] + r * SIZE * SIZE;
    row[2] = (float*)room[2] + r * POINTS * 3;
    must(loom_sense_look(row, s, t->states + r * t->state_dim + 1, &err), &err);
  }

  loom_sense_destroy(s);
  free(xml);
}

static int open_fixture(void** state) {
  int code = open_own(state);
  o = *state;
  loomError err = {0, ""};
  loomDemoRecord record = {0};
  loomWriteDef write = loom_default_write_def();
  snprintf(path, sizeof path, "%s.observer", o->path);
  sense = loom_default_sense_def();
  sense.cloud = loom_default_cloud_def();
  sense.cloud.points = POINTS;
  sense.cloud.camera_count = 1;
  snprintf(sense.cloud.camera[0], sizeof sense.cloud.camera[0], "front");
  must(loom_cloud_workspace(sense.cloud.low, sense.cloud.high, o->scene, &err), &err);

  unsigned arrays =
      LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES | LOOM_DEMO_OBS | LOOM_DEMO_EEF_POSES | LOOM_DEMO_OBJECT_POSES;
  loom_demo_record_rows(&record, arrays, &o->trace, o->e, 0, o->trace.rows);
  add_pictures(&record, &o->trace);
  must(loom_demo_record_write(path, &record, "demo_0", &write, &err), &err);

  loom_demo_record_destroy(&record);
  return code;
}

static int close_fixture(void** state) {
  unlink(path);
  return close_own(state);
}

// All rows of a key in the demo, as floats.
static float* read_rows(loomObsKey* key, const loomDataset* set, const char* name) {
  loomError err = {0, ""};
  int64_t rows = 0;

  must(loom_obs_describe(key, &rows, name, set, 0, &err), &err);
  assert_int_equal(rows, o->trace.rows);
  float* out = malloc((size_t)rows * (size_t)key->dim * sizeof *out);
  must(loom_obs_read(out, key->dim, key, set, 0, rows, &err), &err);
  return out;
}

static void same_from_demo_and_episode(void** state) {
  (void)state;
  static const loomObsKind kinds[KEYS] = {LOOM_OBS_STATE, LOOM_OBS_STATE, LOOM_OBS_FRAMED, LOOM_OBS_IMAGE,
                                          LOOM_OBS_DEPTH, LOOM_OBS_CLOUD, LOOM_OBS_STATE};
  loomError err = {0, ""};
  loomDataset* set;
  loomObserver* observer;
  loomObsKey wanted[KEYS];
  int n;

  wanted_keys(wanted);
  must(loom_dataset_open(&set, path, &err), &err);
  must(loom_observer_create(&observer, o->e, wanted, KEYS, &sense, &err), &err);
  const loomObsKey* key = loom_observer_keys(observer, &n);
  assert_int_equal(n, KEYS);

  float* recorded[KEYS];
  for (int i = 0; i < KEYS; i++) {
    loomObsKey there;
    recorded[i] = read_rows(&there, set, names[i]);
    assert_int_equal(there.kind, kinds[i]);
    assert_int_equal(key[i].kind, kinds[i]);
    assert_int_equal(there.dim, key[i].dim);
    assert_int_equal(there.rank, key[i].rank);
    assert_string_equal(there.camera, key[i].camera);
  }

  // The episode's sizes are still those of the trace: its states bring everything else back.
  float* vectors = malloc((size_t)loom_observer_dim(observer) * sizeof *vectors);
  static unsigned char image[SIZE * SIZE * 3];
  static float depth[SIZE * SIZE], cloud[POINTS * 3];
  void* const visual[3] = {image, depth, cloud};
  const double grip[LOOM_MAX_ARMS] = {0};
  must(loom_observer_begin(observer, o->e, &err), &err);

  for (int r = 0; r < o->trace.rows; r += EVERY) {
    must(loom_episode_show(o->e, o->trace.states + (ptrdiff_t)r * o->trace.state_dim, grip, &err), &err);
    loom_observer_see(vectors, observer, o->e);
    must(loom_observer_look(visual, observer, o->e, &err), &err);
    for (int i = 0; i < KEYS; i = i == 2 ? KEYS - 1 : i + 1)
      for (int k = 0; k < key[i].dim; k++)
        assert_true(fabsf(vectors[key[i].offset + k] - recorded[i][(ptrdiff_t)r * key[i].dim + k]) < 1e-6f);
    for (int k = 0; k < SIZE * SIZE * 3; k++)
      assert_true((float)image[k] == recorded[3][(ptrdiff_t)r * SIZE * SIZE * 3 + k]);
    assert_memory_equal(depth, recorded[4] + (ptrdiff_t)r * SIZE * SIZE, sizeof depth);
    assert_memory_equal(cloud, recorded[5] + (ptrdiff_t)r * POINTS * 3, sizeof cloud);
  }

  for (int i = 0; i < KEYS; i++) free(recorded[i]);
  free(vectors);
  loom_observer_destroy(observer);
  loom_dataset_close(set);
}

// As doubles a trace has them, bit for bit.
static void all_states_are_a_trace_s_row(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomObserver* observer;
  int n;

  must(loom_observer_create_all(&observer, o->e, &err), &err);
  const loomObsKey* key = loom_observer_keys(observer, &n);
  assert_int_equal(loom_observer_dim(observer), o->trace.obs_dim);

  for (int i = 0, at = 0; i < n; at += key[i++].dim) {
    assert_int_equal(key[i].offset, at);
    assert_int_equal(key[i].kind, LOOM_OBS_STATE);
  }
  assert_string_equal(key[n - 3].name, "object");

  // What varies of objects comes last, as it is now.
  loomEpisode* e = o->e;
  assert_string_equal(key[n - 2].name, "box_size");
  assert_string_equal(key[n - 1].name, "rod_size");

  double* row = calloc((size_t)o->trace.obs_dim, sizeof *row);
  must(loom_episode_reset(o->e, 0, 5, 5, &err), &err);
  o->trace.rows = 0;
  loom_trace_end(&o->trace, o->e);
  loom_observer_see_doubles(row, observer, o->e);
  assert_memory_equal(row, o->trace.obs, (size_t)o->trace.obs_dim * sizeof *row);
  for (int k = 0; k < 2; k++) {
    const double* size = row + key[n - 2 + k].offset;
    assert_true(fabs(size[0] - e->variables[k][0]) < 1e-12);
    must(loom_episode_reset(e, 0, 5, 6, &err), &err);
    loom_observer_see_doubles(row, observer, e);
    assert_true(fabs(size[0] - e->variables[k][0]) < 1e-12);
    must(loom_episode_reset(e, 0, 5, 5, &err), &err);
    loom_observer_see_doubles(row, observer, e);
  }
  free(row);
  loom_observer_destroy(observer);
}

// One message, whether a demo or an episode lacks the key: what is asked for, and what there is.
static void keys_that_are_not_there(void** state) {
  (void)state;
  static const struct {
    const char *name, *demo, *episode;
  } wrong[] = {
      {"robot7_eef_pos",
       "no observation 'robot7_eef_pos'; it has box_size, front_depth, front_image, object, pointcloud,",
       "no observation 'robot7_eef_pos'; it has robot0_joint_pos, robot0_joint_pos_cos,"},
      {"cup@eef0",
       "no observation 'cup@eef0', since there is no frame 'cup'; it has world, eef0 to eef1, box, rod",
       "no observation 'cup@eef0', since there is no frame 'cup'; it has world, eef0 to eef1, box, rod"},
      {"rod@eef7", "since there is no frame 'eef7'; it has world, eef0 to eef1, box, rod",
       "since there is no frame 'eef7'; it has world, eef0 to eef1, box, rod"},
  };
  loomError err = {0, ""};
  loomDataset* set;

  must(loom_dataset_open(&set, path, &err), &err);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loomObserver* observer;
    loomObsKey key, wanted = loom_obs_named(wrong[i].name);
    int64_t rows;
    assert_int_equal(loom_obs_describe(&key, &rows, wrong[i].name, set, 0, &err), LOOM_ERR_FORMAT);
    if (!strstr(err.message, wrong[i].demo)) fail_msg("%s", err.message);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "demo_0"));
    assert_int_equal(loom_observer_create(&observer, o->e, &wanted, 1, NULL, &err), LOOM_ERR_FORMAT);
    assert_null(observer);
    if (!strstr(err.message, wrong[i].episode)) fail_msg("%s", err.message);
    assert_non_null(strstr(err.message, "tests/own/task.yaml"));
  }

  loom_dataset_close(set);
}

static void kinds_by_name_and_shape(void** state) {
  (void)state;
  loomName camera;

  assert_int_equal(loom_obs_kind(camera, "a_image", 3, (int[]){8, 8, 3}), LOOM_OBS_IMAGE);
  assert_string_equal(camera, "a");
  assert_int_equal(loom_obs_kind(camera, "a_image", 3, (int[]){8, 8, 1}), LOOM_OBS_OTHER);
  assert_string_equal(camera, "");
  assert_int_equal(loom_obs_kind(camera, "a_b_segmentation", 3, (int[]){8, 8, 1}), LOOM_OBS_SEGMENTATION);
  assert_string_equal(camera, "a_b");
  assert_int_equal(loom_obs_kind(camera, "_depth", 3, (int[]){8, 8, 1}), LOOM_OBS_OTHER);
  assert_int_equal(loom_obs_kind(camera, "a_image", 1, (int[]){8}), LOOM_OBS_STATE);
  assert_int_equal(loom_obs_kind(camera, "pointcloud", 2, (int[]){8, 3}), LOOM_OBS_CLOUD);
  assert_int_equal(loom_obs_kind(camera, "pointcloud", 2, (int[]){8, 6}), LOOM_OBS_OTHER);
  assert_int_equal(loom_obs_kind(camera, "points", 2, (int[]){8, 3}), LOOM_OBS_OTHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_from_demo_and_episode),
      cmocka_unit_test(keys_that_are_not_there),
      cmocka_unit_test(kinds_by_name_and_shape),
      cmocka_unit_test(all_states_are_a_trace_s_row),
  };

  return cmocka_run_group_tests_name("observer", tests, open_fixture, close_fixture);
}
