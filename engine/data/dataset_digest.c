// Digests: what HDF5 stores has no checksums, so one wrong bit gives other numbers without a word. Each demo
// carries a line for each of its parts, and `data` lines for what is beside the demos, in the form of
// sha256sum: "HASH  NAME". Hashes are of names' values as they are read (type, shape, numbers or text), so
// that they stay right however the file is packed or copied. Attributes are called "@NAME", those of a group
// in a demo "GROUP/@NAME". A part without a line has no digest: earlier versions wrote none of groups'
// attributes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/data/dataset_internal.h"

enum { HEX = 16, LINE_START = HEX + 2 };

// ---- hashes

uint64_t loom_digest_array(loomType type, int rank, const int64_t* shape, const void* data) {
  const char* kind = loom_type_name(type);
  uint64_t hash = loom_hash(LOOM_HASH_SEED, kind, strlen(kind) + 1);
  int64_t count = 1;

  // The shape, so that zeros of another one are another array.
  for (int i = 0; i < rank; i++) {
    unsigned char bytes[8];
    for (int k = 0; k < 8; k++) bytes[k] = (unsigned char)((uint64_t)shape[i] >> (8 * k));
    hash = loom_hash(hash, bytes, sizeof bytes);
    count *= shape[i];
  }

  // Numbers as they lie in memory, texts with their ends.
  if (type != LOOM_TYPE_STR) return loom_hash(hash, data, (size_t)(count * loom_type_size(type)));
  for (int64_t i = 0; i < count; i++) {
    const char* text = ((const char* const*)data)[i];
    hash = loom_hash(hash, text, strlen(text) + 1);
  }
  return hash;
}

uint64_t loom_digest_attr(const loomAttr* attr) {
  static const int64_t one[1] = {1};
  switch (attr->type) {
    case LOOM_TYPE_STR:
      return loom_digest_array(LOOM_TYPE_STR, 1, one, &attr->text);
    case LOOM_TYPE_F64:
      return loom_digest_array(LOOM_TYPE_F64, 0, NULL, &attr->real);
    default:
      return loom_digest_array(LOOM_TYPE_I64, 0, NULL, &attr->integer);
  }
}

// ---- names

const char* loom_digest_inside(const char* object) {
  static const char data[] = "data/";
  const char* slash = strncmp(object, data, strlen(data)) ? NULL : strchr(object + strlen(data), '/');
  return slash ? slash + 1 : NULL;
}

void loom_digest_part(char out[LOOM_DIGEST_PART], const char* object, const char* name) {
  const char* inside = loom_digest_inside(object);
  snprintf(out, LOOM_DIGEST_PART, "%s%s%s", inside ? inside : "", inside ? "/" : "", name);
}

// ---- lines

// Where the line of that name starts, or NULL.
static char* find_line(const char* lines, const char* name) {
  size_t n = strlen(name);
  for (const char* line = lines; line && *line;) {
    const char* end = strchr(line, '\n');
    if (!end || end - line < LINE_START) return NULL;
    if ((size_t)(end - line) == LINE_START + n && !memcmp(line + LINE_START, name, n)) return (char*)line;
    line = end + 1;
  }
  return NULL;
}

void loom_digest_set(loomText* lines, const char* name, uint64_t hash) {
  char hex[LINE_START + 1];
  snprintf(hex, sizeof hex, "%016llx  ", (unsigned long long)hash);

  // A line of that name gets another hash.
  char* line = lines->n ? find_line(lines->s, name) : NULL;
  if (line) {
    memcpy(line, hex, HEX);
    return;
  }

  loom_text_puts(lines, hex);
  loom_text_puts(lines, name);
  loom_text_puts(lines, "\n");
}

void loom_digest_drop(loomText* lines, const char* name) {
  char* line = lines->n ? find_line(lines->s, name) : NULL;
  if (!line) return;

  char* next = strchr(line, '\n') + 1;
  memmove(line, next, strlen(next) + 1);
  lines->n -= (size_t)(next - line);
}

bool loom_digest_find(uint64_t* hash, const char* lines, const char* name) {
  const char* line = find_line(lines, name);
  char hex[HEX + 1] = "";
  if (!line) return false;

  memcpy(hex, line, HEX);
  *hash = strtoull(hex, NULL, 16);
  return true;
}

const char* loom_digest_next(char name[LOOM_DIGEST_PART], const char* lines) {
  const char* end = strchr(lines, '\n');
  if (!end || end - lines <= LINE_START) return NULL;

  snprintf(name, LOOM_DIGEST_PART, "%.*s", (int)(end - lines) - LINE_START, lines + LINE_START);
  return end + 1;
}

uint64_t loom_digest_names(const loomNames* names) {
  int64_t n = names->n;
  return loom_digest_array(LOOM_TYPE_STR, 1, &n, names->name);
}

uint64_t loom_digest_text(const char* text) {
  const loomAttr attr = {.name = "", .type = LOOM_TYPE_STR, .text = text};
  return loom_digest_attr(&attr);
}
