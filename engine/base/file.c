#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool loom_is_file(const char* path) {
  struct stat s;
  return !stat(path, &s) && S_ISREG(s.st_mode);
}

bool loom_is_folder(const char* path) {
  struct stat s;
  return !stat(path, &s) && S_ISDIR(s.st_mode);
}

bool loom_same_file(const char* a, const char* b) {
  struct stat s, t;
  return !stat(a, &s) && !stat(b, &t) && s.st_dev == t.st_dev && s.st_ino == t.st_ino;
}

// ---- reading

static int too_large(const char* path, size_t most, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: larger than the %zu bytes such a file may have", path,
                        most);
}

// Refuse what has no end or no content, like devices and folders; *room is a first guess of the bytes needed:
// one more than a regular file has, so that its end is met in the first round.
static int look_at_kind(size_t* room, FILE* file, size_t most, const char* path, loomError* err) {
  struct stat s;
  if (fstat(fileno(file), &s))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", path, strerror(errno));
  if (!S_ISREG(s.st_mode) && !S_ISFIFO(s.st_mode))
    return loom_error_set(err, LOOM_ERR_IO, "%s: not a regular file", path);

  bool sized = S_ISREG(s.st_mode) && s.st_size > 0;
  if (sized && (size_t)s.st_size > most) return too_large(path, most, err);
  *room = sized ? (size_t)s.st_size + 1 : 4096;
  return LOOM_OK;
}

// To the end, wherever it is: a file may grow or shrink while it is read, and a pipe does not say.
static int read_to_end(char** out, size_t* n, FILE* file, size_t room, size_t most, const char* path,
                       loomError* err) {
  for (;; room *= 2) {
    // One byte beyond what is allowed shows that there is more.
    if (room > most) room = most + 1;
    char* grown = realloc(*out, room + 1);
    if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory (%zu bytes)", path, room);
    *out = grown;

    *n += fread(*out + *n, 1, room - *n, file);
    if (ferror(file))
      return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", path, strerror(errno));
    if (*n > most) return too_large(path, most, err);
    if (*n < room) break;
  }
  (*out)[*n] = '\0';
  return LOOM_OK;
}

int loom_read_text(char** out, size_t* n, const char* path, size_t most, loomError* err) {
  size_t size = 0, room = 0;
  *out = NULL;
  FILE* file = fopen(path, "rb");
  if (!file) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", path, strerror(errno));

  int code = look_at_kind(&room, file, most, path, err);
  if (!code) code = read_to_end(out, &size, file, room, most, path, err);
  fclose(file);

  // Nothing half-read is handed out.
  if (code) {
    free(*out);
    *out = NULL;
    size = 0;
  }
  if (n) *n = size;
  return code;
}

// ---- writing

char* loom_temporary_name(const char* path) {
  char* name = NULL;
  return asprintf(&name, "%s.tmp", path) < 0 ? NULL : name;
}

static int sync_path(const char* path, int flags) {
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) return -1;
  int failed = fsync(fd);
  int why = errno;
  close(fd);
  errno = why;
  return failed;
}

// The rename itself is only safe on disk once its folder is.
static int sync_folder_of(const char* path) {
  char* folder = strdup(path);
  if (!folder) {
    errno = ENOMEM;
    return -1;
  }
  char* slash = strrchr(folder, '/');
  if (slash == folder) slash++;
  if (slash) *slash = '\0';
  int failed = sync_path(slash ? folder : ".", O_RDONLY | O_DIRECTORY);
  // Some network file systems cannot sync a folder and say so with EINVAL; there is nothing better to do
  // there.
  if (failed && errno == EINVAL) failed = 0;
  int why = errno;
  free(folder);
  errno = why;
  return failed;
}

int loom_commit_file(const char* temporary, const char* path, loomError* err) {
  if (sync_path(temporary, O_RDONLY) || rename(temporary, path)) {
    int why = errno;
    unlink(temporary);
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", path, strerror(why));
  }
  if (sync_folder_of(path))
    return loom_error_set(err, LOOM_ERR_IO, "%s: written, but its folder cannot be synced (%s)", path,
                          strerror(errno));
  return LOOM_OK;
}
