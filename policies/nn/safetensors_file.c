// Safetensors on disk: whole files in, and out by way of engine/base/file.h.
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "policies/nn/safetensors.h"
#include "policies/nn/safetensors_internal.h"

// ---- reading

// Far beyond any policy of ours, and within reach of one allocation.
static const size_t file_bytes_max = (size_t)64 << 30;

// A large file is only read when its header says that all of it is tensors: a stranger's may be as large as
// it likes.
static int check_large(const char* path, loomError* err) {
  enum { SMALL = 1 << 20, LENGTH = 8 };
  struct stat s;
  FILE* file = stat(path, &s) || !S_ISREG(s.st_mode) || s.st_size <= SMALL ? NULL : fopen(path, "rbe");
  if (!file) return LOOM_OK;  // whoever reads it says why it cannot be

  char length[LENGTH], *head = NULL;
  bool read = fread(length, sizeof length, 1, file) == 1;
  size_t n = read ? (size_t)loom_safe_head_bytes(length, (uint64_t)s.st_size) : 0;

  head = malloc(n + 1);
  rewind(file);
  read = read && head && fread(head, 1, n, file) == n;
  fclose(file);

  int code = read ? loom_safe_check_head(head, (uint64_t)s.st_size, path, err) : LOOM_OK;
  free(head);
  return code;
}

int loom_safetensors_read(loomSafetensors* out, const char* path, loomError* err) {
  char* bytes = NULL;
  size_t n = 0;
  *out = (loomSafetensors){0};
  int code = check_large(path, err);
  if (!code) code = loom_read_text(&bytes, &n, path, file_bytes_max, err);
  if (!code) code = loom_safetensors_parse(out, bytes, n, path, err);
  free(bytes);
  return code;
}

// ---- writing

static uint64_t tensor_bytes(const loomSafeTensor* t) {
  return (uint64_t)loom_safe_tensor_count(t) * (uint64_t)loom_safe_type_size(t->type);
}

static int check_tensor(const loomSafeTensor* tensor, int i, const char* path, loomError* err) {
  const loomSafeTensor* t = &tensor[i];
  if (!t->name || !loom_safe_is_utf8(t->name, strlen(t->name)) || !strcmp(t->name, "__metadata__"))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: tensor %d has no name that safetensors allows", path, i);

  if (t->rank < 0 || t->rank > LOOM_SAFE_RANK_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: tensor '%.80s': %d dimensions", path, t->name, t->rank);

  for (int k = 0; k < i; k++) {
    if (!strcmp(tensor[k].name, t->name))
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: tensor '%.80s' is given twice", path, t->name);
  }
  return 0;
}

// cJSON writes large numbers with an exponent, which strict readers refuse: lists of numbers go in as text.
static bool add_tensor(cJSON* header, const loomSafeTensor* t, uint64_t begin) {
  char text[32 * LOOM_SAFE_RANK_MAX] = "[";
  size_t used = 1;
  for (int i = 0; i < t->rank; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", i ? "," : "", (long long)t->shape[i]);
  snprintf(text + used, sizeof text - used, "]");

  cJSON* item = cJSON_AddObjectToObject(header, t->name);
  bool ok = item && cJSON_AddStringToObject(item, "dtype", loom_safe_type_name(t->type)) &&
            cJSON_AddRawToObject(item, "shape", text);

  uint64_t end = begin + tensor_bytes(t);
  snprintf(text, sizeof text, "[%llu,%llu]", (unsigned long long)begin, (unsigned long long)end);
  return ok && cJSON_AddRawToObject(item, "data_offsets", text);
}

static bool add_meta(cJSON* header, const loomSafeMeta* meta, int nmeta) {
  cJSON* map = nmeta ? cJSON_AddObjectToObject(header, "__metadata__") : NULL;

  for (int i = 0; map && i < nmeta; i++) {
    if (!cJSON_AddStringToObject(map, meta[i].key, meta[i].text)) return false;
  }
  return map || !nmeta;
}

// The header as JSON, in the order the tensors lie in the file; NULL when out of memory.
static char* make_header(const loomSafeTensor* tensor, const int* order, int n, const loomSafeMeta* meta,
                         int nmeta) {
  cJSON* header = cJSON_CreateObject();
  bool ok = header && add_meta(header, meta, nmeta);
  uint64_t begin = 0;

  for (int i = 0; ok && i < n; i++) {
    ok = add_tensor(header, &tensor[order[i]], begin);
    begin += tensor_bytes(&tensor[order[i]]);
  }

  char* text = ok ? cJSON_PrintUnformatted(header) : NULL;
  cJSON_Delete(header);
  return text;
}

// 0, or errno.
static int write_bytes(FILE* file, const char* header, const loomSafeTensor* tensor, const int* order,
                       int n) {
  // Spaces fill the header up, so that the data is aligned to 8 bytes in a mapped file.
  static const char spaces[8] = "        ";
  uint64_t text = strlen(header), length = (text + 7) / 8 * 8;
  errno = 0;
  bool ok = fwrite(&length, sizeof length, 1, file) == 1 && fwrite(header, 1, text, file) == text &&
            fwrite(spaces, 1, length - text, file) == length - text;
  for (int i = 0; ok && i < n; i++) {
    size_t bytes = (size_t)tensor_bytes(&tensor[order[i]]);
    ok = !bytes || fwrite(tensor[order[i]].data, 1, bytes, file) == bytes;
  }
  return ok ? 0 : errno ? errno : EIO;
}

// Larger elements first, so that all are aligned; otherwise as given.
static void order_by_size(int* order, const loomSafeTensor* tensor, int n) {
  int used = 0;

  for (int64_t size = 8; size; size /= 2) {
    for (int i = 0; i < n; i++) {
      if (loom_safe_type_size(tensor[i].type) == size) order[used++] = i;
    }
  }
}

int loom_safetensors_write(const char* path, const loomSafeTensor* tensor, int n, const loomSafeMeta* meta,
                           int nmeta, loomError* err) {
  int code = 0;
  for (int i = 0; i < n && !code; i++) code = check_tensor(tensor, i, path, err);

  for (int i = 0; i < nmeta && !code; i++) {
    if (!loom_safe_is_utf8(meta[i].key, strlen(meta[i].key)) ||
        !loom_safe_is_utf8(meta[i].text, strlen(meta[i].text)))
      code = loom_error_set(err, LOOM_ERR_USAGE, "%s: metadata entry %d is not UTF-8", path, i);
  }
  if (code) return code;
  int* order = calloc((size_t)n + 1, sizeof *order);
  if (order) order_by_size(order, tensor, n);
  char* header = order ? make_header(tensor, order, n, meta, nmeta) : NULL;
  if (!header) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  loomFile file = {0};
  if (!code) code = loom_file_begin(&file, path, err);
  if (!code) {
    int why = write_bytes(file.stream, header, tensor, order, n);
    code = why ? loom_file_fail(&file, why, err) : loom_file_commit(&file, err);
  }
  cJSON_free(header);
  free(order);
  return code;
}
