// What is written is read back bit for bit; what is not quite the format is refused, with a reason.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/nn/safetensors.h"

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static char path[64];

static void write_some(void) {
  static const float w[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
  static const uint8_t bytes[3] = {1, 2, 255};
  static const double one = 0.1;

  // Several types and ranks, one without numbers, a name that is no identifier.
  const loomSafeTensor tensor[] = {{"mask", LOOM_SAFE_U8, 1, {3}, bytes},
                                   {"layer.weight", LOOM_SAFE_F32, 2, {2, 3}, w},
                                   {"empty", LOOM_SAFE_I64, 2, {0, 4}, NULL},
                                   {"\xc3\xa9 \"x\"", LOOM_SAFE_F64, 0, {0}, &one}};
  const loomSafeMeta meta[] = {{"task", "threading"}, {"note", "two\nlines"}};

  loomError err = {0, ""};
  must(loom_safetensors_write(path, tensor, 4, meta, 2, &err), &err);
}

static void round_trip(void** state) {
  (void)state;
  loomSafetensors file;
  loomError err = {0, ""};

  write_some();
  must(loom_safetensors_read(&file, path, &err), &err);
  assert_int_equal(file.n, 4);

  // Metadata are no tensors.
  assert_string_equal(loom_safetensors_meta(&file, "note"), "two\nlines");
  assert_null(loom_safetensors_meta(&file, "layer.weight"));

  // Shapes, values, and where they lie.
  const loomSafeTensor* w = loom_safetensors_find(&file, "layer.weight");
  assert_int_equal(w->rank, 2);
  assert_int_equal(w->shape[1], 3);
  assert_true(((const float*)w->data)[2] == 3.5f && ((const float*)w->data)[4] == 1e-30f);
  assert_int_equal((uintptr_t)w->data % 64, 0);

  assert_int_equal(loom_safe_tensor_count(loom_safetensors_find(&file, "empty")), 0);
  assert_true(*(const double*)loom_safetensors_find(&file, "\xc3\xa9 \"x\"")->data == 0.1);
  assert_int_equal(((const uint8_t*)loom_safetensors_find(&file, "mask")->data)[2], 255);

  loom_safetensors_destroy(&file);
}

static void cut_short_anywhere(void** state) {
  (void)state;
  char bytes[4096];
  write_some();

  FILE* f = fopen(path, "rb");
  assert_non_null(f);
  size_t size = fread(bytes, 1, sizeof bytes, f);
  fclose(f);

  // Each length but the whole.
  for (size_t n = 0; n < size; n++) {
    loomSafetensors file;
    loomError err = {0, ""};
    char* exact = malloc(n + 1);  // so that the sanitizer sees a read past the end
    assert_non_null(exact);

    exact = realloc(exact, n ? n : 1);
    memcpy(exact, bytes, n);
    assert_int_equal(loom_safetensors_parse(&file, exact, n, "cut", &err), LOOM_ERR_FORMAT);
    assert_null(file.tensor);

    free(exact);
  }
}

static void refused(void** state) {
  (void)state;

  // Header, bytes of data after it, what the message must say.
  static const struct {
    const char* header;
    size_t data;
    const char* says;
  } cases[] = {
      {"{}", 1, "belong to no tensor"},
      {"[]", 0, "does not begin"},
      {"{", 0, "not JSON"},
      {"{} {}", 0, "more than one"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "cut short"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "its shape takes 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "bytes 4 to 0"},
      {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown dtype"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "no whole number"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "no whole number"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296,0],\"data_offsets\":[0,0]}}", 0,
       "absurdly"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "more than 8"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "[BEGIN, END]"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "needs dtype"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, "unknown key"},
      {"{\"a\":3}", 0, "not described"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
       "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
       3, "overlaps"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "gap"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
       2, "twice"},
      {"{\"__metadata__\":{\"a\":1}}", 0, "no text"},
      {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "twice"},
      {"{\"\xff\":{}}", 0, "not UTF-8"},
      {"{\"\xed\xa0\x80\":{}}", 0, "not UTF-8"},
      {"{\"\xc0\xaf\":{}}", 0, "not UTF-8"},
      {"{\"a\\u0000b\":{}}", 0, "NUL"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char bytes[512] = {0};

    // A header with its length before it, and as many bytes of zeros as told.
    uint64_t length = strlen(cases[i].header);
    loomSafetensors file;
    loomError err = {0, ""};

    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, cases[i].header, length);
    int code = loom_safetensors_parse(&file, bytes, 8 + length + cases[i].data, "x.safetensors", &err);

    if (!code || !strstr(err.message, cases[i].says) || strncmp(err.message, "x.safetensors: ", 15) != 0)
      fail_msg("%s: '%s' does not say '%s'", cases[i].header, err.message, cases[i].says);
  }
}

static void absurd_header_length(void** state) {
  (void)state;
  const uint64_t lengths[] = {UINT64_MAX, (uint64_t)1 << 40, 9};

  // Longer than the file, by little and by far.
  for (int i = 0; i < 3; i++) {
    char bytes[16] = {0};
    loomSafetensors file;
    loomError err = {0, ""};

    memcpy(bytes, &lengths[i], 8);
    assert_int_equal(loom_safetensors_parse(&file, bytes, sizeof bytes, "x", &err), LOOM_ERR_FORMAT);
  }
}

// Refused by their headers, not read into memory first: 5 GB that take no room on the disk.
static void large_files_that_are_none(void** state) {
  (void)state;
  static const struct {
    uint64_t length;
    const char* header;
  } heads[] = {
      {UINT64_MAX, "{"}, {(uint64_t)1 << 33, "{"},
      {100 << 20, "{"},  {2, "{}"},
      {0, ""},           {60, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}    "}};

  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    FILE* file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(&heads[i].length, 8, 1, file);
    fputs(heads[i].header, file);
    fclose(file);
    if (truncate(path, (off_t)5 << 30)) skip();  // a disk without holes

    // The whole file would be in memory.
    loomSafetensors safe;
    loomError err = {0, ""};
    struct rusage used;
    assert_int_equal(loom_safetensors_read(&safe, path, &err), LOOM_ERR_FORMAT);
    getrusage(RUSAGE_SELF, &used);
    assert_true(used.ru_maxrss < 1000 << 10);
  }
}

static void nothing_left_on_error(void** state) {
  (void)state;
  const loomSafeTensor twice[] = {{"a", LOOM_SAFE_U8, 0, {0}, "x"}, {"a", LOOM_SAFE_U8, 0, {0}, "y"}};
  loomError err = {0, ""};

  // Names that clash, then a folder that is not there.
  unlink(path);
  assert_int_equal(loom_safetensors_write(path, twice, 2, NULL, 0, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_safetensors_write("/no/such/folder/x", twice, 1, NULL, 0, &err), LOOM_ERR_IO);

  assert_int_not_equal(access(path, F_OK), 0);
}

static int set_up(void** state) {
  (void)state;
  snprintf(path, sizeof path, "/tmp/loom_safe_%d.safetensors", (int)getpid());
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  unlink(path);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trip),
      cmocka_unit_test(cut_short_anywhere),
      cmocka_unit_test(refused),
      cmocka_unit_test(absurd_header_length),
      cmocka_unit_test(large_files_that_are_none),
      cmocka_unit_test(nothing_left_on_error),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
