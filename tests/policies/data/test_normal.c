// Statistics against those of two plain passes, also through a cache that holds a few demos only; scaling
// there and back; the same after being written and read.
#include "data_fixture.h"

#include <math.h>

#include "engine/base/random.h"
#include "engine/base/rotation.h"
#include "policies/data/survey.h"

enum { N = 500 };

static void against_two_passes(void** state) {
  (void)state;
  static float x[N * 3];
  loomRandom random = loom_random(1, 0, LOOM_PURPOSE_TEST);

  // Around zero, far from it, and constant.
  for (int i = 0; i < N; i++) {
    x[3 * i] = (float)loom_random_normal(&random);
    x[3 * i + 1] = 1e4f + (float)loom_random_uniform(&random);  // a naive sum of squares loses this one
    x[3 * i + 2] = 7;
  }

  loomNormal n;
  loomError err = {0, ""};
  must(loom_normal_create(&n, 3, &err), &err);

  // In two parts.
  loom_normal_add(&n, x, 123);
  loom_normal_add(&n, x + 3 * 123, N - 123);
  loom_normal_finish(&n, LOOM_NORMAL_RANGE);

  // Against two passes.
  for (int k = 0; k < 3; k++) {
    double sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < N; i++) sum += x[3 * i + k];
    for (int i = 0; i < N; i++) {
      double off = x[3 * i + k] - sum / N;
      squares += off * off;
      low = fmin(low, x[3 * i + k]);
      high = fmax(high, x[3 * i + k]);
    }

    assert_true(fabs(n.mean[k] - sum / N) < 1e-9 * (1 + fabs(n.mean[k])));
    assert_true(fabs(n.deviation[k] - sqrt(squares / N)) < 1e-9);
    assert_true(n.low[k] == low && n.high[k] == high);
  }
  loom_normal_destroy(&n);
}

// Four rows of an entry that changes, and of one that does not.
static const float four[4 * 2] = {-3, 5, 1, 5, 2, 5, 4, 5};

static loomNormal of_four(int kind) {
  loomNormal n;
  loomError err = {0, ""};
  must(loom_normal_create(&n, 2, &err), &err);
  loom_normal_add(&n, four, 4);
  loom_normal_finish(&n, (loomNormalKind)kind);
  return n;
}

static void there_and_back(void** state) {
  (void)state;

  for (int kind = LOOM_NORMAL_NONE; kind <= LOOM_NORMAL_RANGE; kind++) {
    loomNormal n = of_four(kind);
    float x[8];
    memcpy(x, four, sizeof x);

    // Each kind by what defines it.
    loom_normal_apply(x, 4, &n);
    if (kind == LOOM_NORMAL_RANGE) assert_true(fabsf(x[0] + 1) < 1e-6f && fabsf(x[6] - 1) < 1e-6f);
    if (kind == LOOM_NORMAL_STANDARD) assert_true(fabsf(x[0] + x[2] + x[4] + x[6]) < 1e-5f);

    // A constant becomes zero.
    if (kind != LOOM_NORMAL_NONE) assert_true(fabsf(x[1]) < 1e-6f);
    if (kind == LOOM_NORMAL_NONE) assert_memory_equal(x, four, sizeof x);

    // And back.
    loom_normal_undo(x, 4, &n);
    for (int i = 0; i < 8; i++) assert_true(fabsf(x[i] - four[i]) < 1e-5f);
    loom_normal_destroy(&n);
  }
}

// Bounds go with the data's range, whatever scales it; an entry that never changed stays where it was.
static void bounds_of_the_data(void** state) {
  (void)state;
  for (int kind = LOOM_NORMAL_NONE; kind <= LOOM_NORMAL_RANGE; kind++) {
    loomNormal n = of_four(kind);
    assert_null(loom_normal_bounds(&n, 0, false).least);
    assert_null(loom_normal_bounds(&n, 0, true).most);

    // From -3 to 4, and half as far again from their middle.
    loomBounds bounds = loom_normal_bounds(&n, 1.5, false);
    float end[2][2] = {{bounds.least[0], bounds.least[1]}, {bounds.most[0], bounds.most[1]}};
    loom_normal_undo(end[0], 2, &n);
    assert_true(fabsf(end[0][0] + 4.75f) < 1e-5f && fabsf(end[1][0] - 5.75f) < 1e-5f);
    assert_true(fabsf(end[0][1] - 5) < 1e-5f && fabsf(end[1][1] - 5) < 1e-5f);

    bounds = loom_normal_bounds(&n, 1.5, true);
    for (int i = 0; i < 2; i++)
      assert_true(fabsf(bounds.least[i] + 1.5f) < 1e-6f && fabsf(bounds.most[i] - 1.5f) < 1e-6f);
    loom_normal_destroy(&n);
  }
}

static void of_a_training_set(void** state) {
  (void)state;
  static const char* const keys[] = {"one", "image"};
  static const int rows[3] = {5, 6, 7};
  loomDataFile file = {write_file("n.hdf5", 0, 3, rows, NULL), NULL, 0, 0};
  loomDataDef def = loom_default_data_def();
  def.file = &file;
  def.file_count = 1;
  def.key = keys;
  def.key_count = 2;
  def.cache_bytes = 7 * (IMAGE + 3 * 4);  // one demo
  loomData* data;
  loomNormal low, actions, again;
  loomError err = {0, ""};

  must(loom_data_open(&data, &def, &err), &err);
  loomNormal cloud[LOOM_DATA_KEYS];
  loomSurvey survey = {&low, &actions, cloud, NULL, LOOM_NORMAL_STANDARD, LOOM_NORMAL_RANGE, 0};
  must(loom_survey_data(&survey, data, &err), &err);

  // The same for all rows, though one demo at a time is in memory.
  assert_int_equal(low.count, 18);
  assert_true(fabs(low.mean[0] - (10.0 + 15 + 21) / 18) < 1e-12 && low.high[0] == 6 && low.low[0] == 0);
  assert_true(actions.low[0] == -206 && actions.high[1] == 2);

  loomSafeTensor tensor[2 * LOOM_NORMAL_TENSORS];
  loomSafetensors read;
  const char* path = in_folder("policy.safetensors");
  loom_normal_tensors(tensor, &low, "obs");
  loom_normal_tensors(tensor + LOOM_NORMAL_TENSORS, &actions, "actions");
  must(loom_safetensors_write(path, tensor, 2 * LOOM_NORMAL_TENSORS, NULL, 0, &err), &err);
  must(loom_safetensors_read(&read, path, &err), &err);
  must(loom_normal_read(&again, &read, "actions", 2, LOOM_NORMAL_RANGE, &err), &err);
  assert_memory_equal(again.mean, actions.mean, 2 * (4 * sizeof(double) + 2 * sizeof(float)));
  loom_normal_destroy(&again);
  assert_int_equal(loom_normal_read(&again, &read, "actions", 3, LOOM_NORMAL_RANGE, &err), LOOM_ERR_FORMAT);

  assert_non_null(strstr(err.message, "'actions.mean' of 3 numbers"));
  loom_safetensors_destroy(&read);
  loom_normal_destroy(&low);
  loom_normal_destroy(&actions);
  loom_data_close(data);
}

// Positions and turns by a pose, positions alone by robosuite's key; grippers, and moves, by nothing.
static void offsets_find_hands(void** state) {
  (void)state;
  enum { DIM = 20 };
  static const int want[DIM] = {4, 5, 6, 7, 8, 9, 10, 11, 12, -1, 0, 1, 2, -1, -1, -1, -1, -1, -1, -1};
  const loomDataInfo info = {
      .key_count = 2,
      .key = {{.name = "robot1_eef_pos", .dim = 3}, {.name = "eef0@world", .dim = 9, .offset = 4}},
      .arms = 2};
  loomOffsets offsets;
  loomError err = {0, ""};

  for (int absolute = 0; absolute < 2; absolute++) {
    must(loom_offsets_create(&offsets, 1, DIM, &err), &err);
    loom_offsets_find_hands(&offsets, &info, (loomActionForm){absolute, true});
    for (int i = 0; i < DIM; i++) assert_int_equal(offsets.from[i], absolute ? want[i] : -1);
    loom_offsets_destroy(&offsets);
  }
}

// Offsets as they are defined: chunk by chunk, what follows a demo's end held.
static void offsets_of_a_training_set(void** state) {
  (void)state;
  enum { ROWS = 3, DIM = 2, BEFORE = 1, FROM = 2 };
  static const char* const keys[] = {"pos"};
  static const int rows[2] = {5, 7};
  loomDataFile file = {write_file("o.hdf5", 0, 2, rows, NULL), NULL, 0, 0};
  loomDataDef def = loom_default_data_def();
  def.file = &file;
  def.file_count = 1;
  def.key = keys;
  def.key_count = 1;
  loomData* data;
  loomNormal obs, actions, cloud[LOOM_DATA_KEYS];
  loomOffsets offsets, again;
  loomError err = {0, ""};
  must(loom_data_open(&data, &def, &err), &err);

  // The second action is told from the third number seen.
  must(loom_offsets_create(&offsets, ROWS, DIM, &err), &err);
  loom_offsets_find_hands(&offsets, loom_data_info(data), (loomActionForm){true, true});
  assert_true(offsets.from[0] == -1 && offsets.from[1] == -1);  // no key says where a hand is
  offsets.from[1] = FROM;
  loomSurvey survey = {&obs, &actions, cloud, &offsets, LOOM_NORMAL_STANDARD, LOOM_NORMAL_RANGE, BEFORE};
  must(loom_survey_data(&survey, data, &err), &err);

  double sum[ROWS * DIM] = {0};
  int count = 0;
  for (int d = 0; d < 2; d++) {
    loomDataRows demo;
    must(loom_data_rows(&demo, data, d, &err), &err);
    for (int t = 0; t < demo.rows; t++, count++) {
      for (int k = 0; k < ROWS * DIM; k++) {
        int at = t - BEFORE + k / DIM;
        at = at < 0 ? 0 : at >= demo.rows ? demo.rows - 1 : at;
        double seen = k % DIM == 1 ? (double)demo.low[t * POS + FROM] : 0;
        sum[k] += (double)demo.actions[at * DIM + k % DIM] - seen;
      }
    }
  }

  for (int k = 0; k < ROWS * DIM; k++) assert_true(fabs(offsets.normal.mean[k] - sum[k] / count) < 1e-4);

  // Both sides scaled, the mean said is the mean action: said 0 here, of the last demo's newest row.
  float seen[POS], action[ROWS * DIM];
  loomDataRows demo;
  must(loom_data_rows(&demo, data, 1, &err), &err);
  memcpy(seen, demo.low + 3 * POS, sizeof seen);
  loom_normal_apply(seen, 1, &obs);
  for (int k = 0; k < ROWS * DIM; k++) {
    int i = k % DIM;
    action[k] = offsets.middle[k] + (i == 1 ? seen[FROM] * offsets.factor[i] + offsets.shift[i] : 0);
  }
  loom_normal_undo(action, ROWS, &actions);
  for (int k = 0; k < ROWS * DIM; k++) {
    double want = sum[k] / count + (k % DIM == 1 ? (double)demo.low[3 * POS + FROM] : 0);
    assert_true(fabs((double)action[k] - want) < 2e-3);
  }

  // In a file, and what does not fit.
  loomSafeTensor tensor[LOOM_OFFSETS_TENSORS];
  loomSafetensors read;
  const char* path = in_folder("offsets.safetensors");
  loom_offsets_tensors(tensor, &offsets);
  must(loom_safetensors_write(path, tensor, LOOM_OFFSETS_TENSORS, NULL, 0, &err), &err);
  must(loom_safetensors_read(&read, path, &err), &err);
  must(loom_offsets_read(&again, &read, ROWS, DIM, &obs, &actions, &err), &err);
  assert_memory_equal(again.scale, offsets.scale, sizeof(float) * 2 * ROWS * DIM);
  assert_memory_equal(again.from, offsets.from, sizeof(int32_t) * DIM);
  loom_offsets_destroy(&again);
  assert_int_equal(loom_offsets_read(&again, &read, ROWS + 1, DIM, &obs, &actions, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "'offsets.mean' of 8 numbers"));

  loomNormal narrow = obs;
  narrow.dim = FROM;
  assert_int_equal(loom_offsets_read(&again, &read, ROWS, DIM, &narrow, &actions, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "tells action 1 from number 2 of 2"));

  loom_safetensors_destroy(&read);
  loom_offsets_destroy(&offsets);
  loom_normal_destroy(&obs);
  loom_normal_destroy(&actions);
  loom_data_close(data);
}

static void rotations(void** state) {
  (void)state;
  loomRandom random = loom_random(2, 0, LOOM_PURPOSE_TEST);

  // A quarter turn known by hand.
  const double quarter[3] = {0, 0, acos(0)};  // about z: x to y, y to -x
  const double want[6] = {0, 1, 0, -1, 0, 0};
  double six[6], back[3];
  loom_rotation_6d(six, quarter);
  for (int i = 0; i < 6; i++) assert_true(fabs(six[i] - want[i]) < 1e-15);

  // Turns of up to half, tiny ones too.
  for (int trial = 0; trial < 1000; trial++) {
    double v[3], length = 0, far = trial < 900 ? 3.1 : 1e-7, other[6];
    for (int i = 0; i < 3; i++) {
      v[i] = loom_random_normal(&random);
      length += v[i] * v[i];
    }
    for (int i = 0; i < 3; i++) v[i] *= far * loom_random_uniform(&random) / sqrt(length);

    loom_rotation_6d(six, v);
    loom_rotation_axis_angle(back, six);
    for (int i = 0; i < 3; i++) assert_true(fabs(v[i] - back[i]) < 1e-9);

    // What a network says is no exact rotation: other lengths, and the second column a little towards the
    // first.
    for (int i = 0; i < 3; i++) {
      other[i] = 0.3 * six[i];
      other[3 + i] = 2 * six[3 + i] + 0.5 * six[i];
    }
    loom_rotation_axis_angle(back, other);
    for (int i = 0; i < 3; i++) assert_true(fabs(v[i] - back[i]) < 1e-9);
  }

  // No turn at all, and a turn of half that six numbers hardly give.
  const double lost[3][6] = {{0}, {0, 2, 0, 0, -1, 0}, {0, 0, 0, 1, 0, 0}};
  for (int k = 0; k < 3; k++) {
    loom_rotation_axis_angle(back, lost[k]);
    double length = sqrt(back[0] * back[0] + back[1] * back[1] + back[2] * back[2]);
    assert_true(isfinite(length) && length < 3.1416);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(against_two_passes),
      cmocka_unit_test(there_and_back),
      cmocka_unit_test(bounds_of_the_data),
      cmocka_unit_test(of_a_training_set),
      cmocka_unit_test(offsets_of_a_training_set),
      cmocka_unit_test(offsets_find_hands),
      cmocka_unit_test(rotations),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
