#include "engine/base/columns.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

uint64_t loom_columns_digest(const loomColumns* columns) {
  uint64_t hash = LOOM_HASH_SEED;

  for (int i = 0; i < columns->n; i++) {
    const loomColumn* c = &columns->column[i];
    uint64_t what[] = {(uint64_t)c->type, c->bytes};

    hash = loom_hash(hash, c->name, strlen(c->name) + 1);
    hash = loom_hash(hash, what, sizeof what);
  }

  return hash;
}

// ---- binary

size_t loom_columns_packed(const loomColumns* columns) {
  size_t n = 0;
  for (int i = 0; i < columns->n; i++) n += columns->column[i].bytes;
  return n;
}

void loom_columns_pack(void* bytes, const loomColumns* columns, const void* record) {
  char* to = bytes;
  for (int i = 0; i < columns->n; i++) {
    const loomColumn* c = &columns->column[i];

    memcpy(to, (const char*)record + c->offset, c->bytes);
    to += c->bytes;
  }
}

void loom_columns_unpack(void* record, const loomColumns* columns, const void* bytes) {
  const char* from = bytes;
  for (int i = 0; i < columns->n; i++) {
    const loomColumn* c = &columns->column[i];
    char* to = (char*)record + c->offset;

    // A text that fills its room has no end there, whatever the file says.
    memcpy(to, from, c->bytes);
    if (c->type == LOOM_COLUMN_TEXT) to[c->bytes - 1] = '\0';
    from += c->bytes;
  }
}

// ---- comma-separated values

void loom_columns_put_names(FILE* file, const loomColumns* columns) {
  for (int i = 0; i < columns->n; i++) fprintf(file, "%s%s", i ? "," : "", columns->column[i].name);
  fputc('\n', file);
}

void loom_columns_put_line(FILE* file, const loomColumns* columns, const void* record) {
  for (int i = 0; i < columns->n; i++) {
    const loomColumn* c = &columns->column[i];
    const void* at = (const char*)record + c->offset;

    if (i) fputc(',', file);
    switch (c->type) {
      case LOOM_COLUMN_I32:
        fprintf(file, "%d", *(const int*)at);
        break;
      case LOOM_COLUMN_I64:
        fprintf(file, "%lld", (long long)*(const int64_t*)at);
        break;
      case LOOM_COLUMN_U64:
        fprintf(file, "%llu", (unsigned long long)*(const uint64_t*)at);
        break;
      case LOOM_COLUMN_F64:
        fprintf(file, "%.17g", *(const double*)at);
        break;  // reads back to the bit
      case LOOM_COLUMN_TEXT:
        break;
    }
  }
  fputc('\n', file);
}

// The place behind a number that a comma, or at the end of the line a newline, follows; NULL: there is none.
static const char* behind_number(const char* end, const char* begin, bool last) {
  return end != begin && *end == (last ? '\n' : ',') ? end + 1 : NULL;
}

bool loom_columns_read_line(void* record, const loomColumns* columns, const char* line) {
  for (int i = 0; line && i < columns->n; i++) {
    const loomColumn* c = &columns->column[i];
    void* at = (char*)record + c->offset;
    char* end = (char*)line;

    // A number that is none ends where it begins.
    switch (c->type) {
      case LOOM_COLUMN_I32:
        *(int*)at = (int)strtol(line, &end, 10);
        break;
      case LOOM_COLUMN_I64:
        *(int64_t*)at = strtoll(line, &end, 10);
        break;
      case LOOM_COLUMN_U64:
        *(uint64_t*)at = strtoull(line, &end, 10);
        break;
      case LOOM_COLUMN_F64:
        *(double*)at = strtod(line, &end);
        break;
      case LOOM_COLUMN_TEXT:
        break;
    }

    line = behind_number(end, line, i + 1 == columns->n);
  }

  return line != NULL;
}

bool loom_read_numbers(double* out, int n, const char* line) {
  for (int i = 0; line && i < n; i++) {
    char* end;
    out[i] = strtod(line, &end);
    line = behind_number(end, line, i + 1 == n);
  }
  return line != NULL;
}
