// Windows and padding as robomimic has them, every sample once a pass however small the cache, the same batch
// for the same step, memory under its limit, and errors that name what is wrong.
#include "data_fixture.h"

#include <math.h>

#include "policies/data/data.h"

static const int seven_nine[2] = {7, 9};
static const char* const low_keys[] = {"pos", "one"};

static loomDataDef small_def(const loomDataFile* file, int files) {
  loomDataDef def = loom_default_data_def();
  def.file = file;
  def.file_count = files;
  def.key = low_keys;
  def.key_count = 2;
  def.batch = 4;
  def.seed = 5;
  return def;
}

static loomData* open_data(const loomDataDef* def) {
  loomData* data;
  loomError err = {0, ""};
  must(loom_data_open(&data, def, &err), &err);
  return data;
}

static void next(loomBatch* batch, loomData* data, int64_t step) {
  loomError err = {0, ""};
  must(loom_data_batch(batch, data, step, &err), &err);
}

// ---- windows

static void one_row_each(void** state) {
  (void)state;
  loomDataFile file = {write_file("a.hdf5", 0, 2, seven_nine, NULL), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);
  loomData* data = open_data(&def);
  loomBatch b;
  loomError err = {0, ""};

  // What is there: two demos of 16 rows in all.
  const loomDataInfo* info = loom_data_info(data);
  assert_int_equal(info->low_dim, POS + 1);
  assert_int_equal(info->action_dim, 2);
  assert_int_equal(info->samples, 16);
  assert_int_equal(info->batches, 4);
  assert_int_equal(info->key[1].offset, POS);

  // Two passes.
  must(loom_batch_create(&b, data, &err), &err);
  for (int step = 0; step < 8; step++) {
    next(&b, data, step);
    assert_int_equal(b.n, 4);

    // All of a sample bears its demo's and row's mark.
    for (int i = 0; i < 4; i++) {
      float v = (float)mark(0, b.demo[i], b.row[i]);
      assert_true(b.low[i * 4] == v && b.low[i * 4 + 2] == v + 0.5f && b.low[i * 4 + 3] == (float)b.row[i]);
      assert_true(b.actions[i * 2] == -v && b.real[i] == 1);
    }
  }

  loom_batch_destroy(&b);
  loom_data_close(data);
}

static int clamp_row(int row, int rows) {
  return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

static void check_windows(const loomDataDef* def, int samples) {
  loomData* data = open_data(def);
  loomBatch b;
  loomError err = {0, ""};

  must(loom_batch_create(&b, data, &err), &err);
  assert_int_equal(loom_data_info(data)->samples, samples);
  for (int step = 0; step < loom_data_info(data)->batches; step++) {
    next(&b, data, step);

    for (int i = 0; i < b.n; i++) {
      int rows = seven_nine[b.demo[i]];

      // Beyond the ends the first or the last row is repeated.
      for (int t = 0; t < def->obs.length; t++) {
        int row = clamp_row(b.row[i] - def->obs.before + t, rows);
        assert_true(b.low[(i * def->obs.length + t) * 4] == (float)mark(0, b.demo[i], row));
      }

      // Such actions are not real ones.
      for (int t = 0; t < def->actions.length; t++) {
        int at = b.row[i] - def->actions.before + t, row = clamp_row(at, rows);
        assert_true(b.actions[(i * def->actions.length + t) * 2] == -(float)mark(0, b.demo[i], row));
        assert_true(b.real[i * def->actions.length + t] == (at == row ? 1.0f : 0.0f));
      }
    }
  }

  loom_batch_destroy(&b);
  loom_data_close(data);
}

static void windows(void** state) {
  (void)state;
  loomDataFile file = {write_file("a.hdf5", 0, 2, seven_nine, NULL), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);

  // Robomimic's frames: actions from the row on.
  loom_data_sequence(&def, 1, 5);
  assert_int_equal(def.obs.before, 0);
  check_windows(&def, 16);

  // With three rows seen.
  loom_data_sequence(&def, 3, 4);
  assert_int_equal(def.obs.length, 6);
  check_windows(&def, 16);

  def.pad_start = false;  // robomimic: length - (stack - 1) - (seq - 1) sequences a demo
  check_windows(&def, 12);
  def.pad_end = false;
  check_windows(&def, 6);

  def.pad_start = true;
  check_windows(&def, 10);
  def.pad_end = true;

  // A chunk begins with the first row seen.
  loom_data_chunk(&def, 2, 16);
  assert_int_equal(def.obs.length, 2);
  assert_int_equal(def.actions.before, 1);
  check_windows(&def, 16);
}

static void images(void** state) {
  (void)state;
  static const char* const keys[] = {"image", "pos"};
  loomDataFile file = {write_file("a.hdf5", 0, 2, seven_nine, NULL), NULL, 0, 0};

  // Bytes of 2 x 4 pixels, beside an ordinary key.
  loomDataDef def = small_def(&file, 1);
  def.key = keys;
  loom_data_sequence(&def, 2, 1);
  loomData* data = open_data(&def);
  loomBatch b;
  loomError err = {0, ""};
  const loomDataKey* key = &loom_data_info(data)->key[0];
  must(loom_batch_create(&b, data, &err), &err);

  // Channels first.
  assert_true(key->bytes && key->offset < 0 && key->shape[0] == 3 && key->shape[1] == 2 &&
              key->shape[2] == 4);
  assert_int_equal(loom_data_info(data)->low_dim, POS);

  next(&b, data, 0);

  // Channel c of each pixel, as a share of 255.
  for (int i = 0; i < b.n; i++) {
    for (int c = 0; c < 3; c++) {
      for (int pixel = 0; pixel < 8; pixel++) {
        float want = (float)(uint8_t)(b.row[i] + 10 * (pixel * 3 + c)) / 255;
        assert_true(b.visual[0][(i * 2 + 1) * IMAGE + c * 8 + pixel] == want);
      }
    }
  }

  loom_batch_destroy(&b);
  loom_data_close(data);
}

static void masks(void** state) {
  (void)state;
  static const int rows[4] = {5, 6, 7, 8}, valid[2] = {1, 3};
  const char* path = write_file("m.hdf5", 0, 4, rows, NULL);
  loomMask mask = {"valid", 2, valid};

  // Two of four demos.
  loomError err = {0, ""};
  must(loom_dataset_set_masks(path, &mask, 1, &err), &err);
  loomDataFile file = {path, "valid", 0, 0};
  loomDataDef def = small_def(&file, 1);
  loomData* data = open_data(&def);

  assert_int_equal(loom_data_info(data)->samples, 14);
  assert_string_equal(loom_data_demo_name(data, 0), "demo_1");
  assert_string_equal(loom_data_demo_path(data, 1), path);
  loom_data_close(data);

  // A mask that is not there.
  file.mask = "train";
  assert_int_not_equal(loom_data_open(&data, &def, &err), 0);
  assert_null(data);
}

static void first_demos(void** state) {
  (void)state;
  static const int rows[4] = {5, 6, 7, 8};
  loomDataFile file = {write_file("f.hdf5", 0, 4, rows, NULL), NULL, 0, 2};
  loomDataDef def = small_def(&file, 1);

  // Two demos of the four.
  loomData* data = open_data(&def);
  loomError err = {0, ""};
  assert_int_equal(loom_data_info(data)->demos, 2);
  assert_int_equal(loom_data_info(data)->rows, 11);
  assert_string_equal(loom_data_demo_name(data, 1), "demo_1");
  loom_data_close(data);

  // More than there are.
  file.first = 5;
  assert_int_equal(loom_data_open(&data, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "has 4 demos, not the first 5"));
}

// A file of one arm's actions and goals, one row each: actions 1, 2, ..., 7; the goal stands at (5, 6, 7),
// turned half round the x axis.
static const char* write_goals(bool with_goals) {
  static const double action[7] = {1, 2, 3, 0.4, 0.5, 0.6, 7}, pos[3] = {0, 0, 0};
  static const double goal[16] = {1, 0, 0, 5, 0, -1, 0, 6, 0, 0, -1, 7, 0, 0, 0, 1};
  loomField field[] = {{"actions", LOOM_TYPE_F64, 2, {1, 7}, action},
                       {"obs/pos", LOOM_TYPE_F64, 2, {1, 3}, pos},
                       {"datagen_info/target_pose", LOOM_TYPE_F64, 4, {1, 1, 4, 4}, goal}};
  loomRecord one = {.name = "demo_0", .nfield = with_goals ? 3 : 2, .field = field};

  loomError err = {0, ""};
  const char* path = in_folder(with_goals ? "goals.hdf5" : "none.hdf5");
  must(loom_shard_write(path, &one, 1, NULL, &err), &err);
  return path;
}

static void forms_of_actions(void** state) {
  (void)state;
  static const char* const pos[] = {"pos"};
  static const float absolute[10] = {5, 6, 7, 1, 0, 0, 0, -1, 0, 7};
  loomDataFile file = {write_goals(true), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);
  loomDataRows rows;
  loomError err = {0, ""};
  loomData* data;

  // Goals, with rotations of six numbers: the first two columns of the turn.
  def.key = pos;
  def.key_count = 1;
  def.form = (loomActionForm){true, true};
  data = open_data(&def);
  assert_int_equal(loom_data_info(data)->action_dim, 10);

  must(loom_data_rows(&rows, data, 0, &err), &err);
  for (int i = 0; i < 10; i++) assert_true(fabsf(rows.actions[i] - absolute[i]) < 1e-6f);
  loom_data_close(data);

  // Without goals there is nothing to take them from.
  file.path = write_goals(false);
  assert_int_equal(loom_data_open(&data, &def, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "demo_0/datagen_info/target_pose: missing"));

  // Actions alone do not say how many arms there are.
  def.form.absolute = false;
  assert_int_equal(loom_data_open(&data, &def, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "say how many"));

  def.arms = 1;
  data = open_data(&def);
  assert_int_equal(loom_data_info(data)->action_dim, 10);
  loom_data_close(data);
}

// Two arms of moves and grippers, the second's of two numbers that go from other ends; the third and fourth
// of five rows are the first's closed ones, the last two the second's.
static void hands_that_are_closed(void** state) {
  (void)state;
  static const char* const pos[] = {"pos"};
  enum { ROWS = 5, DIM = 16, SEEN = 3 };
  double action[ROWS * DIM] = {0}, seen[ROWS * SEEN] = {0};
  for (int t = 0; t < ROWS; t++) {
    double* row = action + (ptrdiff_t)t * DIM;
    bool first = t == 2 || t == 3, second = t >= 3;

    // Where hands go is none of it, nor what is less than half of a gripper's way.
    for (int i = 0; i < 6; i++) row[i] = row[8 + i] = 10 * t;
    row[6] = first ? 1 : -1;
    row[7] = t == 1 ? -0.2 : -1;
    row[14] = second ? -0.5 : 1;
    row[15] = 0.3;
  }

  loomField field[] = {{"actions", LOOM_TYPE_F64, 2, {ROWS, DIM}, action},
                       {"obs/pos", LOOM_TYPE_F64, 2, {ROWS, SEEN}, seen}};
  loomRecord one = {.name = "demo_0", .nfield = 2, .field = field};
  loomError err = {0, ""};
  const char* path = in_folder("closed.hdf5");
  must(loom_shard_write(path, &one, 1, NULL, &err), &err);

  for (int columns = 0; columns < 2; columns++) {
    loomDataFile file = {path, NULL, 0, 0};
    loomDataDef def = small_def(&file, 1);
    def.key = pos;
    def.key_count = 1;
    def.arms = 2;
    def.form.columns = columns;
    def.shuffle = false;
    def.batch = ROWS;

    loomData* data = open_data(&def);
    loomBatch b;
    must(loom_batch_create(&b, data, &err), &err);
    must(loom_data_batch(&b, data, 0, &err), &err);
    static const unsigned wanted[ROWS] = {0, 0, 1, 3, 2};
    assert_int_equal(b.n, ROWS);
    for (int i = 0; i < b.n; i++) assert_int_equal(b.shut[i], wanted[b.row[i]]);

    loom_batch_destroy(&b);
    loom_data_close(data);
  }
}

// ---- order

static void each_in_order(void** state) {
  (void)state;
  loomDataFile file = {write_file("a.hdf5", 0, 2, seven_nine, NULL), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);

  // Batches of 6 from 16 samples.
  def.shuffle = false;
  def.batch = 6;
  loomData* data = open_data(&def);
  loomBatch b;
  loomError err = {0, ""};
  must(loom_batch_create(&b, data, &err), &err);

  // The last one is short.
  for (int step = 0, at = 0; step < 3; step++) {
    next(&b, data, step);
    assert_int_equal(b.n, step < 2 ? 6 : 4);
    for (int i = 0; i < b.n; i++, at++) {
      assert_int_equal(b.demo[i], at >= 7);
      assert_int_equal(b.row[i], at < 7 ? at : at - 7);
    }
  }

  // Then from the beginning.
  next(&b, data, 3);
  assert_int_equal(b.demo[0] + b.row[0], 0);

  loom_batch_destroy(&b);
  loom_data_close(data);
}

enum { MANY = 40 };

static void many_rows(int* rows) {
  for (int i = 0; i < MANY; i++) rows[i] = 20 + i % 7;
}

// Bytes in memory of a demo of that many rows with the low keys.
static int64_t demo_bytes(int rows) {
  return rows * (int64_t)((POS + 1 + 2) * sizeof(float));
}

static void each_once_a_pass(void** state) {
  (void)state;
  int rows[MANY], seen[MANY][MADE_ROWS], order[2][8] = {{0}};
  many_rows(rows);
  loomDataFile file = {write_file("many.hdf5", 0, MANY, rows, NULL), NULL, 0, 0};

  // For a demo, for six, for all.
  const int64_t caches[] = {demo_bytes(26), 6 * demo_bytes(26), (int64_t)1 << 30};
  for (int c = 0; c < 3; c++) {
    loomDataDef def = small_def(&file, 1);
    def.cache_bytes = caches[c];
    def.batch = 1;
    loomData* data = open_data(&def);

    loomBatch b;
    loomError err = {0, ""};
    must(loom_batch_create(&b, data, &err), &err);
    int64_t samples = loom_data_info(data)->samples;

    for (int pass = 0; pass < 2; pass++) {
      memset(seen, 0, sizeof seen);
      for (int64_t i = 0; i < samples; i++) {
        next(&b, data, pass * samples + i);
        assert_int_equal(seen[b.demo[0]][b.row[0]]++, 0);
        if (i < 8) order[pass][i] = b.demo[0] * 100 + b.row[0];
      }
    }

    // In another order the second time.
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);

    // Each demo is read once a pass, but for those that are still there.
    loomDataUse use = loom_data_use(data);
    assert_true(use.peak <= caches[c]);
    assert_in_range(use.loads, c < 2 ? 2 * MANY - 6 : MANY, c < 2 ? 2 * MANY + 1 : MANY);

    loom_batch_destroy(&b);
    loom_data_close(data);
  }
}

enum { STEPS = 30 };

// What comes at steps 0 .. STEPS - 1, asked for upwards or downwards.
static void record(int* out, const loomDataDef* def, bool downwards) {
  loomData* data = open_data(def);
  loomBatch b;
  loomError err = {0, ""};

  must(loom_batch_create(&b, data, &err), &err);
  for (int i = 0; i < STEPS; i++) {
    int step = downwards ? STEPS - 1 - i : i;
    next(&b, data, step * 11);
    for (int k = 0; k < 4; k++) out[step * 4 + k] = b.demo[k] * 100 + b.row[k];

    // The numbers are that demo's and row's.
    assert_true(b.low[0] == (float)mark(b.demo[0] >= MANY, b.demo[0] % MANY, b.row[0]));
  }

  loom_batch_destroy(&b);
  loom_data_close(data);
}

static void same_step_same_batch(void** state) {
  (void)state;
  int rows[MANY], first[STEPS * 4], again[STEPS * 4];
  many_rows(rows);
  loomDataFile file[2] = {{write_file("many.hdf5", 0, MANY, rows, NULL), NULL, 3, 0},
                          {write_file("more.hdf5", 1, MANY, rows, NULL), NULL, 1, 0}};
  loomDataDef def = small_def(file, 2);
  def.cache_bytes = 20 * demo_bytes(26);

  // Upwards and downwards.
  record(first, &def, false);
  record(again, &def, true);
  assert_memory_equal(first, again, sizeof first);

  // With and without a reader ahead.
  def.prefetch = false;
  record(again, &def, false);
  assert_memory_equal(first, again, sizeof first);

  // Another seed is another order.
  def.seed = 6;
  record(again, &def, false);
  assert_memory_not_equal(first, again, sizeof first);
}

static void mixture(void** state) {
  (void)state;
  static const int short_rows[3] = {5, 5, 5};
  int rows[MANY], seen[3][5] = {{0}};
  many_rows(rows);
  loomDataFile file[2] = {{write_file("many.hdf5", 0, MANY, rows, NULL), NULL, 3, 0},
                          {write_file("few.hdf5", 1, 3, short_rows, NULL), NULL, 1, 0}};
  loomDataDef def = small_def(file, 2);

  // A quarter of each batch from the short file.
  def.batch = 16;
  loomData* data = open_data(&def);
  loomBatch b;
  loomError err = {0, ""};
  must(loom_batch_create(&b, data, &err), &err);

  int64_t steps = 2 * loom_data_info(data)->batches, all = 0;
  for (int64_t step = 0; step < steps; step++) {
    int few = 0;
    next(&b, data, step);
    for (int i = 0; i < b.n; i++) {
      if (b.demo[i] < MANY) continue;
      few++;
      seen[b.demo[i] - MANY][b.row[i]]++;
    }

    assert_in_range(few, 3, 5);
    all += few;
  }

  // Over time exactly a quarter.
  assert_int_equal(all, steps * 4);

  // Each of its rows as often as the others.
  int least = seen[0][0], most = least;
  for (int i = 0; i < 15; i++) {
    int n = seen[i / 5][i % 5];
    least = n < least ? n : least;
    most = n > most ? n : most;
  }
  assert_in_range(most - least, 0, 1);

  loom_batch_destroy(&b);
  loom_data_close(data);
}

// ---- memory

static int64_t resident_bytes(void) {
  char line[128], *end;
  FILE* f = fopen("/proc/self/statm", "r");

  assert_non_null(f);
  assert_non_null(fgets(line, sizeof line, f));
  fclose(f);

  strtoll(line, &end, 10);  // pages in all
  int64_t resident = strtoll(end, NULL, 10);
  assert_true(resident > 0);
  return resident * sysconf(_SC_PAGESIZE);
}

enum { BIG_DEMOS = 48, BIG_ROWS = 100, BIG_DIM = 10000 };  // 4 MB a demo, 192 MB in all

static const char* write_big(void) {
  static char shard[BIG_DEMOS][256];
  loomSource source[BIG_DEMOS] = {{0}};
  loomError err = {0, ""};
  float* numbers = malloc(sizeof(float) * BIG_ROWS * BIG_DIM);
  double* actions = calloc(BIG_ROWS, sizeof *actions);
  assert_non_null(numbers);

  // A shard for each demo, every number its row's.
  for (int d = 0; d < BIG_DEMOS; d++) {
    for (int row = 0; row < BIG_ROWS; row++)
      for (int k = 0; k < BIG_DIM; k++) numbers[row * BIG_DIM + k] = (float)(d * BIG_ROWS + row);
    loomField field[] = {{"actions", LOOM_TYPE_F64, 2, {BIG_ROWS, 1}, actions},
                         {"obs/pos", LOOM_TYPE_F32, 2, {BIG_ROWS, BIG_DIM}, numbers}};

    // Without compression.
    loomRecord one = {.name = "demo_0", .nfield = 2, .field = field};
    loomWriteDef plain = loom_default_write_def();
    plain.gzip = 0;
    snprintf(shard[d], sizeof shard[d], "%s/big.%d", folder, d);
    must(loom_shard_write(shard[d], &one, 1, &plain, &err), &err);
    source[d].path = shard[d];
  }

  const char* path = in_folder("big.hdf5");
  loomAssembleDef def = loom_default_assemble_def();
  def.trusted = true;
  must(loom_dataset_assemble(path, source, BIG_DEMOS, &def, &err), &err);

  for (int d = 0; d < BIG_DEMOS; d++) unlink(shard[d]);
  free(actions);
  free(numbers);
  return path;
}

static void memory_stays_under_its_limit(void** state) {
  (void)state;
  const int64_t mega = (int64_t)1 << 20, limit = 24 * mega;
  loomDataFile file = {write_big(), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);

  def.key_count = 1;
  def.batch = 32;
  def.cache_bytes = limit;

  int64_t before = resident_bytes(), most = 0;
  loomData* data = open_data(&def);
  loomBatch b;
  loomError err = {0, ""};
  must(loom_batch_create(&b, data, &err), &err);

  // Seven times the limit at least.
  assert_true(loom_data_info(data)->bytes > 7 * limit);

  // Two passes in any order.
  for (int step = 0; step < 2 * loom_data_info(data)->batches; step++) {
    next(&b, data, step);
    for (int i = 0; i < b.n; i++)
      assert_true(b.low[i * BIG_DIM + 9] == (float)(b.demo[i] * BIG_ROWS + b.row[i]));

    int64_t now = resident_bytes() - before;
    most = now > most ? now : most;
  }

  // By its own count, with each demo read once or twice.
  loomDataUse use = loom_data_use(data);
  assert_true(use.peak <= limit);
  assert_in_range(use.loads, BIG_DEMOS, 2 * BIG_DEMOS + 6);
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed
  if (most > limit + 64 * mega) fail_msg("%lld bytes resident", (long long)most);
#endif

  loom_batch_destroy(&b);
  loom_data_close(data);
  unlink(file.path);
}

// ---- errors

static void spoil_nan(made* demo, int i) {
  if (i == 1) demo->pos[4 * POS + 2] = NAN;
}
static void spoil_rows(made* demo, int i) {
  if (i == 1) demo->field[1].shape[0] = 8;
}
static void spoil_dim(made* demo, int i) {
  if (i == 1) {
    demo->field[1].shape[0] = 9;
    demo->field[1].shape[1] = 2;
  }
}

static void opening_fails(const loomDataDef* def, int code, const char* says) {
  loomData* data;
  loomError err = {0, ""};

  assert_int_equal(loom_data_open(&data, def, &err), code);
  assert_null(data);
  if (!strstr(err.message, says)) fail_msg("'%s' does not say '%s'", err.message, says);
}

static void wrong_shapes(void** state) {
  (void)state;
  static const char* const unknown[] = {"pos", "eef"};

  // Demos of another length or width, by file and demo.
  loomDataFile file[2] = {{write_file("rows.hdf5", 0, 2, seven_nine, spoil_rows), NULL, 0, 0}};
  loomDataDef def = small_def(file, 1);
  opening_fails(&def, LOOM_ERR_FORMAT, "rows.hdf5: demo_1: obs/pos has 8 rows where actions has 9");
  file[0].path = write_file("a.hdf5", 0, 2, seven_nine, NULL);
  file[1].path = write_file("dim.hdf5", 0, 2, seven_nine, spoil_dim);
  def.file_count = 2;
  opening_fails(&def, LOOM_ERR_FORMAT, "dim.hdf5: demo_1: obs/pos has rows of 2 (float64) where");

  // An observation that no demo has.
  def.file_count = 1;
  def.key = unknown;
  opening_fails(&def, LOOM_ERR_FORMAT, "demo_0: no observation 'eef'; it has image, one, pos");

  // A cache too small for one demo.
  def.key = low_keys;
  def.cache_bytes = 100;
  opening_fails(&def, LOOM_ERR_USAGE, "make the cache larger");

  // A window longer than the shortest demo.
  def.cache_bytes = 1000;
  def.pad_end = false;
  def.actions.length = 20;
  opening_fails(&def, LOOM_ERR_USAGE, "shorter than the window");

  // Weights for all or for none.
  file[0].weight = 1;
  def.file_count = 2;
  opening_fails(&def, LOOM_ERR_USAGE, "has no weight");
}

static void not_finite(void** state) {
  (void)state;
  loomDataFile file = {write_file("nan.hdf5", 0, 2, seven_nine, spoil_nan), NULL, 0, 0};
  loomDataDef def = small_def(&file, 1);
  for (int prefetching = 0; prefetching < 2; prefetching++) {
    // With and without a reader ahead.
    def.prefetch = prefetching;
    def.batch = 16;
    loomData* data = open_data(&def);

    loomBatch b;
    loomError err = {0, ""};
    must(loom_batch_create(&b, data, &err), &err);

    // Each time that row is wanted.
    for (int again = 0; again < 2; again++) {
      assert_int_equal(loom_data_batch(&b, data, 0, &err), LOOM_ERR_FORMAT);
      assert_non_null(strstr(err.message, "nan.hdf5: demo_1: obs/pos: row 4, entry 2 is no finite number"));
    }

    loom_batch_destroy(&b);
    loom_data_close(data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_row_each),
      cmocka_unit_test(windows),
      cmocka_unit_test(images),
      cmocka_unit_test(masks),
      cmocka_unit_test(first_demos),
      cmocka_unit_test(forms_of_actions),
      cmocka_unit_test(hands_that_are_closed),
      cmocka_unit_test(each_in_order),
      cmocka_unit_test(each_once_a_pass),
      cmocka_unit_test(same_step_same_batch),
      cmocka_unit_test(mixture),
      cmocka_unit_test(memory_stays_under_its_limit),
      cmocka_unit_test(wrong_shapes),
      cmocka_unit_test(not_finite),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
