// Tables there and back, the same bytes twice, files that are cut short or damaged, full disks.
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "engine/data/parquet.h"
#include "tests/engine/data/dataset_fixture.h"

enum { GROUPS = 3, MOST = 5000 };

static const loomParquetColumn columns[] = {
    {.name = "index", .type = LOOM_TYPE_I64},
    {.name = "time", .type = LOOM_TYPE_F32},
    {.name = "done", .type = LOOM_TYPE_U8},
    {.name = "observation.state", .type = LOOM_TYPE_F32, .rank = 1, .shape = {7}},
    {.name = "exact", .type = LOOM_TYPE_F64, .rank = 1, .shape = {3}},
    {.name = "stats/film/mean", .type = LOOM_TYPE_F64, .rank = 3, .shape = {3, 1, 2}},
    {.name = "text", .type = LOOM_TYPE_STR},
    {.name = "tasks", .type = LOOM_TYPE_STR, .rank = 1, .shape = {2}},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

// A number that tells where it belongs.
static double value_of(int column, int64_t i) {
  return column == 2   ? (double)(i % 3 == 0)
         : column == 0 ? (double)(i * 1000003)
                       : sin((double)(i * 8 + column));
}

static void text_of(char out[64], int column, int64_t i) {
  snprintf(out, 64, "%s %lld%s", column == 6 ? "row" : "t\xc3\xa9xt", (long long)i,
           i % 5 ? "" : " and much more of it");
}

// Rows first .. first + rows - 1 as the writer takes them.
static void* make_column(int column, int64_t first, int64_t rows) {
  const loomParquetColumn* c = &columns[column];
  int64_t width = loom_parquet_width(c);
  char* data = calloc((size_t)(rows * width + 1), (size_t)loom_type_size(c->type));
  assert_non_null(data);

  for (int64_t k = 0; k < rows * width; k++) {
    int64_t i = first * width + k;
    char text[64];
    if (c->type == LOOM_TYPE_F64) ((double*)(void*)data)[k] = value_of(column, i);
    if (c->type == LOOM_TYPE_F32) ((float*)(void*)data)[k] = (float)value_of(column, i);
    if (c->type == LOOM_TYPE_I64) ((int64_t*)(void*)data)[k] = (int64_t)value_of(column, i);
    if (c->type == LOOM_TYPE_U8) data[k] = (char)value_of(column, i);
    if (c->type != LOOM_TYPE_STR) continue;
    text_of(text, column, i);
    ((char**)(void*)data)[k] = strdup(text);
  }

  return data;
}

static void free_column(int column, void* data, int64_t rows) {
  for (int64_t k = 0;
       columns[column].type == LOOM_TYPE_STR && k < rows * loom_parquet_width(&columns[column]); k++)
    free(((char**)data)[k]);
  free(data);
}

static int write_rows(loomParquetWriter* w, int64_t first, int64_t rows, loomError* err) {
  const void* data[COLUMNS];

  for (int c = 0; c < COLUMNS; c++) data[c] = make_column(c, first, rows);
  int code = loom_parquet_rows(w, data, rows, err);

  for (int c = 0; c < COLUMNS; c++) free_column(c, (void*)data[c], rows);
  return code;
}

static int write_table(const char* path, const int64_t* rows, int groups, loomError* err) {
  loomParquetWriter* w;
  int64_t first = 0;
  int code = loom_parquet_create(&w, path, columns, COLUMNS, err);
  if (code) return code;
  code = loom_parquet_note(w, "pandas", "{\"index_columns\": [\"text\"]}", err);

  for (int g = 0; !code && g < groups; g++) {
    code = write_rows(w, first, rows[g], err);
    first += rows[g];
  }
  if (!code) return loom_parquet_finish(w, err);
  loom_parquet_abort(w);

  return code;
}

static void check_column(const loomParquet* table, int column) {
  const loomParquetColumn* c = &columns[column];
  const loomParquetValues* v = loom_parquet_column(table, c->name);
  int64_t width = loom_parquet_width(c);
  assert_non_null(v);
  assert_int_equal(v->type, c->type);
  assert_int_equal(v->count, table->rows * width);

  for (int64_t row = 0; row <= table->rows; row++) assert_int_equal(v->offset[row], row * width);

  for (int64_t i = 0; i < v->count; i++) {
    char text[64];
    double number = loom_parquet_number(v, i), want = value_of(column, i);
    text_of(text, column, i);
    if (c->type == LOOM_TYPE_STR) {
      assert_true(isnan(number));
      assert_string_equal(loom_parquet_text(v, i), text);
      continue;
    }
    assert_string_equal(loom_parquet_text(v, i), "");
    if (c->type == LOOM_TYPE_F32) want = (float)want;
    if (number != want) fail_msg("%s, value %lld: %.17g, not %.17g", c->name, (long long)i, number, want);
  }
}

static void tables_come_back(void** state) {
  (void)state;
  static const struct {
    int64_t rows[GROUPS];
    int groups;
  } all[] = {{{1}, 1}, {{409, 1, 420}, 3}, {{MOST}, 1}, {{4095, 4097}, 2}};
  loomError err = {0, ""};

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char* path = in_folder("table.parquet");
    loomParquet table;
    int64_t rows = 0;
    for (int g = 0; g < all[i].groups; g++) rows += all[i].rows[g];
    if (write_table(path, all[i].rows, all[i].groups, &err)) fail_msg("%s", err.message);
    uint64_t hash = hash_file(path);

    if (loom_parquet_read(&table, path, NULL, 0, &err)) fail_msg("%s", err.message);
    assert_int_equal(table.rows, rows);
    assert_int_equal(table.n, COLUMNS);
    for (int c = 0; c < COLUMNS; c++) check_column(&table, c);
    loom_parquet_destroy(&table);

    // The same once more: the same bytes.
    unlink(path);
    assert_int_equal(write_table(path, all[i].rows, all[i].groups, &err), 0);
    assert_true(hash_file(path) == hash);
    unlink(path);
  }
}

static void only_wanted_columns(void** state) {
  (void)state;
  static const char* const names[] = {"exact", "no such column", "tasks"};
  const char* path = in_folder("wanted.parquet");
  loomError err = {0, ""};
  loomParquet table;
  assert_int_equal(write_table(path, (int64_t[]){10}, 1, &err), 0);
  assert_int_equal(loom_parquet_read(&table, path, names, 3, &err), 0);
  assert_int_equal(table.n, 2);
  assert_null(loom_parquet_column(&table, "no such column"));
  assert_null(loom_parquet_column(&table, "index"));
  check_column(&table, 4);
  check_column(&table, 7);
  loom_parquet_destroy(&table);
  unlink(path);
}

static void refuse(const char* path, const void* bytes, size_t n, const char* why) {
  loomParquet table;
  loomError err = {0, ""};
  spit(path, bytes, n);
  int code = loom_parquet_read(&table, path, NULL, 0, &err);
  if (!code) fail_msg("%s: read, %lld rows of %zu bytes", path, (long long)table.rows, n);
  assert_null(table.column);
  if (strncmp(err.message, path, strlen(path)) != 0 || !strstr(err.message, why) || strchr(err.message, '\n'))
    fail_msg("%s, where '%s' was awaited", err.message, why);
}

static void cut_short(void** state) {
  (void)state;
  const char* path = in_folder("cut.parquet");
  loomError err = {0, ""};
  size_t n;
  assert_int_equal(write_table(path, (int64_t[]){100, 50}, 2, &err), 0);
  unsigned char* bytes = slurp(path, &n);

  for (size_t k = 0; k < 24; k++) refuse(path, bytes, n * k / 24, "cut short or damaged");

  for (size_t k = 1; k < 16; k++) refuse(path, bytes, n - k, "cut short or damaged");
  free(bytes);

  static const char text[] = "{\"a\": \"this is JSON and no table at all, as everybody can see\"}";
  refuse(path, text, sizeof text, "no Parquet file");
  unlink(path);
  loomParquet table;
  assert_int_equal(loom_parquet_read(&table, path, NULL, 0, &err), LOOM_ERR_IO);
}

// Any bytes wrong: read, or refused by name; and nobody is harmed.
static void damaged(void** state) {
  (void)state;
  const char* path = in_folder("damaged.parquet");
  loomError err = {0, ""};
  size_t n, refused = 0;
  assert_int_equal(write_table(path, (int64_t[]){200, 30}, 2, &err), 0);
  unsigned char* bytes = slurp(path, &n);

  for (unsigned i = 0; i < 150; i++) {
    unsigned char* copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, bytes, n);

    // Half of them in the footer, which says where everything is.
    size_t tail = i % 2 ? n : n / 4, from = n - tail;
    for (unsigned k = 0; k <= i % 4; k++)
      copy[from + (i * 7919u + k * 104729u) % tail] ^= (unsigned char)(1 + (i * 31 + k * 7) % 255);
    spit(path, copy, n);
    free(copy);

    loomParquet table;
    if (loom_parquet_read(&table, path, NULL, 0, &err)) {
      assert_true(!strncmp(err.message, path, strlen(path)));
      assert_null(table.column);
      refused++;
    }
    loom_parquet_destroy(&table);
  }
  assert_true(refused > 75);
  free(bytes);
  unlink(path);
}

// A limit on the size of files stands for a full disk.
static void a_full_disk_is_told(void** state) {
  (void)state;
  const char* path = in_folder("full.parquet");
  struct rlimit before, small;
  loomError err = {0, ""};
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);

  for (rlim_t room = 0; room < 60000; room += 15000) {
    small = before;
    small.rlim_cur = room;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = write_table(path, (int64_t[]){MOST, MOST}, 2, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, LOOM_ERR_IO);
    assert_non_null(strstr(err.message, path));
    assert_int_not_equal(access(path, F_OK), 0);
  }
  assert_int_equal(write_table(in_folder("none/x.parquet"), (int64_t[]){1}, 1, &err), LOOM_ERR_IO);

  // Nothing is left beside it either.
  char command[600];
  snprintf(command, sizeof command, "test -z \"$(ls '%s')\"", folder);
  assert_int_equal(system(command), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tables_come_back),
                                     cmocka_unit_test(only_wanted_columns), cmocka_unit_test(cut_short),
                                     cmocka_unit_test(damaged), cmocka_unit_test(a_full_disk_is_told)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
