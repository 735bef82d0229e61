#include <carquet/carquet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/data/parquet.h"

enum { LEAST_COLUMNS = 1 };

struct loomParquetWriter {
  loomFile file;
  carquet_writer_t* writer;
  int n;
  loomParquetColumn* column;  // (n) with names of their own
};

int64_t loom_parquet_width(const loomParquetColumn* column) {
  int64_t width = 1;
  for (int d = 0; d < column->rank; d++) width *= column->shape[d];
  return width;
}

// ---- the columns

static carquet_physical_type_t physical(loomType type) {
  static const carquet_physical_type_t types[] = {
      [LOOM_TYPE_F64] = CARQUET_PHYSICAL_DOUBLE, [LOOM_TYPE_F32] = CARQUET_PHYSICAL_FLOAT,
      [LOOM_TYPE_I64] = CARQUET_PHYSICAL_INT64,  [LOOM_TYPE_I32] = CARQUET_PHYSICAL_INT32,
      [LOOM_TYPE_U8] = CARQUET_PHYSICAL_BOOLEAN, [LOOM_TYPE_STR] = CARQUET_PHYSICAL_BYTE_ARRAY,
  };
  return types[type];
}

// Lists in lists as Arrow writes them: each may be missing, and so may what is in it. None of ours is.
static carquet_status_t add_column(carquet_schema_t* schema, const loomParquetColumn* c) {
  carquet_logical_type_t text = {.id = CARQUET_LOGICAL_STRING};
  const char* name = c->name;
  int32_t parent = 0;
  for (int d = 0; d < c->rank && parent >= 0; d++) {
    parent = carquet_schema_add_list_group(schema, name, CARQUET_REPETITION_OPTIONAL, parent);
    name = "element";
  }
  if (!name || parent < 0) return CARQUET_ERROR_OUT_OF_MEMORY;

  return carquet_schema_add_column(schema, name, physical(c->type), c->type == LOOM_TYPE_STR ? &text : NULL,
                                   CARQUET_REPETITION_OPTIONAL, 0, parent);
}

static int keep_columns(loomParquetWriter* w, const loomParquetColumn* column, int n) {
  w->column = calloc((size_t)n + 1, sizeof *w->column);
  for (; w->column && w->n < n; w->n++) {
    loomParquetColumn* c = &w->column[w->n];
    *c = column[w->n];
    c->name = strdup(c->name);
    if (!c->name) return LOOM_ERR_MEMORY;
  }
  return w->column ? 0 : LOOM_ERR_MEMORY;
}

// ---- the file

static int tell(loomParquetWriter* w, carquet_status_t status, loomError* err) {
  if (status == CARQUET_ERROR_OUT_OF_MEMORY)
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", w->file.path);
  if (status == CARQUET_ERROR_FILE_WRITE || ferror(w->file.stream))
    return loom_file_fail(&w->file, errno, err);
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", w->file.path,
                        carquet_status_string(status));
}

static void free_writer(loomParquetWriter* w) {
  for (int i = 0; i < w->n; i++) free((char*)w->column[i].name);
  free(w->column);
  free(w);
}

void loom_parquet_abort(loomParquetWriter* w) {
  if (!w) return;
  if (w->writer) carquet_writer_abort(w->writer);
  loom_file_abort(&w->file);
  free_writer(w);
}

// The same rows give the same bytes, whoever's machine it is: one thread, no clock, and snappy, which
// everybody has.
static int open_writer(loomParquetWriter* w, loomError* err) {
  carquet_error_t why = CARQUET_ERROR_INIT;
  carquet_schema_t* schema = carquet_schema_create(&why);
  carquet_status_t status = schema ? CARQUET_OK : CARQUET_ERROR_OUT_OF_MEMORY;
  for (int i = 0; !status && i < w->n; i++) status = add_column(schema, &w->column[i]);

  carquet_writer_options_t options;
  carquet_writer_options_init(&options);
  options.compression = CARQUET_COMPRESSION_SNAPPY;
  options.created_by = "demoloom (carquet " CARQUET_VERSION_STRING ")";
  options.async_io = false;
  options.row_group_size = INT64_MAX / 4;
  if (!status) w->writer = carquet_writer_create_file(w->file.stream, schema, &options, &why);
  if (!status && !w->writer) status = why.code ? why.code : CARQUET_ERROR_INTERNAL;
  carquet_schema_free(schema);

  return status ? tell(w, status, err) : 0;
}

int loom_parquet_create(loomParquetWriter** out, const char* path, const loomParquetColumn* column, int n,
                        loomError* err) {
  *out = NULL;
  if (n < LEAST_COLUMNS) return loom_error_set(err, LOOM_ERR_USAGE, "%s: a table without columns", path);
  loomParquetWriter* w = calloc(1, sizeof *w);
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  int code = loom_file_begin(&w->file, path, err);
  if (!code && keep_columns(w, column, n))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (!code) code = open_writer(w, err);
  if (code) {
    loom_parquet_abort(w);
    return code;
  }
  *out = w;

  return 0;
}

int loom_parquet_note(loomParquetWriter* w, const char* key, const char* text, loomError* err) {
  carquet_status_t status = carquet_writer_add_metadata(w->writer, key, text);
  return status ? tell(w, status, err) : 0;
}

// ---- rows

// Where lists begin, as Parquet counts: a value's repetition is the outermost list that goes on with it, 0
// for a new row.
static int16_t* list_levels(const loomParquetColumn* c, int64_t rows) {
  int64_t width = loom_parquet_width(c), at[LOOM_PARQUET_RANK] = {0};
  int16_t* level = malloc((size_t)(rows * width + 1) * sizeof *level);
  if (!level) return NULL;

  for (int64_t i = 0; i < rows * width; i++) {
    int outer = c->rank;
    while (outer > 0 && at[outer - 1] == 0) outer--;
    level[i] = (int16_t)outer;

    // On to the next value, the innermost list first.
    int d = c->rank - 1;
    while (d >= 0 && ++at[d] == c->shape[d]) at[d--] = 0;
  }
  return level;
}

static carquet_status_t write_column(loomParquetWriter* w, int i, const void* data, int64_t rows) {
  const loomParquetColumn* c = &w->column[i];
  int64_t count = rows * loom_parquet_width(c);
  carquet_byte_array_t* text = NULL;
  int16_t *repeated = list_levels(c, rows), *defined = malloc((size_t)(count + 1) * sizeof *defined);
  bool have = repeated && defined;

  // All are there: as deep as it goes.
  for (int64_t k = 0; have && k < count; k++) defined[k] = (int16_t)(2 * c->rank + 1);
  if (have && c->type == LOOM_TYPE_STR) {
    text = malloc((size_t)(count + 1) * sizeof *text);
    have = text != NULL;
    for (int64_t k = 0; have && k < count; k++) {
      char* s = ((char* const*)data)[k];
      text[k] = (carquet_byte_array_t){(uint8_t*)s, (int32_t)strlen(s)};
    }
  }

  carquet_status_t status = have ? carquet_writer_write_batch(w->writer, i, text ? text : data, count,
                                                              defined, c->rank ? repeated : NULL)
                                 : CARQUET_ERROR_OUT_OF_MEMORY;
  free(repeated);
  free(defined);
  free(text);
  return status;
}

int loom_parquet_rows(loomParquetWriter* w, const void* const* data, int64_t rows, loomError* err) {
  carquet_status_t status = CARQUET_OK;
  for (int i = 0; !status && i < w->n; i++) status = write_column(w, i, data[i], rows);
  if (!status) status = carquet_writer_new_row_group(w->writer);
  return status ? tell(w, status, err) : 0;
}

double loom_parquet_bytes(const loomParquetWriter* w) {
  struct stat st;
  return fstat(fileno(w->file.stream), &st) ? 0 : (double)st.st_size;
}

int loom_parquet_finish(loomParquetWriter* w, loomError* err) {
  errno = 0;
  carquet_status_t status = carquet_writer_close(w->writer);
  w->writer = NULL;
  int code = status ? tell(w, status, err) : loom_file_commit(&w->file, err);
  if (code) loom_file_abort(&w->file);
  free_writer(w);
  return code;
}
