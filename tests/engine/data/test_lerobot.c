// LeRobot's layout there and back, what its own recorder would have written, and what is wrong with a folder.
// tests/lerobot/run.sh compares with the real package.
#include <cjson/cJSON.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "engine/base/file.h"
#include "engine/data/lerobot.h"
#include "engine/data/parquet.h"
#include "tests/engine/data/dataset_fixture.h"

enum { DEMOS = 3, HEIGHT = 33, WIDTH = 48 };

static const int lengths[DEMOS] = {ROWS, 7, 2 * ROWS};
static const char env_args[] =
    "{\"env_name\":\"Own\",\"type\":1,\"env_kwargs\":{\"robots\":[\"Panda\",\"Panda\"],\"control_freq\":20}}";

// ---- a file of demos

typedef struct demoData {
  double actions[2 * ROWS * ACTIONS], eef[2 * ROWS * 3], object[2 * ROWS * 5], rewards[2 * ROWS],
      poses[2 * ROWS * 32];
  int64_t dones[2 * ROWS], signal[2 * ROWS];
  float force[2 * ROWS];
  unsigned char image[2 * ROWS * HEIGHT * WIDTH * 3];
} demoData;

// A square that wanders over a ground of the demo's color.
static void paint(unsigned char* rgb, int demo, int t) {
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      bool square = y >= 8 && y < 24 && x >= 7 * t % 32 && x < 7 * t % 32 + 16;
      unsigned char* p = rgb + 3 * (y * WIDTH + x);
      p[0] = square ? 240 : (unsigned char)(40 + 50 * demo);
      p[1] = square ? 200 : 90;
      p[2] = square ? 30 : (unsigned char)(200 - 60 * demo);
    }
}

static void make_demo(demoData* d, int demo) {
  int rows = lengths[demo];

  for (int t = 0; t < rows; t++) {
    for (int k = 0; k < ACTIONS; k++) d->actions[t * ACTIONS + k] = sin(demo + 0.1 * t + k);
    for (int k = 0; k < 3; k++) d->eef[3 * t + k] = cos(demo + 0.2 * t + k);
    for (int k = 0; k < 5; k++) d->object[5 * t + k] = 0.1 * k + demo;
    for (int k = 0; k < 32; k++) d->poses[32 * t + k] = tan(t + 0.01 * k + demo);
    d->rewards[t] = t == rows - 1 ? 0.1 : 0;
    d->dones[t] = t == rows - 1;
    d->signal[t] = t > 3;
    d->force[t] = (float)(t * 0.3);
    paint(d->image + (size_t)t * HEIGHT * WIDTH * 3, demo, t);
  }
}

// With attributes, masks, an array of texts, one that has fewer rows, and an operator's secrets.
static void write_demos(const char* path) {
  static const char* const texts[] = {"grasp", "lift"};
  demoData* d = malloc(sizeof *d);
  loomError err = {0, ""};
  char shard[DEMOS][512], name[32];
  loomSource source[DEMOS];
  assert_non_null(d);

  for (int i = 0; i < DEMOS; i++) {
    int64_t rows = lengths[i];
    make_demo(d, i);
    loomField field[] = {
        {"actions", LOOM_TYPE_F64, 2, {rows, ACTIONS}, d->actions},
        {"dones", LOOM_TYPE_I64, 1, {rows}, d->dones},
        {"rewards", LOOM_TYPE_F64, 1, {rows}, d->rewards},
        {"obs/robot0_eef_pos", LOOM_TYPE_F64, 2, {rows, 3}, d->eef},
        {"obs/robot0_force", LOOM_TYPE_F32, 1, {rows}, d->force},
        {"obs/object", LOOM_TYPE_F64, 2, {rows, 5}, d->object},
        {"obs/front_image", LOOM_TYPE_U8, 4, {rows, HEIGHT, WIDTH, 3}, d->image},
        {"next_obs/object", LOOM_TYPE_F64, 2, {rows, 5}, d->object},
        {"datagen_info/eef_pose", LOOM_TYPE_F64, 4, {rows, 2, 4, 4}, d->poses},
        {"datagen_info/subtask_term_signals/grasp", LOOM_TYPE_I64, 1, {rows}, d->signal},
        {"loom_words", LOOM_TYPE_STR, 1, {2}, texts},
        {"loom_short", LOOM_TYPE_F64, 1, {3}, d->rewards},
    };
    loomAttr attr[] = {loom_attr_string("model_file", i ? "<mujoco/>" : "<mujoco model=\"a\"/>"),
                       loom_attr_int("loom_seed", 5 + i), loom_attr_double("loom_trust", 0.1 * i),
                       loom_attr_string("loom_instruction", i == 1 ? "push it" : "lift it")};
    snprintf(name, sizeof name, "demo_%d", 3 * i);
    snprintf(shard[i], sizeof shard[i], "%s/shard%d.hdf5", folder, i);
    loomRecord record = {name, sizeof field / sizeof *field, 4, field, attr};
    if (loom_shard_write(shard[i], &record, 1, NULL, &err)) fail_msg("%s", err.message);
    source[i] = (loomSource){shard[i], NULL};
  }

  loomAttr data[] = {loom_attr_string("env_args", env_args), loom_attr_string("loom_about", "a test")};
  loomMask mask[] = {{"train", 2, (int[]){0, 2}}, {"valid", 1, (int[]){1}}};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = data;
  def.nattr = 2;
  def.mask = mask;
  def.nmask = 2;
  def.keep_names = true;
  if (loom_dataset_assemble(path, source, DEMOS, &def, &err)) fail_msg("%s", err.message);

  for (int i = 0; i < DEMOS; i++) unlink(shard[i]);
  free(d);
}

static int to_folder(const char* out, const char* in, const loomLerobotDef* def, loomLerobotTold* told,
                     loomError* err) {
  loomDataset* dataset;

  assert_int_equal(loom_dataset_open(&dataset, in, err), 0);
  int code = loom_lerobot_write(told, out, dataset, def, err);

  loom_dataset_close(dataset);
  return code;
}

static void run(const char* format, const char* path) {
  char command[1200];
  snprintf(command, sizeof command, format, path);
  assert_int_equal(system(command), 0);
}

// ---- there and back

static void check_array(const loomDataset* a, const char* of_a, const loomDataset* b, const char* of_b,
                        const char* name, double within) {
  loomArray x, y;
  loomError err = {0, ""};
  if (loom_dataset_array(&x, a, of_a, name, &err) || loom_dataset_array(&y, b, of_b, name, &err))
    fail_msg("%s", err.message);
  assert_int_equal(x.type, y.type);
  assert_int_equal(x.rank, y.rank);

  for (int d = 0; d < x.rank; d++) assert_int_equal(x.shape[d], y.shape[d]);
  if (within == 0) assert_memory_equal(x.data, y.data, (size_t)(x.count * loom_type_size(x.type)));

  for (int64_t i = 0; within > 0 && i < x.count; i++)
    assert_true(fabs(((double*)x.data)[i] - ((double*)y.data)[i]) <= within);
  loom_array_destroy(&x);
  loom_array_destroy(&y);
}

// Films lose a little, and an odd last row.
static void check_film(const loomDataset* a, const char* of_a, int demo) {
  loomArray x;
  loomError err = {0, ""};
  unsigned char* want = malloc((size_t)HEIGHT * WIDTH * 3);
  double off = 0;
  assert_non_null(want);
  if (loom_dataset_array(&x, a, of_a, "obs/front_image", &err)) fail_msg("%s", err.message);
  assert_int_equal(x.shape[0], lengths[demo]);
  assert_int_equal(x.shape[1], HEIGHT - 1);
  assert_int_equal(x.shape[2], WIDTH);

  for (int t = 0; t < lengths[demo]; t++) {
    double frame = 0;
    const unsigned char* have = (unsigned char*)x.data + (size_t)t * (HEIGHT - 1) * WIDTH * 3;
    paint(want, demo, t);
    for (int i = 0; i < (HEIGHT - 1) * WIDTH * 3; i++) frame += abs(have[i] - want[i]);
    frame /= (HEIGHT - 1) * WIDTH * 3;
    if (frame > 8) fail_msg("%s, frame %d: pixels are %g off: another frame?", of_a, t, frame);
    off += frame;
  }
  assert_true(off / lengths[demo] < 6);
  free(want);
  loom_array_destroy(&x);
}

static void check_back(const char* back, const char* there) {
  static const char* const exact[] = {"actions",
                                      "dones",
                                      "rewards",
                                      "obs/robot0_force",
                                      "datagen_info/eef_pose",
                                      "datagen_info/subtask_term_signals/grasp"};
  loomDataset *a, *b;
  loomNames names = {0, NULL};
  loomError err = {0, ""};
  int64_t seed;
  double trust;
  char* text;

  assert_int_equal(loom_dataset_open(&a, back, &err), 0);

  assert_int_equal(loom_dataset_open(&b, there, &err), 0);
  assert_int_equal(loom_dataset_demo_count(a), DEMOS);

  for (int i = 0; i < DEMOS; i++) {
    const char *of_a = loom_dataset_demo_path(a, i), *of_b = loom_dataset_demo_path(b, i);
    for (size_t k = 0; k < sizeof exact / sizeof *exact; k++) check_array(a, of_a, b, of_b, exact[k], 0);
    check_array(a, of_a, b, of_b, "obs/robot0_eef_pos", 1e-7);
    check_array(a, of_a, b, of_b, "obs/object", 1e-6);
    check_film(a, of_a, i);

    // Attributes, each of its type.
    assert_int_equal(loom_dataset_attr_int(&seed, a, of_a, "loom_seed", &err), 0);
    assert_int_equal(seed, 5 + i);
    assert_int_equal(loom_dataset_attr_double(&trust, a, of_a, "loom_trust", &err), 0);
    assert_true(trust == 0.1 * i);
    assert_int_equal(loom_dataset_attr_string(&text, a, of_a, "model_file", &err), 0);
    assert_string_equal(text, i ? "<mujoco/>" : "<mujoco model=\"a\"/>");
    free(text);
  }

  assert_int_equal(loom_dataset_attr_string(&text, a, "data", "env_args", &err), 0);
  assert_string_equal(text, env_args);
  free(text);
  assert_int_equal(loom_dataset_mask(&names, a, "train", &err), 0);
  assert_int_equal(names.n, 2);
  assert_string_equal(names.name[1], "demo_2");
  loom_names_destroy(&names);

  loom_dataset_close(a);
  loom_dataset_close(b);
}

static void there_and_back(void** state) {
  (void)state;
  const char *there = in_folder("there.hdf5"), *set = in_folder("set"), *back = in_folder("back.hdf5"),
             *again = in_folder("again.hdf5");
  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;
  loomError err = {0, ""};
  write_demos(there);
  if (to_folder(set, there, &def, &told, &err)) fail_msg("%s", err.message);
  assert_int_equal(told.episodes, DEMOS);
  assert_int_equal(told.rows, 3 * ROWS + 7);
  assert_int_equal(told.videos, 1);

  // What cannot go along is told.
  assert_int_equal(told.left_out.n, 3);
  assert_string_equal(told.left_out.name[0], "loom_short: has not a row for each action");
  assert_string_equal(told.left_out.name[1], "loom_words: is text");
  assert_string_equal(told.left_out.name[2], "next_obs: is obs of the row after it");
  loom_lerobot_told_destroy(&told);

  assert_true(loom_lerobot_is(set));

  for (int i = 0; i < 2; i++) {
    if (loom_lerobot_read(&told, i ? again : back, set, &def, &err)) fail_msg("%s", err.message);
    assert_int_equal(told.rows, 3 * ROWS + 7);
    assert_int_equal(told.left_out.n, 0);
    loom_lerobot_told_destroy(&told);
  }
  check_back(back, there);
  assert_true(hash_file(back) == hash_file(again));

  // The same demos, the same bytes.
  const char* twin = in_folder("twin");
  assert_int_equal(to_folder(twin, there, &def, &told, &err), 0);
  loom_lerobot_told_destroy(&told);
  char command[1200];
  snprintf(command, sizeof command, "diff -r '%s' '%s'", set, twin);
  assert_int_equal(system(command), 0);

  run("rm -r '%s'", set);
  run("rm -r '%s'", twin);
  for (int i = 0; i < 2; i++) unlink(i ? back : again);
}

// ---- what LeRobot reads of it

static cJSON* read_json(const char* path) {
  size_t n;
  char* text = (char*)slurp(path, &n);
  cJSON* json = cJSON_ParseWithLength(text, n);
  free(text);
  assert_non_null(json);
  return json;
}

static double at(const cJSON* json, const char* feature, const char* measure, int i) {
  const cJSON* one =
      cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, feature), measure);
  const cJSON* x = cJSON_GetArrayItem(one, i);
  while (cJSON_IsArray(x)) x = x->child;
  assert_true(cJSON_IsNumber(x));
  return x->valuedouble;
}

static void its_files(void** state) {
  (void)state;
  const char *there = in_folder("files.hdf5"), *set = in_folder("files");
  loomLerobotDef def = {.state = "object", .lean = true, .instruction = "do it"};
  loomLerobotTold told;
  loomError err = {0, ""};
  write_demos(there);
  assert_int_equal(to_folder(set, there, &def, &told, &err), 0);
  loom_lerobot_told_destroy(&told);

  // Features: what was chosen is the state, the rest the environment's; nothing of ours.
  char path[1200];
  snprintf(path, sizeof path, "%s/meta/info.json", set);
  cJSON *info = read_json(path), *features = cJSON_GetObjectItemCaseSensitive(info, "features");
  assert_string_equal(cJSON_GetObjectItemCaseSensitive(info, "codebase_version")->valuestring, "v3.0");
  assert_string_equal(cJSON_GetObjectItemCaseSensitive(info, "robot_type")->valuestring, "Panda+Panda");
  assert_true(cJSON_GetObjectItemCaseSensitive(info, "fps")->valuedouble == 20);
  assert_int_equal(cJSON_GetArraySize(features), 11);

  for (const cJSON* f = features->child; f; f = f->next) assert_null(strstr(f->string, "demoloom"));
  const cJSON* size = cJSON_GetObjectItemCaseSensitive(
      cJSON_GetObjectItemCaseSensitive(features, "observation.state"), "shape");
  assert_true(cJSON_GetArrayItem(size, 0)->valuedouble == 5);
  cJSON_Delete(info);

  // Statistics over all rows.
  snprintf(path, sizeof path, "%s/meta/stats.json", set);
  cJSON* stats = read_json(path);
  double sum = 0, square = 0, n = 3 * ROWS + 7;

  for (int i = 0; i < DEMOS; i++)
    for (int t = 0; t < lengths[i]; t++) sum += (float)sin(i + 0.1 * t + 2);

  for (int i = 0; i < DEMOS; i++)
    for (int t = 0; t < lengths[i]; t++) square += pow((float)sin(i + 0.1 * t + 2) - sum / n, 2);
  assert_true(fabs(at(stats, "action", "mean", 2) - sum / n) < 1e-9);
  assert_true(fabs(at(stats, "action", "std", 2) - sqrt(square / n)) < 1e-9);
  assert_true(at(stats, "action", "count", 0) == n && at(stats, "index", "max", 0) == n - 1);
  assert_true(fabs(at(stats, "observation.state", "min", 3) - (double)0.3f) < 1e-9);
  assert_true(fabs(at(stats, "observation.images.front", "max", 0) - 240 / 255.0) < 1e-9);
  assert_true(fabs(at(stats, "observation.images.front", "q50", 1) - 90 / 255.0) < 1e-9);
  cJSON_Delete(stats);

  // Where the episodes are.
  loomParquet table;
  snprintf(path, sizeof path, "%s/meta/episodes/chunk-000/file-000.parquet", set);
  assert_int_equal(loom_parquet_read(&table, path, NULL, 0, &err), 0);
  assert_int_equal(table.rows, DEMOS);
  const loomParquetValues *from = loom_parquet_column(&table, "dataset_from_index"),
                          *until =
                              loom_parquet_column(&table, "videos/observation.images.front/to_timestamp"),
                          *tasks = loom_parquet_column(&table, "tasks");
  assert_true(from && until && tasks);
  assert_true(loom_parquet_number(from, 2) == ROWS + 7);
  assert_true(fabs(loom_parquet_number(until, 1) - (ROWS + 7) / 20.0) < 1e-12);
  assert_string_equal(loom_parquet_text(tasks, 1), "do it");
  loom_parquet_destroy(&table);
  snprintf(path, sizeof path, "%s/meta/demoloom.parquet", set);
  assert_int_not_equal(access(path, F_OK), 0);

  run("rm -r '%s'", set);
}

// ---- what others write

static void write_json_file(const char* dir, const char* name, const char* text) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  spit(path, text, strlen(text));
}

static void write_parquet(const char* dir, const char* name, const loomParquetColumn* column, int n,
                          const void* const* data, int64_t rows) {
  char path[1200];
  loomParquetWriter* w;
  loomError err = {0, ""};
  snprintf(path, sizeof path, "%s/%s", dir, name);
  if (loom_parquet_create(&w, path, column, n, &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_parquet_rows(w, data, rows, &err), 0);
  assert_int_equal(loom_parquet_finish(w, &err), 0);
}

static const char their_info[] =
    "{\"codebase_version\": \"v3.0\", \"robot_type\": \"so101\", \"fps\": 30, \"features\": {"
    "\"action\": {\"dtype\": \"float32\", \"shape\": [2], \"names\": [\"a\", \"b\"]},"
    "\"observation.state\": {\"dtype\": \"float32\", \"shape\": [3], \"names\": null},"
    "\"next.done\": {\"dtype\": \"bool\", \"shape\": [1], \"names\": null},"
    "\"subtask\": {\"dtype\": \"string\", \"shape\": [1], \"names\": null},"
    "\"episode_index\": {\"dtype\": \"int64\", \"shape\": [1], \"names\": null},"
    "\"task_index\": {\"dtype\": \"int64\", \"shape\": [1], \"names\": null}}}";

// Two episodes of 2 and 3 rows, of joints alone, as their recorder lays them out.
static void write_theirs(const char* dir) {
  static const float action[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                     seen[] = {.1f, .2f, .3f, 1.1f, 1.2f, 1.3f, 2.1f, 2.2f, 2.3f, 3.1f, 3.2f, 3.3f, 4, 5, 6};
  static const unsigned char done[] = {0, 1, 0, 0, 1};
  static const int64_t episode[] = {0, 0, 1, 1, 1}, task[] = {1, 1, 0, 0, 0}, number[] = {0, 1},
                       length[] = {2, 3}, zero[] = {0, 0};
  static const char *const word[] = {"x", "x", "x", "x", "x"}, *const names[] = {"fold", "pour"};
  static const loomParquetColumn rows[] = {{"action", LOOM_TYPE_F32, 1, {2}},
                                           {"observation.state", LOOM_TYPE_F32, 1, {3}},
                                           {.name = "next.done", .type = LOOM_TYPE_U8},
                                           {.name = "subtask", .type = LOOM_TYPE_STR},
                                           {.name = "episode_index", .type = LOOM_TYPE_I64},
                                           {.name = "task_index", .type = LOOM_TYPE_I64}},
                                 episodes[] = {{.name = "episode_index", .type = LOOM_TYPE_I64},
                                               {.name = "length", .type = LOOM_TYPE_I64},
                                               {.name = "data/chunk_index", .type = LOOM_TYPE_I64},
                                               {.name = "data/file_index", .type = LOOM_TYPE_I64}},
                                 tasks[] = {{.name = "task_index", .type = LOOM_TYPE_I64},
                                            {.name = "__index_level_0__", .type = LOOM_TYPE_STR}};
  run("mkdir -p '%s/meta/episodes/chunk-000'", dir);
  run("mkdir -p '%s/data/chunk-000'", dir);
  write_json_file(dir, "meta/info.json", their_info);
  write_parquet(dir, "data/chunk-000/file-000.parquet", rows, 6,
                (const void* const[]){action, seen, done, word, episode, task}, 5);
  write_parquet(dir, "meta/episodes/chunk-000/file-000.parquet", episodes, 4,
                (const void* const[]){number, length, zero, zero}, 2);
  write_parquet(dir, "meta/tasks.parquet", tasks, 2, (const void* const[]){number, names}, 2);
}

static void theirs_come_in(void** state) {
  (void)state;
  const char *set = in_folder("theirs"), *read = in_folder("theirs.hdf5");
  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;
  loomError err = {0, ""};
  loomDataset* d;
  loomArray a;
  char* text;
  write_theirs(set);
  if (loom_lerobot_read(&told, read, set, &def, &err)) fail_msg("%s", err.message);
  assert_int_equal(told.episodes, 2);
  assert_int_equal(told.left_out.n, 1);
  assert_string_equal(told.left_out.name[0], "subtask: holds neither numbers nor films");
  loom_lerobot_told_destroy(&told);

  assert_int_equal(loom_dataset_open(&d, read, &err), 0);
  assert_int_equal(loom_dataset_array(&a, d, "data/demo_1", "actions", &err), 0);
  assert_true(a.type == LOOM_TYPE_F32 && a.rank == 2 && a.shape[0] == 3 && ((float*)a.data)[5] == 10);
  loom_array_destroy(&a);
  assert_int_equal(loom_dataset_array(&a, d, "data/demo_1", "obs/state", &err), 0);
  assert_true(a.shape[1] == 3 && ((float*)a.data)[0] == 2.1f);
  loom_array_destroy(&a);
  assert_int_equal(loom_dataset_array(&a, d, "data/demo_0", "dones", &err), 0);
  assert_true(a.type == LOOM_TYPE_I64 && a.rank == 1 && ((int64_t*)a.data)[1] == 1);
  loom_array_destroy(&a);

  assert_int_equal(loom_dataset_attr_string(&text, d, "data/demo_0", "loom_instruction", &err), 0);
  assert_string_equal(text, "pour");
  free(text);
  assert_int_equal(loom_dataset_attr_string(&text, d, "data", "env_args", &err), 0);
  assert_non_null(strstr(text, "\"control_freq\":30"));
  assert_non_null(strstr(text, "so101"));
  free(text);

  loom_dataset_close(d);
  unlink(read);

  run("rm -r '%s'", set);
}

// ---- what is wrong

// One thing wrong with a folder that can be read.
typedef struct wrong {
  const char* file;
  const char *was, *is;  // text in it; NULL: the file is cut to its half
  int code;
  const char* why;
} wrong;

static void spoil(const char* path, const wrong* w) {
  size_t n;
  char* bytes = (char*)slurp(path, &n);
  bytes[n] = '\0';
  if (!w->was) {
    spit(path, bytes, n / 2);
  } else {
    char *found = strstr(bytes, w->was), text[4096];
    assert_non_null(found);
    int size =
        snprintf(text, sizeof text, "%.*s%s%s", (int)(found - bytes), bytes, w->is, found + strlen(w->was));
    spit(path, text, (size_t)size);
  }
  free(bytes);
}

static void wrong_folders(void** state) {
  (void)state;
  static const wrong all[] = {
      {"meta/info.json", NULL, NULL, LOOM_ERR_FORMAT, "no JSON, or cut short"},
      {"meta/info.json", "v3.0", "v2.1", LOOM_ERR_UNSUPPORTED, "convert_dataset_v21_to_v30"},
      {"meta/info.json", "codebase_version", "version", LOOM_ERR_FORMAT, "codebase_version"},
      {"meta/info.json", "\"fps\": 30", "\"fps\": \"fast\"", LOOM_ERR_FORMAT, "fps"},
      {"meta/info.json", "\"fps\"", "\"data_path\": \"../../x.parquet\", \"fps\"", LOOM_ERR_UNSUPPORTED,
       "data_path"},
      {"meta/info.json", "\"features\"", "\"columns\"", LOOM_ERR_FORMAT, "features"},
      {"meta/info.json", "\"action\"", "\"acts\"", LOOM_ERR_FORMAT, "no feature 'action'"},
      {"meta/info.json", "[2]", "[4]", LOOM_ERR_FORMAT,
       "row 0 of 'action' has 2 numbers, meta/info.json says 4"},
      {"meta/info.json", "[2]", "[-2]", LOOM_ERR_FORMAT, "feature 'action'"},
      {"meta/info.json", "[2]", "[1e9]", LOOM_ERR_FORMAT, "feature 'action'"},
      {"meta/info.json", "observation.state", "observation.other", LOOM_ERR_FORMAT,
       "no column 'observation.other'"},
      {"meta/info.json", "\"string\", \"shape\": [1]", "\"int64\", \"shape\": [1]", LOOM_ERR_FORMAT,
       "holds texts"},
      {"meta/info.json", "[3], \"names\": null",
       "[3], \"arrays\": [{\"array\": \"../x\", \"dtype\": \"float32\", \"shape\": [3]}]", LOOM_ERR_FORMAT,
       "feature 'observation.state'"},
      {"meta/info.json", "[3], \"names\": null",
       "[3], \"arrays\": [{\"array\": \"obs/x\", \"dtype\": \"float32\", \"shape\": [2]}]", LOOM_ERR_FORMAT,
       "feature 'observation.state'"},
      {"meta/tasks.parquet", NULL, NULL, LOOM_ERR_FORMAT, "cut short or damaged"},
      {"meta/episodes/chunk-000/file-000.parquet", NULL, NULL, LOOM_ERR_FORMAT, "cut short or damaged"},
      {"data/chunk-000/file-000.parquet", NULL, NULL, LOOM_ERR_FORMAT, "cut short or damaged"},
  };
  const char *set = in_folder("wrong"), *read = in_folder("wrong.hdf5");
  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char path[1200];
    loomError err = {0, ""};
    write_theirs(set);
    snprintf(path, sizeof path, "%s/%s", set, all[i].file);
    spoil(path, &all[i]);
    int code = loom_lerobot_read(&told, read, set, &def, &err);
    if (code != all[i].code || !strstr(err.message, all[i].why) || !strstr(err.message, set))
      fail_msg("%zu: %d, %s; '%s' was awaited", i, code, err.message, all[i].why);

    // Nothing is there, nor beside it.
    assert_int_not_equal(access(read, F_OK), 0);
    snprintf(path, sizeof path, "%s.parts", read);
    assert_int_not_equal(access(path, F_OK), 0);
    loom_lerobot_told_destroy(&told);
    run("rm -r '%s'", set);
  }
}

static void a_file_is_missing(void** state) {
  (void)state;
  static const char* const files[] = {"meta/tasks.parquet", "meta/episodes/chunk-000/file-000.parquet",
                                      "data/chunk-000/file-000.parquet", "meta/info.json"};
  const char *set = in_folder("missing"), *read = in_folder("missing.hdf5");
  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;

  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[1200];
    loomError err = {0, ""};
    write_theirs(set);
    snprintf(path, sizeof path, "%s/%s", set, files[i]);
    unlink(path);
    assert_int_not_equal(loom_lerobot_read(&told, read, set, &def, &err), 0);
    assert_non_null(strstr(err.message, set));
    loom_lerobot_told_destroy(&told);
    run("rm -r '%s'", set);
  }
}

static bool stop(void* user, int done, int total) {
  (void)user, (void)total;
  return done == 2;
}

// Existing folders, stopped runs, full disks: what was there stays, and nothing half-way does.
static void folders_that_cannot_be(void** state) {
  (void)state;
  const char *there = in_folder("full.hdf5"), *set = in_folder("full");
  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;
  loomError err = {0, ""};
  write_demos(there);
  def.progress = stop;
  assert_int_equal(to_folder(set, there, &def, &told, &err), LOOM_ERR_INTERRUPTED);
  assert_int_not_equal(access(set, F_OK), 0);
  loom_lerobot_told_destroy(&told);

  // A limit on the size of files stands for a full disk.
  struct rlimit before, small;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  def.progress = NULL;

  for (rlim_t room = 0; room <= 32000; room += 8000) {
    small = before;
    small.rlim_cur = room;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = to_folder(set, there, &def, &told, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, LOOM_ERR_IO);
    assert_non_null(strstr(err.message, "cannot be"));
    assert_int_not_equal(access(set, F_OK), 0);
    loom_lerobot_told_destroy(&told);
  }

  assert_int_equal(to_folder(set, there, &def, &told, &err), 0);
  loom_lerobot_told_destroy(&told);
  run("touch '%s/mine'", set);
  assert_int_equal(to_folder(set, there, &def, &told, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "--overwrite"));
  loom_lerobot_told_destroy(&told);
  def.overwrite = true;
  assert_int_equal(to_folder(set, there, &def, &told, &err), 0);
  loom_lerobot_told_destroy(&told);
  run("test -e '%s/mine'", set);
  assert_true(loom_lerobot_is(set));

  run("rm -r '%s'", set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_and_back),    cmocka_unit_test(its_files),
      cmocka_unit_test(theirs_come_in),    cmocka_unit_test(wrong_folders),
      cmocka_unit_test(a_file_is_missing), cmocka_unit_test(folders_that_cannot_be),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
