#include "policies/report/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

enum { TAG_MAX = 200, EVENT_MAX = TAG_MAX + 64 };

struct loomEventLog {
  FILE *events, *csv;
  char folder[LOOM_PATH_MAX];
};

// ---- the formats

uint32_t loom_crc32c(const void* bytes, size_t n) {
  const unsigned char* p = bytes;
  uint32_t crc = UINT32_MAX;

  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
  }
  return ~crc;
}

// TFRecord stores checksums of data that may hold checksums, so they are disguised.
static uint32_t masked(const void* bytes, size_t n) {
  uint32_t crc = loom_crc32c(bytes, n);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static bool write_record(FILE* file, const void* bytes, uint64_t n) {
  uint32_t of_length = masked(&n, sizeof n), of_bytes = masked(bytes, n);
  return fwrite(&n, sizeof n, 1, file) == 1 && fwrite(&of_length, sizeof of_length, 1, file) == 1 &&
         fwrite(bytes, 1, n, file) == n && fwrite(&of_bytes, sizeof of_bytes, 1, file) == 1;
}

// Protobuf: a field is its key (number << 3 | wire type) and a varint (0), 8 bytes (1), a length and bytes
// (2) or 4 bytes (5).
static size_t put_varint(unsigned char* out, uint64_t value) {
  size_t n = 0;

  for (; value >= 0x80; value >>= 7) out[n++] = (unsigned char)(value | 0x80);
  out[n++] = (unsigned char)value;
  return n;
}

static size_t put_bytes(unsigned char* out, int field, const void* bytes, size_t n) {
  size_t used = put_varint(out, (uint64_t)field << 3 | 2);

  used += put_varint(out + used, n);
  memcpy(out + used, bytes, n);
  return used + n;
}

// Event { double wall_time = 1; int64 step = 2; ... } up to its last field, which the caller adds.
static size_t put_event(unsigned char* out, double wall_time, int64_t step) {
  size_t used = 0;

  out[used++] = 1 << 3 | 1;
  memcpy(out + used, &wall_time, sizeof wall_time);
  used += sizeof wall_time;

  out[used++] = 2 << 3;
  return used + put_varint(out + used, (uint64_t)step);
}

static bool write_version(FILE* file, double wall_time) {
  static const char version[] = "brain.Event:2";
  unsigned char event[EVENT_MAX];

  size_t n = put_event(event, wall_time, 0);
  n += put_bytes(event + n, 3, version, sizeof version - 1);  // string file_version = 3
  return write_record(file, event, n);
}

// Summary summary = 5 { repeated Value value = 1 { string tag = 1; float simple_value = 2 } }
static bool write_scalar(FILE* file, double wall_time, int64_t step, const char* tag, float number) {
  unsigned char value[EVENT_MAX], summary[EVENT_MAX], event[EVENT_MAX];

  size_t n = put_bytes(value, 1, tag, strlen(tag));
  value[n++] = 2 << 3 | 5;
  memcpy(value + n, &number, sizeof number);

  n = put_bytes(summary, 1, value, n + sizeof number);

  size_t used = put_event(event, wall_time, step);
  used += put_bytes(event + used, 5, summary, n);
  return write_record(file, event, used);
}

// ---- the log

static int io_error(loomError* err, const loomEventLog* log, const char* what) {
  return loom_error_set(err, LOOM_ERR_IO, "%s: %s cannot be written (%s)", log->folder, what,
                        strerror(errno));
}

// A name of its own for each run, were two begun in one second.
static FILE* open_events(const loomEventLog* log) {
  char path[LOOM_PATH_MAX + 80];

  for (int i = 0; i < 1000; i++) {
    snprintf(path, sizeof path, "%s/events.out.tfevents.%lld.demoloom.%d", log->folder,
             (long long)loom_clock_date(), i);

    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) return fdopen(fd, "wb");
    if (errno != EEXIST) return NULL;
  }
  return NULL;
}

static FILE* open_csv(const loomEventLog* log) {
  char path[LOOM_PATH_MAX + 80];
  struct stat st;

  snprintf(path, sizeof path, "%s/scalars.csv", log->folder);
  FILE* file = fopen(path, "ab");
  if (file && !fstat(fileno(file), &st) && st.st_size == 0) fputs("step,tag,value,seconds\n", file);
  return file;
}

int loom_event_log_open(loomEventLog** out, const char* folder, loomError* err) {
  *out = NULL;

  if (strlen(folder) >= LOOM_PATH_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s...: the path is too long", folder);

  loomEventLog* log = calloc(1, sizeof *log);
  if (!log) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", folder);
  memcpy(log->folder, folder, strlen(folder) + 1);

  int code = loom_make_folder(folder, false, err);
  if (!code && !(log->events = open_events(log))) code = io_error(err, log, "an event file");
  if (!code && !(log->csv = open_csv(log))) code = io_error(err, log, "scalars.csv");
  if (!code && !write_version(log->events, loom_clock_date())) code = io_error(err, log, "the event file");

  if (code)
    loom_event_log_close(log, NULL);
  else
    *out = log;
  return code;
}

int loom_event_log_scalar(loomEventLog* log, const char* tag, int64_t step, double value, loomError* err) {
  if (!*tag || strlen(tag) > TAG_MAX || strpbrk(tag, ",\"\n\r"))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "a curve's name may not be empty, over %d bytes or hold ,\" : '%.40s'", TAG_MAX,
                          tag);

  double now = loom_clock_date();
  if (!write_scalar(log->events, now, step, tag, (float)value)) return io_error(err, log, "the event file");
  if (fprintf(log->csv, "%lld,%s,%.9g,%.3f\n", (long long)step, tag, value, now) < 0)
    return io_error(err, log, "scalars.csv");
  return 0;
}

int loom_event_log_flush(loomEventLog* log, loomError* err) {
  if (fflush(log->events)) return io_error(err, log, "the event file");
  return fflush(log->csv) ? io_error(err, log, "scalars.csv") : 0;
}

int loom_event_log_close(loomEventLog* log, loomError* err) {
  if (!log) return 0;

  int code = 0;
  if (log->events && fclose(log->events)) code = io_error(err, log, "the event file");
  if (log->csv && fclose(log->csv) && !code) code = io_error(err, log, "scalars.csv");

  free(log);
  return code;
}
