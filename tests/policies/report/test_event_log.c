// Event files are read back by a small reader of our own (framing, checksums, the protobuf fields); CSV by
// hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>

#include "policies/report/event_log.h"

static char folder[64];

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

// RFC 3720, B.4, and the usual check value.
static void checksum_is_castagnoli(void** state) {
  (void)state;
  unsigned char bytes[32] = {0};

  assert_int_equal(loom_crc32c("123456789", 9), 0xE3069283u);
  assert_int_equal(loom_crc32c(bytes, 32), 0x8A9136AAu);

  for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
  assert_int_equal(loom_crc32c(bytes, 32), 0x46DD794Eu);
}

static size_t slurp(unsigned char* out, size_t max, const char* pattern, int nth) {
  char path[128];
  glob_t found;

  // The nth file of that name.
  snprintf(path, sizeof path, "%s/%s", folder, pattern);
  assert_int_equal(glob(path, 0, NULL, &found), 0);
  assert_true((size_t)nth < found.gl_pathc);

  FILE* file = fopen(found.gl_pathv[nth], "rb");
  assert_non_null(file);
  size_t n = fread(out, 1, max, file);
  fclose(file);
  globfree(&found);
  return n;
}

static uint32_t unmask(uint32_t crc) {
  // TensorFlow's mask: rotated right by 15, plus a constant.
  uint32_t r = crc - 0xA282EAD8u;
  return r >> 17 | r << 15;
}

// The next record of the file; NULL at its end.
static const unsigned char* next_record(uint64_t* n, const unsigned char** at, const unsigned char* end) {
  uint32_t crc;
  if (*at == end) return NULL;
  memcpy(n, *at, 8);

  // Its length and that length's checksum.
  memcpy(&crc, *at + 8, 4);
  assert_int_equal(unmask(crc), loom_crc32c(*at, 8));

  // Its bytes and theirs.
  const unsigned char* data = *at + 12;
  assert_true(data + *n + 4 <= end);
  memcpy(&crc, data + *n, 4);
  assert_int_equal(unmask(crc), loom_crc32c(data, *n));

  *at = data + *n + 4;
  return data;
}

static void events_read_back(void** state) {
  (void)state;
  static unsigned char bytes[1 << 16];
  loomEventLog* log;
  loomError err = {0, ""};

  must(loom_event_log_open(&log, folder, &err), &err);
  must(loom_event_log_scalar(log, "train/loss", 300, 0.25, &err), &err);
  must(loom_event_log_scalar(log, "x", 0, -1, &err), &err);
  must(loom_event_log_close(log, &err), &err);

  size_t size = slurp(bytes, sizeof bytes, "events.out.tfevents.*", 0);
  const unsigned char *at = bytes, *end = bytes + size, *event;
  uint64_t n;

  // The first record is the format's version.
  event = next_record(&n, &at, end);
  assert_memory_equal(event + n - 15,
                      "\x1a\x0d"
                      "brain.Event:2",
                      15);

  event = next_record(&n, &at, end);

  // After the time: step 300; summary of 19 bytes; value of 17; tag of 10; the float 0.25.
  assert_int_equal(event[0], 0x09);
  assert_int_equal(n, 9 + 3 + 2 + 2 + 2 + 10 + 5);
  assert_memory_equal(event + 9, "\x10\xac\x02\x2a\x13\x0a\x11\x0a\x0atrain/loss\x15\x00\x00\x80\x3e", 24);

  event = next_record(&n, &at, end);
  assert_memory_equal(event + 9, "\x10\x00\x2a\x0a\x0a\x08\x0a\x01x\x15\x00\x00\x80\xbf", 14);

  // Nothing behind it.
  assert_null(next_record(&n, &at, end));
}

static void runs_append(void** state) {
  (void)state;
  unsigned char text[4096] = {0};
  loomEventLog* log;
  loomError err = {0, ""};

  // Another run in the same folder, read before it is closed.
  must(loom_event_log_open(&log, folder, &err), &err);
  must(loom_event_log_scalar(log, "again", 301, 2, &err), &err);
  must(loom_event_log_flush(log, &err), &err);
  slurp(text, sizeof text - 1, "scalars.csv", 0);
  must(loom_event_log_close(log, &err), &err);

  // The table goes on, without a second head.
  assert_ptr_equal(strstr((char*)text, "step,tag,value,seconds\n300,train/loss,0.25,"), (char*)text);
  assert_non_null(strstr((char*)text, "\n301,again,2,"));
  assert_null(strstr((char*)text + 1, "step,tag"));

  assert_true(slurp(text, sizeof text, "events.out.tfevents.*", 1) > 0);  // a file of its own
}

static void refused(void** state) {
  (void)state;
  loomEventLog* log;
  loomError err = {0, ""};

  assert_int_equal(loom_event_log_open(&log, "/no/such/folder", &err), LOOM_ERR_IO);
  assert_null(log);

  // A comma would end the name.
  must(loom_event_log_open(&log, folder, &err), &err);
  assert_int_equal(loom_event_log_scalar(log, "a,b", 0, 0, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_event_log_scalar(log, "", 0, 0, &err), LOOM_ERR_USAGE);

  must(loom_event_log_close(log, &err), &err);
}

static int set_up(void** state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/loom_events_%d", (int)getpid());
  return 0;
}

static int tear_down(void** state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(checksum_is_castagnoli),
      cmocka_unit_test(events_read_back),
      cmocka_unit_test(runs_append),
      cmocka_unit_test(refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
