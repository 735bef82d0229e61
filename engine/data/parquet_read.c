#include <carquet/carquet.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/data/parquet.h"

enum {
  FILE_MB = 1024,
  SHELF_MB = 3072,  // what is in it, unpacked
  CHILD_MB = 4096,
  BATCH = 4096,  // values at a time
  MOST_COLUMNS = 4096,
  DEEPEST = 8,
};

typedef struct reading {
  const char* path;
  const void* bytes;
  size_t size;
  const char* const* name;
  int n;
  loomShelf* shelf;
  carquet_reader_t* reader;
} reading;

// ---- in the child

static int fail(const reading* r, const carquet_error_t* why, loomError* err) {
  bool memory = why->code == CARQUET_ERROR_OUT_OF_MEMORY;
  bool new_codec = why->code == CARQUET_ERROR_UNSUPPORTED_CODEC;
  return loom_error_set(err,
                        memory      ? LOOM_ERR_MEMORY
                        : new_codec ? LOOM_ERR_UNSUPPORTED
                                    : LOOM_ERR_FORMAT,
                        "%s: no Parquet file, cut short or damaged (%.200s); copy or make it again", r->path,
                        why->message[0] ? why->message : carquet_status_string(why->code));
}

static int no_room(const reading* r, loomError* err) {
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: more than %d MB of values; write it as several smaller files", r->path,
                        SHELF_MB);
}

static bool wanted(const reading* r, const char* name) {
  for (int i = 0; i < r->n; i++)
    if (!strcmp(r->name[i], name)) return true;
  return r->n == 0;
}

// LOOM_TYPE_STR for bytes too; -1: nothing that a number or a text can be made of.
static int type_of(carquet_physical_type_t physical) {
  switch (physical) {
    case CARQUET_PHYSICAL_DOUBLE:
      return LOOM_TYPE_F64;
    case CARQUET_PHYSICAL_FLOAT:
      return LOOM_TYPE_F32;
    case CARQUET_PHYSICAL_INT64:
      return LOOM_TYPE_I64;
    case CARQUET_PHYSICAL_INT32:
      return LOOM_TYPE_I32;
    case CARQUET_PHYSICAL_BOOLEAN:
      return LOOM_TYPE_U8;
    case CARQUET_PHYSICAL_BYTE_ARRAY:
      return LOOM_TYPE_STR;
    default:
      return -1;
  }
}

/// A column while it grows, on the heap: how long it gets is known at its end.
typedef struct growing {
  loomType type;
  int16_t deep, lists;  // levels of a value that is there; > 0: of lists
  int64_t rows, count, room;
  int64_t* offset;  // (rows + 1)
  char* data;
  int64_t* text;  // (count + 1)
  int64_t bytes, bytes_room;
} growing;

static void* grow(void* old, int64_t* room, int64_t need, size_t size) {
  if (need <= *room) return old;
  int64_t more = 2 * *room > need ? 2 * *room : need + 64;
  void* out = realloc(old, (size_t)more * size);
  if (out) *room = more;
  return out;
}

static bool add_text(growing* g, const carquet_byte_array_t* text) {
  int64_t length = text->length > 0 ? text->length : 0;
  char* more = grow(g->data, &g->bytes_room, g->bytes + length + 1, 1);
  if (!more) return false;

  // A NUL within it would end it early: nobody's names have one.
  g->data = more;
  if (length) memcpy(g->data + g->bytes, text->data, (size_t)length);
  g->data[g->bytes + length] = '\0';
  g->text[g->count] = g->bytes;
  g->bytes += length + 1;
  return true;
}

// One value of a batch, or its absence.
static bool add_value(growing* g, const void* value) {
  static const double nan64 = NAN;
  static const float nan32 = NAN;
  size_t size = (size_t)loom_type_size(g->type);
  if (g->type == LOOM_TYPE_STR) {
    if (!add_text(g, value ? value : &(carquet_byte_array_t){0})) return false;
  } else {
    const void* none = g->type == LOOM_TYPE_F64 ? (const void*)&nan64 : (const void*)&nan32;
    memcpy(g->data + (size_t)g->count * size, value ? value : none, size);
  }

  g->count++;
  return true;
}

static bool make_room(growing* g, int64_t more) {
  int64_t values = g->room, rows = g->rows + more + 1;
  if (g->type == LOOM_TYPE_STR) {
    void* text = grow(g->text, &values, g->count + more + 1, sizeof *g->text);
    if (!text) return false;
    g->text = text;
  } else {
    void* data = grow(g->data, &values, g->count + more + 1, (size_t)loom_type_size(g->type));
    if (!data) return false;
    g->data = data;
  }
  g->room = values;

  int64_t* offset = realloc(g->offset, (size_t)rows * sizeof *offset);
  if (offset) g->offset = offset;

  return offset != NULL;
}

// n levels and the values of those that are there.
static int add_batch(growing* g, const void* value, const int16_t* defined, const int16_t* repeated,
                     int64_t n) {
  const char* at = value;
  size_t size = g->type == LOOM_TYPE_STR ? sizeof(carquet_byte_array_t) : (size_t)loom_type_size(g->type);
  if (!make_room(g, n)) return LOOM_ERR_MEMORY;

  for (int64_t i = 0; i < n; i++) {
    bool there = defined[i] >= g->deep, number = g->type == LOOM_TYPE_F32 || g->type == LOOM_TYPE_F64;
    if (!g->lists || repeated[i] == 0) g->offset[g->rows++] = g->count;

    // Of lists what is not there is none of them; a number that is missing beside others is NaN.
    if (!there && g->lists) continue;
    if (!there && !number && g->type != LOOM_TYPE_STR) return LOOM_ERR_FORMAT;
    if (!add_value(g, there ? at : NULL)) return LOOM_ERR_MEMORY;
    if (there) at += size;
  }
  return 0;
}

static int read_group(const reading* r, growing* g, int group, int column, loomError* err) {
  static union {
    double f64[BATCH];
    carquet_byte_array_t text[BATCH];
  } value;
  static int16_t defined[BATCH], repeated[BATCH];
  carquet_error_t why = CARQUET_ERROR_INIT;
  carquet_column_reader_t* reader = carquet_reader_get_column(r->reader, group, column, &why);
  if (!reader) return fail(r, &why, err);

  int64_t n = 0;
  int code = 0;
  do {
    // Columns that lack nothing have no levels.
    for (int i = 0; i < BATCH; i++) defined[i] = g->deep;
    memset(repeated, 0, sizeof repeated);
    n = carquet_column_read_batch_ex(reader, &value, BATCH, g->deep ? defined : NULL,
                                     g->lists ? repeated : NULL, &why);
    if (n < 0 || why.code) code = fail(r, &why, err);
    if (!code) code = add_batch(g, &value, defined, repeated, n);
  } while (!code && n > 0);

  carquet_column_reader_free(reader);
  if (code == LOOM_ERR_MEMORY) return no_room(r, err);
  return code;
}

static int check_rows(const reading* r, const growing* g, const char* name, loomError* err) {
  if (g->rows == carquet_reader_num_rows(r->reader)) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: damaged: column '%s' has %lld of %lld rows", r->path, name,
                        (long long)g->rows, (long long)carquet_reader_num_rows(r->reader));
}

static void* shelve(const reading* r, const void* from, size_t n) {
  void* to = loom_shelf_take(r->shelf, n + 1);
  if (to && n) memcpy(to, from, n);
  return to;
}

static int keep_column(const reading* r, loomParquetValues* out, growing* g, const char* name,
                       loomError* err) {
  size_t count = (size_t)g->count;
  if (!make_room(g, 1)) return no_room(r, err);
  g->offset[g->rows] = g->count;
  if (g->type == LOOM_TYPE_STR) g->text[g->count] = g->bytes;

  out->name = shelve(r, name, strlen(name) + 1);
  out->type = g->type;
  out->count = g->count;
  out->offset = shelve(r, g->offset, (size_t)(g->rows + 1) * sizeof *g->offset);
  out->data = shelve(r, g->data,
                     g->type == LOOM_TYPE_STR ? (size_t)g->bytes : count * (size_t)loom_type_size(g->type));
  out->text = g->type == LOOM_TYPE_STR ? shelve(r, g->text, (count + 1) * sizeof *g->text) : NULL;
  bool kept = out->name && out->offset && out->data && (g->type != LOOM_TYPE_STR || out->text);

  return kept ? 0 : no_room(r, err);
}

static int read_column(const reading* r, loomParquetValues* out, int column, const char* name,
                       loomError* err) {
  const carquet_schema_t* schema = carquet_reader_schema(r->reader);
  int type = type_of(carquet_schema_column_type(schema, column));
  if (type < 0)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: column '%s' holds neither numbers nor texts",
                          r->path, name);

  growing g = {.type = (loomType)type,
               .deep = carquet_schema_max_def_level(schema, column),
               .lists = carquet_schema_max_rep_level(schema, column)};
  int code = 0, groups = carquet_reader_num_row_groups(r->reader);
  for (int i = 0; !code && i < groups; i++) code = read_group(r, &g, i, column, err);
  if (code == LOOM_ERR_FORMAT && err && !err->message[0])
    loom_error_set(err, code, "%s: column '%s' lacks a value in row %lld", r->path, name,
                   (long long)(g.rows - 1));
  if (!code) code = check_rows(r, &g, name, err);
  if (!code) code = keep_column(r, out, &g, name, err);

  free(g.offset);
  free(g.data);
  free(g.text);
  return code;
}

// Where nothing is asked for by name, what cannot be read is left out.
static int read_columns(const reading* r, loomParquet* out, loomParquetValues* column, loomError* err) {
  const carquet_schema_t* schema = carquet_reader_schema(r->reader);
  int code = 0, n = carquet_reader_num_columns(r->reader);
  for (int i = 0; !code && i < n; i++) {
    const char* part[DEEPEST] = {NULL};
    if (carquet_schema_column_path(schema, i, part, DEEPEST) < 1 || !part[0] || !wanted(r, part[0])) continue;

    bool twice = false;
    for (int k = 0; k < out->n; k++) twice = twice || !strcmp(column[k].name, part[0]);
    if (twice || (!r->n && type_of(carquet_schema_column_type(schema, i)) < 0)) continue;
    code = read_column(r, &column[out->n], i, part[0], err);
    if (!code) out->n++;
  }

  return code;
}

static int read_table(void* user, loomShelf* shelf, void** result, loomError* err) {
  reading* r = user;
  carquet_error_t why = CARQUET_ERROR_INIT;
  carquet_reader_options_t options;
  carquet_reader_options_init(&options);
  options.num_threads = 1;
  r->shelf = shelf;
  r->reader = carquet_reader_open_buffer(r->bytes, r->size, &options, &why);
  if (!r->reader) return fail(r, &why, err);

  int n = carquet_reader_num_columns(r->reader);
  if (n < 0 || n > MOST_COLUMNS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: has %d columns", r->path, n);
  loomParquet* out = *result = loom_shelf_take(shelf, sizeof *out);
  loomParquetValues* column = loom_shelf_take(shelf, (size_t)(n + 1) * sizeof *column);
  if (!out || !column) return no_room(r, err);
  out->rows = carquet_reader_num_rows(r->reader);
  out->column = column;

  return read_columns(r, out, column, err);
}

// ---- in the parent

// The child may have come under a stranger's command: what it says lies within its shelf, or is not believed.
static bool within(const loomAside* aside, const void* at, int64_t count, size_t size) {
  const unsigned char *from = aside->mapped, *p = at;
  if (count < 0 || !p || p < from || p > from + aside->size || (uintptr_t)p % 8) return false;
  return (uint64_t)count <= (uint64_t)(from + aside->size - p) / size;
}

// n places that ascend from 0 to at most `last`.
static bool ascends(const int64_t* place, int64_t n, int64_t last) {
  for (int64_t i = 0; i < n; i++)
    if (place[i] < (i ? place[i - 1] : 0) || place[i] > last) return false;
  return true;
}

static bool ends(const loomAside* aside, const char* text) {
  return within(aside, text, 1, 1) && memchr(text, 0, (size_t)((char*)aside->mapped + aside->size - text));
}

static bool sound_column(const loomAside* aside, const loomParquetValues* c, int64_t rows) {
  bool text = c->type == LOOM_TYPE_STR;
  if (!ends(aside, c->name) || c->count < 0 || c->count >= INT64_MAX / 16 || (int)c->type < 0 ||
      c->type > LOOM_TYPE_STR)
    return false;
  if (!within(aside, c->offset, rows + 1, sizeof *c->offset) || !ascends(c->offset, rows + 1, c->count))
    return false;
  if (!text) return within(aside, c->data, c->count, (size_t)loom_type_size(c->type));

  // Each text ends within the bytes, as the last does.
  if (!within(aside, c->text, c->count + 1, sizeof *c->text) || !within(aside, c->data, 1, 1)) return false;
  int64_t room = (int64_t)((const char*)aside->mapped + aside->size - (const char*)c->data);
  if (!ascends(c->text, c->count + 1, room)) return false;
  int64_t last = c->text[c->count];

  return last == 0 ? c->count == 0 : ((const char*)c->data)[last - 1] == '\0';
}

static bool sound(const loomAside* aside) {
  const loomParquet* t = aside->result;
  if (!within(aside, t, 1, sizeof *t) || t->rows < 0 || t->rows >= INT64_MAX / 16 || t->n < 0) return false;
  if (!within(aside, t->column, t->n, sizeof *t->column)) return false;
  for (int i = 0; i < t->n; i++)
    if (!sound_column(aside, &t->column[i], t->rows)) return false;
  return true;
}

int loom_parquet_read(loomParquet* out, const char* path, const char* const* name, int n, loomError* err) {
  *out = (loomParquet){0};
  char* bytes;
  reading r = {.path = path, .name = name, .n = n};
  int code = loom_read_text(&bytes, &r.size, path, (size_t)FILE_MB << 20, err);
  if (code) return code;

  loomAside done;
  loomAsideDef aside = loom_default_aside_def();
  aside.what = path;
  aside.work = read_table;
  aside.user = &r;
  aside.confined = true;
  aside.shelf_mb = SHELF_MB;
  aside.memory_mb = CHILD_MB;
  r.bytes = bytes;
  code = loom_aside_run(&done, &aside, err);
  free(bytes);
  if (code) return code;

  if (!sound(&done)) {
    loom_aside_destroy(&done);
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: is damaged", path);
  }
  *out = *(const loomParquet*)done.result;
  out->aside = done;

  return 0;
}

void loom_parquet_destroy(loomParquet* table) {
  loom_aside_destroy(&table->aside);
  *table = (loomParquet){0};
}

const loomParquetValues* loom_parquet_column(const loomParquet* table, const char* name) {
  for (int i = 0; i < table->n; i++)
    if (!strcmp(table->column[i].name, name)) return &table->column[i];
  return NULL;
}

double loom_parquet_number(const loomParquetValues* c, int64_t i) {
  switch (c->type) {
    case LOOM_TYPE_F64:
      return ((const double*)c->data)[i];
    case LOOM_TYPE_F32:
      return ((const float*)c->data)[i];
    case LOOM_TYPE_I64:
      return (double)((const int64_t*)c->data)[i];
    case LOOM_TYPE_I32:
      return ((const int32_t*)c->data)[i];
    case LOOM_TYPE_U8:
      return ((const uint8_t*)c->data)[i];
    default:
      return NAN;
  }
}

const char* loom_parquet_text(const loomParquetValues* c, int64_t i) {
  return c->type == LOOM_TYPE_STR ? (const char*)c->data + c->text[i] : "";
}
