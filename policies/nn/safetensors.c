#include "policies/nn/safetensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "policies/nn/safetensors_internal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are stored as they lie in memory");

// The reference reader's bound on the header. Names, shapes and offsets of a million
// tensors stay far under it.
static const uint64_t header_bytes_max = 100u << 20;
enum { meta_entries_max = 4096 };  // each is compared with all before it

static const struct {
  const char* name;
  int64_t size;
} types[LOOM_SAFE_TYPES] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
                            {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U8", 1},   {"BOOL", 1}};

const char* loom_safe_type_name(loomSafeType type) {
  return types[type].name;
}

int64_t loom_safe_type_size(loomSafeType type) {
  return types[type].size;
}

const void* loom_safetensors_data(const loomSafetensors* file, const char* name, loomSafeType type,
                                  int64_t count) {
  const loomSafeTensor* t = loom_safetensors_find(file, name);
  return t && t->type == type && loom_safe_tensor_count(t) == count ? t->data : NULL;
}

loomSafeTensor loom_safe_param(const char* name, const loomParams* params, int i) {
  const loomParam* p = &params->list[i];
  loomSafeTensor out = {
      .name = name, .type = LOOM_SAFE_F32, .rank = p->dims, .data = params->value + p->offset};

  for (int k = 0; k < p->dims; k++) out.shape[k] = p->shape[k];
  return out;
}

int64_t loom_safe_tensor_count(const loomSafeTensor* tensor) {
  int64_t count = 1;

  for (int i = 0; i < tensor->rank; i++) count *= tensor->shape[i];
  return count;
}

// Well-formed UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF.
bool loom_safe_is_utf8(const char* text, size_t n) {
  const unsigned char *p = (const unsigned char*)text, *end = p + n;

  while (p < end) {
    unsigned c = *p++;
    if (c < 0x80) continue;

    int more = c >= 0xC2 && c <= 0xDF ? 1 : c >= 0xE0 && c <= 0xEF ? 2 : c >= 0xF0 && c <= 0xF4 ? 3 : 0;
    if (!more || end - p < more) return false;

    // The second byte has narrower bounds where a longer form or a surrogate would be.
    unsigned low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    unsigned high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    if (*p < low || *p > high) return false;
    for (int i = 1; i < more; i++) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }

    p += more;
  }
  return true;
}

// ---- the header

typedef struct extent {
  uint64_t begin, end;
  const char* name;
} extent;

// A whole number of at least 0 that a double holds exactly.
static bool read_whole(uint64_t* out, const cJSON* item) {
  if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > 0x1p53) return false;

  *out = (uint64_t)item->valuedouble;
  return (double)*out == item->valuedouble;
}

static int read_type(loomSafeTensor* t, const cJSON* item, const char* label, loomError* err) {
  const char* text = cJSON_GetStringValue(item);
  if (!text) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': no dtype", label, t->name);

  for (int i = 0; i < LOOM_SAFE_TYPES; i++) {
    t->type = (loomSafeType)i;
    if (!strcmp(text, types[i].name)) return 0;
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: tensor '%.80s': unknown dtype '%.20s'", label,
                        t->name, text);
}

// The shape, and the bytes that a tensor of it takes.
static int read_shape(loomSafeTensor* t, uint64_t* bytes, const cJSON* item, const char* label,
                      loomError* err) {
  if (!cJSON_IsArray(item))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': no shape", label, t->name);

  bool empty = false;
  *bytes = (uint64_t)types[t->type].size;
  for (const cJSON* entry = item->child; entry; entry = entry->next) {
    uint64_t length;
    if (t->rank == LOOM_SAFE_RANK_MAX)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: tensor '%.80s': more than %d dimensions", label,
                            t->name, LOOM_SAFE_RANK_MAX);
    if (!read_whole(&length, entry))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': a dimension is no whole number", label,
                            t->name);
    if (length && *bytes > (UINT64_C(1) << 53) / length)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': absurdly large", label, t->name);

    t->shape[t->rank++] = (int64_t)length;
    if (length) *bytes *= length;
    empty = empty || !length;
  }

  if (empty) *bytes = 0;
  return 0;
}

static int read_tensor(loomSafeTensor* t, extent* at, const cJSON* item, uint64_t data_bytes,
                       const char* label, loomError* err) {
  uint64_t bytes = 0;

  *t = (loomSafeTensor){.name = item->string};
  if (!cJSON_IsObject(item))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': not described by keys and values", label,
                          t->name);

  // Three keys and no others.
  for (const cJSON* key = item->child; key; key = key->next) {
    if (strcmp(key->string, "dtype") != 0 && strcmp(key->string, "shape") != 0 &&
        strcmp(key->string, "data_offsets") != 0)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': unknown key '%.40s'", label, t->name,
                            key->string);
  }
  if (cJSON_GetArraySize(item) != 3)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: tensor '%.80s': needs dtype, shape and data_offsets, once each", label,
                          t->name);

  int code = read_type(t, cJSON_GetObjectItemCaseSensitive(item, "dtype"), label, err);
  if (!code) code = read_shape(t, &bytes, cJSON_GetObjectItemCaseSensitive(item, "shape"), label, err);
  if (code) return code;

  const cJSON* offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  if (cJSON_GetArraySize(offsets) != 2 || !cJSON_IsArray(offsets) ||
      !read_whole(&at->begin, offsets->child) || !read_whole(&at->end, offsets->child->next))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': data_offsets must be [BEGIN, END]",
                          label, t->name);

  at->name = t->name;
  if (at->end < at->begin || at->end > data_bytes)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: tensor '%.80s': bytes %llu to %llu, but the file holds %llu; is it cut short?",
                          label, t->name, (unsigned long long)at->begin, (unsigned long long)at->end,
                          (unsigned long long)data_bytes);

  if (at->end - at->begin != bytes)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s': %llu bytes, but its shape takes %llu",
                          label, t->name, (unsigned long long)(at->end - at->begin),
                          (unsigned long long)bytes);
  return 0;
}

static int by_begin(const void* a, const void* b) {
  const extent *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

static int by_name(const void* a, const void* b) {
  return strcmp(((const extent*)a)->name, ((const extent*)b)->name);
}

// Every byte belongs to one tensor, and no name is there twice. Sorts `at`.
static int check_extents(extent* at, int n, uint64_t data_bytes, const char* label, loomError* err) {
  uint64_t reached = 0;
  qsort(at, (size_t)n, sizeof *at, by_begin);
  for (int i = 0; i < n; i++) {
    if (at[i].begin != reached)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s' %s", label, at[i].name,
                            at[i].begin < reached ? "overlaps another" : "leaves a gap before it");
    reached = at[i].end;
  }

  if (reached != data_bytes)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %llu bytes belong to no tensor", label,
                          (unsigned long long)(data_bytes - reached));

  qsort(at, (size_t)n, sizeof *at, by_name);
  for (int i = 1; i < n; i++) {
    if (!strcmp(at[i - 1].name, at[i].name))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: tensor '%.80s' is there twice", label, at[i].name);
  }
  return 0;
}

static int read_meta(loomSafetensors* out, const cJSON* item, const char* label, loomError* err) {
  if (out->meta || !cJSON_IsObject(item))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: __metadata__ must be one map of texts", label);

  int n = cJSON_GetArraySize(item);
  if (n > meta_entries_max)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: __metadata__ has %d texts, more than %d", label, n,
                          meta_entries_max);

  out->meta = calloc((size_t)n + 1, sizeof *out->meta);
  if (!out->meta) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  out->nmeta = 0;

  for (const cJSON* entry = item->child; entry; entry = entry->next) {
    if (!cJSON_IsString(entry))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: __metadata__ '%.80s' is no text", label,
                            entry->string);
    if (loom_safetensors_meta(out, entry->string))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: __metadata__ '%.80s' is there twice", label,
                            entry->string);
    out->meta[out->nmeta++] = (loomSafeMeta){entry->string, entry->valuestring};
  }
  return 0;
}

static int read_header(loomSafetensors* out, extent* at, uint64_t data_bytes, const char* label,
                       loomError* err) {
  int code = 0;

  for (const cJSON* item = ((const cJSON*)out->header)->child; item && !code; item = item->next) {
    if (!strcmp(item->string, "__metadata__")) {
      code = read_meta(out, item, label, err);
    } else {
      code = read_tensor(&out->tensor[out->n], &at[out->n], item, data_bytes, label, err);
      if (!code) out->n++;
    }
  }
  return code;
}

// Copy each tensor to a cache line of its own: in the file a header may leave them unaligned. `at` is in the
// order of the tensors.
static int copy_data(loomSafetensors* out, const extent* at, const unsigned char* data, const char* label,
                     loomError* err) {
  size_t total = 64, used = 0;
  for (int i = 0; i < out->n; i++) total += ((size_t)(at[i].end - at[i].begin) + 63) / 64 * 64;

  unsigned char* block = aligned_alloc(64, total);
  if (!block) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory (%zu bytes)", label, total);

  for (int i = 0; i < out->n; i++) {
    size_t bytes = (size_t)(at[i].end - at[i].begin);
    if (bytes) memcpy(block + used, data + at[i].begin, bytes);
    out->tensor[i].data = block + used;
    used += (bytes + 63) / 64 * 64;
  }

  out->block = block;
  return 0;
}

static int parse_json(cJSON** out, const char* text, size_t n, const char* label, loomError* err) {
  const char* end = NULL;

  // What cJSON would let pass.
  if (!n || text[0] != '{')
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the header does not begin with {", label);
  if (!loom_safe_is_utf8(text, n))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the header is not UTF-8", label);
  if (memchr(text, 0, n) || memmem(text, n, "\\u0000", 6))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the header has a NUL character", label);

  *out = loom_json_parse(text, n, &end);
  if (!*out) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the header is not JSON", label);

  // Spaces may follow.
  while (end < text + n && *end == ' ') end++;
  if (end != text + n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: more than one JSON value in the header", label);
  return 0;
}

// The header, and where it is only the head of the file that is at hand, nothing else.
static int read_bytes(loomSafetensors* out, const void* bytes, uint64_t size, bool head, const char* label,
                      loomError* err) {
  uint64_t length = 0;
  cJSON* json = NULL;

  memset(out, 0, sizeof *out);
  if (size < sizeof length)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %llu bytes, too short for safetensors", label,
                          (unsigned long long)size);

  // The header's length comes first.
  memcpy(&length, bytes, sizeof length);
  if (length > header_bytes_max)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not safetensors (a header of %llu bytes)", label,
                          (unsigned long long)length);
  if (length > size - sizeof length)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: cut short in its header; copy it again", label);

  const char* text = (const char*)bytes + sizeof length;
  uint64_t data_bytes = size - sizeof length - length;
  int code = parse_json(&json, text, (size_t)length, label, err);
  if (!json) return code;

  out->header = json;
  size_t entries = (size_t)cJSON_GetArraySize(json) + 1;
  extent* at = calloc(entries, 2 * sizeof *at);  // in the tensors' order, and to sort
  out->tensor = calloc(entries, sizeof *out->tensor);
  if (!code && (!at || !out->tensor)) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  if (!code) code = read_header(out, at, data_bytes, label, err);
  if (!code) {
    memcpy(at + entries, at, entries * sizeof *at);
    code = check_extents(at + entries, out->n, data_bytes, label, err);
  }

  if (!code && !head) code = copy_data(out, at, (const unsigned char*)text + length, label, err);
  free(at);
  if (code) loom_safetensors_destroy(out);
  return code;
}

int loom_safetensors_parse(loomSafetensors* out, const void* bytes, size_t size, const char* label,
                           loomError* err) {
  return read_bytes(out, bytes, size, false, label, err);
}

uint64_t loom_safe_head_bytes(const void* bytes, uint64_t size) {
  uint64_t length = 0;
  memcpy(&length, bytes, sizeof length);

  // Of a length that is refused no more than itself is needed.
  return sizeof length + (length <= header_bytes_max && length <= size - sizeof length ? length : 0);
}

int loom_safe_check_head(const void* head, uint64_t size, const char* label, loomError* err) {
  loomSafetensors file;
  int code = read_bytes(&file, head, size, true, label, err);

  if (!code) loom_safetensors_destroy(&file);
  return code;
}

void loom_safetensors_destroy(loomSafetensors* file) {
  cJSON_Delete(file->header);
  free(file->tensor);
  free(file->meta);
  free(file->block);
  memset(file, 0, sizeof *file);
}

const loomSafeTensor* loom_safetensors_find(const loomSafetensors* file, const char* name) {
  for (int i = 0; i < file->n; i++) {
    if (!strcmp(file->tensor[i].name, name)) return &file->tensor[i];
  }
  return NULL;
}

const char* loom_safetensors_meta(const loomSafetensors* file, const char* key) {
  for (int i = 0; i < file->nmeta; i++) {
    if (!strcmp(file->meta[i].key, key)) return file->meta[i].text;
  }
  return NULL;
}
