#include "engine/base/record_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"

enum { HEADER_MAX = 128 };

struct loomRecordLog {
  char* path;
  const loomColumns* columns;
  size_t packed;  // bytes of a record in the file
  int fd;
  char header[HEADER_MAX];
  size_t header_size;
  int64_t n;  // records in the file
};

static int log_error(const loomRecordLog* log, const char* what, loomError* err) {
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be %s (%s)", log->path, what, strerror(errno));
}

// Count the records, and cut off one that a killed run left half-written.
static int find_end(loomRecordLog* log, loomError* err) {
  char found[HEADER_MAX];
  struct stat st;

  // A file of another version, or of other columns, begins otherwise.
  ssize_t got = pread(log->fd, found, log->header_size, 0);
  if (got < 0 || fstat(log->fd, &st)) return log_error(log, "read", err);
  if (memcmp(found, log->header, (size_t)got) != 0)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: was written by another version", log->path);

  // The header is written with the first record, and again where there is none.
  size_t end = 0;
  if ((size_t)got == log->header_size) {
    log->n = ((int64_t)st.st_size - (int64_t)log->header_size) / (int64_t)log->packed;
    end = log->n ? log->header_size + (size_t)log->n * log->packed : 0;
  }

  if (ftruncate(log->fd, (off_t)end) || lseek(log->fd, (off_t)end, SEEK_SET) < 0)
    return log_error(log, "cut to its last whole record", err);
  return LOOM_OK;
}

int loom_record_log_open(loomRecordLog** out, const char* path, const loomColumns* columns, loomError* err) {
  *out = NULL;
  loomRecordLog* log = calloc(1, sizeof *log);
  if (!log || !(log->path = strdup(path))) {
    free(log);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }

  // The header tells which version wrote the records, and by a digest which columns they have.
  log->columns = columns;
  log->packed = loom_columns_packed(columns);
  log->header_size = (size_t)snprintf(log->header, HEADER_MAX, "demoloom %.64s %016llx\n", columns->name,
                                      (unsigned long long)loom_columns_digest(columns));

  log->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  int code = log->fd < 0 ? log_error(log, "opened", err) : find_end(log, err);
  if (!code) code = loom_file_sync_folder(path, err);

  if (code)
    loom_record_log_close(log);
  else
    *out = log;
  return code;
}

void loom_record_log_close(loomRecordLog* log) {
  if (!log) return;
  if (log->fd >= 0) close(log->fd);
  free(log->path);
  free(log);
}

// Whole, or up to what the disk had room for: the next run cuts off the rest.
static int write_all(int fd, const char* bytes, size_t n) {
  while (n) {
    ssize_t wrote = write(fd, bytes, n);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return -1;
    bytes += wrote;
    n -= (size_t)wrote;
  }
  return fsync(fd);
}

int loom_record_log_append(loomRecordLog* log, const void* records, int n, loomError* err) {
  if (!n) return LOOM_OK;

  size_t header = log->n ? 0 : log->header_size, size = header + (size_t)n * log->packed;
  char* bytes = malloc(size);
  if (!bytes) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", log->path);

  // One write, so that a run that is killed leaves at most one record cut off.
  memcpy(bytes, log->header, header);
  for (int i = 0; i < n; i++)
    loom_columns_pack(bytes + header + (size_t)i * log->packed, log->columns,
                      (const char*)records + (size_t)i * log->columns->size);

  int failed = write_all(log->fd, bytes, size);
  int why = errno;
  free(bytes);
  if (failed) {
    errno = why;
    return log_error(log, "written", err);
  }

  log->n += n;
  return LOOM_OK;
}

// Room for one more block of records.
static int grow(char** records, int64_t* room, int64_t n, const loomRecordLog* log, loomError* err) {
  if (n <= *room) return LOOM_OK;

  int64_t more = 2 * *room > n ? 2 * *room : n;
  char* grown = realloc(*records, (size_t)more * log->columns->size);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", log->path);
  *records = grown;
  *room = more;
  return LOOM_OK;
}

// Records first to first + n, the file's layout in `bytes` and memory's at their place in `records`.
static int read_block(char* records, char* bytes, int64_t first, int64_t n, const loomRecordLog* log,
                      loomRecordCheck* check, loomError* err) {
  size_t size = (size_t)n * log->packed;
  errno = EIO;  // where it is shorter than it was
  if (pread(log->fd, bytes, size, (off_t)(log->header_size + (size_t)first * log->packed)) != (ssize_t)size)
    return log_error(log, "read", err);

  int code = LOOM_OK;
  for (int64_t i = 0; !code && i < n; i++) {
    void* record = records + (size_t)(first + i) * log->columns->size;
    memset(record, 0, log->columns->size);
    loom_columns_unpack(record, log->columns, bytes + (size_t)i * log->packed);
    if (check) code = check(record, first + i, log->path, err);
  }
  return code;
}

int loom_record_log_read(void** out, int64_t* n, const loomRecordLog* log, loomRecordCheck* check,
                         loomError* err) {
  *out = NULL;
  *n = 0;
  if (log->n > LOOM_RECORDS_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: has room for %lld records, and no run makes more than %d", log->path,
                          (long long)log->n, LOOM_RECORDS_MAX);

  // Block by block: a file that says more than is in it, a hole on the disk perhaps, is told from its first
  // wrong record, before memory is taken for the rest.
  enum { BLOCK = 1024 };
  char *records = NULL, *bytes = malloc(BLOCK * log->packed);
  int64_t room = 0;
  int code = bytes ? grow(&records, &room, 1, log, err)
                   : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", log->path);

  for (int64_t first = 0; !code && first < log->n; first += BLOCK) {
    int64_t count = log->n - first < BLOCK ? log->n - first : BLOCK;
    code = grow(&records, &room, first + count, log, err);
    if (!code) code = read_block(records, bytes, first, count, log, check, err);
  }

  free(bytes);
  if (code) {
    free(records);
    return code;
  }
  *out = records;
  *n = log->n;
  return LOOM_OK;
}
