// A plain struct as a record in a file: one list of its members serves for binary records and for tables of
// comma-separated values, and the digest of that list tells one layout from another. Internal.
#ifndef LOOM_ENGINE_BASE_COLUMNS_H
#define LOOM_ENGINE_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum loomColumnType {
  LOOM_COLUMN_I32,   // int, or an enum
  LOOM_COLUMN_I64,   // int64_t
  LOOM_COLUMN_U64,   // uint64_t
  LOOM_COLUMN_F64,   // double
  LOOM_COLUMN_TEXT,  // char[], NUL-terminated
} loomColumnType;

/// One member of a struct.
typedef struct loomColumn {
  const char* name;
  loomColumnType type;
  size_t offset, bytes;  // in the struct; an array of the type takes more bytes than one
} loomColumn;

/// A struct: LOOM_COLUMNS(loomPose, columns) of a static array of loomColumn.
typedef struct loomColumns {
  const char* name;  // of the struct
  size_t size;       // bytes of the struct
  int n;
  const loomColumn* column;  // (n)
} loomColumns;

#define LOOM_COLUMN(owner, type, member) \
  { #member, LOOM_COLUMN_##type, offsetof(owner, member), sizeof(((owner*)0)->member) }
#define LOOM_COLUMNS(owner, array)                                       \
  (loomColumns) {                                                        \
#owner, sizeof(owner), (int)(sizeof(array) / sizeof *(array)), array \
  }

/// Of the members' names, types and sizes: another one where records of one do not fit the other.
uint64_t loom_columns_digest(const loomColumns* columns);

/// Bytes of a packed record: the members one after another, without what a compiler puts between them.
size_t loom_columns_packed(const loomColumns* columns);
/// A record into that many bytes, and back; a text that comes back is terminated.
void loom_columns_pack(void* bytes, const loomColumns* columns, const void* record);
void loom_columns_unpack(void* record, const loomColumns* columns, const void* bytes);

/// A line of names, a line of a record's numbers (one each; no texts or arrays), with commas and a newline.
void loom_columns_put_names(FILE* file, const loomColumns* columns);
void loom_columns_put_line(FILE* file, const loomColumns* columns, const void* record);
/// A whole line of a record back; false: it is none.
bool loom_columns_read_line(void* record, const loomColumns* columns, const char* line);
/// A whole line of n numbers with commas between them; false: it is none.
bool loom_read_numbers(double* out, int n, const char* line);

#endif
