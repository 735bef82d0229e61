// Internal. Parquet files: tables whose columns hold numbers, texts, or lists of them, by carquet. Only
// parquet_write.c and parquet_read.c know that library.
#ifndef LOOM_ENGINE_DATA_PARQUET_H
#define LOOM_ENGINE_DATA_PARQUET_H

#include <stdint.h>

#include "engine/base/aside.h"
#include "engine/data/dataset.h"

// ---- writing

enum { LOOM_PARQUET_RANK = 3 };

/// A column: of each row one value, or lists in lists of so many.
typedef struct loomParquetColumn {
  const char* name;
  loomType type;  // LOOM_TYPE_U8 are truth values
  int rank;       // 0: one value, and no list
  int64_t shape[LOOM_PARQUET_RANK];
} loomParquetColumn;

/// Values in a row of it.
int64_t loom_parquet_width(const loomParquetColumn* column);

typedef struct loomParquetWriter loomParquetWriter;

/// Begin a file of n columns, whose names and shapes are copied. LOOM_ERR_IO where it cannot be written.
int loom_parquet_create(loomParquetWriter** out, const char* path, const loomParquetColumn* column, int n,
                        loomError* err);
/// What other programs look for in its end, such as pandas' names of an index.
int loom_parquet_note(loomParquetWriter* writer, const char* key, const char* text, loomError* err);
/// A group of rows: data (n columns) each of (rows x width) values; texts are char*.
int loom_parquet_rows(loomParquetWriter* writer, const void* const* data, int64_t rows, loomError* err);
/// Bytes so far, about.
double loom_parquet_bytes(const loomParquetWriter* writer);
/// Only now there is a file of that name. The writer is freed, as after an error.
int loom_parquet_finish(loomParquetWriter* writer, loomError* err);
/// What was written is removed. Takes NULL.
void loom_parquet_abort(loomParquetWriter* writer);

// ---- reading

/// A column as it was read: row i has values offset[i] .. offset[i + 1] - 1 of all lists in it, one after the
/// other.
typedef struct loomParquetValues {
  const char* name;
  loomType type;
  int64_t count;          // values in all
  const int64_t* offset;  // (rows + 1)
  const void* data;       // (count); missing numbers are NaN. Texts: their bytes, each ended by NUL
  const int64_t* text;    // (count + 1) where each begins in these
} loomParquetValues;

/// Free with loom_parquet_destroy.
typedef struct loomParquet {
  int64_t rows;
  int n;
  const loomParquetValues* column;  // (n) those of the wanted columns that are there
  loomAside aside;
} loomParquet;

/// Read the columns of these names (n; NULL ends no list), or all that can be read where n is 0, in a process
/// that may do nothing else: files come from strangers. LOOM_ERR_IO: no such file; LOOM_ERR_FORMAT: not
/// Parquet, cut short, damaged; LOOM_ERR_UNSUPPORTED: a wanted column holds neither numbers nor texts.
int loom_parquet_read(loomParquet* out, const char* path, const char* const* name, int n, loomError* err);
void loom_parquet_destroy(loomParquet* table);

/// NULL where there is none.
const loomParquetValues* loom_parquet_column(const loomParquet* table, const char* name);
/// A value as a number; NaN where it is a text.
double loom_parquet_number(const loomParquetValues* column, int64_t i);
/// A value as a text; "" where it is a number.
const char* loom_parquet_text(const loomParquetValues* column, int64_t i);

#endif
