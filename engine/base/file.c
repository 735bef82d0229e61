#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

int loom_read_stream(char** out, size_t* n, FILE* file, size_t most, const char* path, loomError* err) {
  size_t size = 0, room = 0;
  *out = NULL;
  int code = look_at_kind(&room, file, most, path, err);
  if (!code) code = read_to_end(out, &size, file, room, most, path, err);

  // Nothing half-read is handed out.
  if (code) {
    free(*out);
    *out = NULL;
    size = 0;
  }
  if (n) *n = size;
  return code;
}

int loom_read_text(char** out, size_t* n, const char* path, size_t most, loomError* err) {
  *out = NULL;
  FILE* file = fopen(path, "rb");
  if (!file) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", path, strerror(errno));

  int code = loom_read_stream(out, n, file, most, path, err);
  fclose(file);
  return code;
}

// ---- writing

static void free_file(loomFile* file) {
  free(file->path);
  free(file->temporary);
  *file = (loomFile){0};
}

static int write_error(loomError* err, const char* path, int why) {
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s); nothing was left behind", path,
                        strerror(why ? why : EIO));
}

// A rename would replace a folder, a device or a pipe, which nobody means.
static int check_place(const char* path, loomError* err) {
  struct stat st;
  if (stat(path, &st) || S_ISREG(st.st_mode)) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (there is %s of that name)", path,
                        S_ISDIR(st.st_mode) ? "a folder" : "something else than a file");
}

int loom_file_begin(loomFile* out, const char* path, loomError* err) {
  *out = (loomFile){0};
  int code = check_place(path, err);
  if (code) return code;

  out->path = strdup(path);
  if (asprintf(&out->temporary, "%s.tmp", path) < 0) out->temporary = NULL;
  if (!out->path || !out->temporary) {
    free_file(out);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }

  // Created anew, so that nothing is written through a link that somebody put there.
  unlink(out->temporary);
  int fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  out->stream = fd < 0 ? NULL : fdopen(fd, "wb");
  if (out->stream) return LOOM_OK;

  int why = errno;
  if (fd >= 0) {
    close(fd);
    unlink(out->temporary);
  }
  free_file(out);
  return write_error(err, path, why);
}

void loom_file_abort(loomFile* file) {
  if (!file->temporary) return;
  if (file->stream) fclose(file->stream);
  unlink(file->temporary);
  free_file(file);
}

int loom_file_fail(loomFile* file, int why, loomError* err) {
  int code = write_error(err, file->path, why);
  loom_file_abort(file);
  return code;
}

// The rename itself is only safe on disk once its folder is.
static int sync_folder_of(const char* path) {
  char* folder = strdup(path);
  if (!folder) return ENOMEM;
  char* slash = strrchr(folder, '/');
  if (slash == folder) slash++;
  if (slash) *slash = '\0';

  int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int why = fd < 0 || fsync(fd) ? errno : 0;
  if (fd >= 0) close(fd);
  free(folder);

  // Some network file systems cannot sync a folder and say so with EINVAL: nothing better can be done there.
  return why == EINVAL ? 0 : why;
}

int loom_file_sync_folder(const char* path, loomError* err) {
  int why = sync_folder_of(path);
  if (!why) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO, "%s: written, but its folder cannot be synced (%s)", path,
                        strerror(why));
}

int loom_file_commit(loomFile* file, loomError* err) {
  // What a library wrote by name is in the same file, and synced with it.
  bool failed = ferror(file->stream);
  errno = 0;
  if (fflush(file->stream) || failed || fsync(fileno(file->stream))) return loom_file_fail(file, errno, err);

  // Some file systems tell of a full disk only when a file is closed.
  int closed = fclose(file->stream);
  file->stream = NULL;
  if (closed || rename(file->temporary, file->path)) return loom_file_fail(file, errno, err);

  int code = loom_file_sync_folder(file->path, err);
  free_file(file);
  return code;
}

int loom_file_write(const char* path, const void* bytes, size_t n, loomError* err) {
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  const char* at = bytes;
  while (n) {
    ssize_t wrote = write(fileno(file.stream), at, n);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return loom_file_fail(&file, errno, err);
    at += wrote;
    n -= (size_t)wrote;
  }
  return loom_file_commit(&file, err);
}

int loom_file_move(const char* from, const char* to, loomError* err) {
  if (rename(from, to))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be renamed to %s (%s)", from, to, strerror(errno));
  return loom_file_sync_folder(to, err);
}

int loom_make_folder(const char* path, bool parents, loomError* err) {
  char* part = strdup(path);
  if (!part) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  // Each leading part in turn, cut off at its slash for the moment.
  int code = LOOM_OK;
  char* slash = part;
  while (!code && slash) {
    slash = parents ? strchr(slash + 1, '/') : NULL;
    if (slash) *slash = '\0';
    if (mkdir(part, 0777) && errno != EEXIST)
      code = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be made (%s)", part, strerror(errno));
    if (slash) *slash = '/';
  }
  free(part);
  return code;
}

int loom_file_write_text(const char* path, const char* text, loomError* err) {
  return loom_file_write(path, text, strlen(text), err);
}
