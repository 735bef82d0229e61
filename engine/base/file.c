#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/lock.h"
#include "engine/base/text.h"

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
  if (file->stream) fclose(file->stream);
  if (file->lock >= 0) close(file->lock);
  if (file->before >= 0) close(file->before);
  free(file->path);
  free(file->temporary);
  *file = (loomFile){.lock = -1, .before = -1};
}

static int write_error(loomError* err, const char* path, int why) {
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s); nothing was left behind", path,
                        strerror(why ? why : EIO));
}

static int in_use(loomError* err, const char* path) {
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: another program has it open for writing; close it there, or name another file",
                        path);
}

int loom_file_place(char** out, const char* path, loomError* err) {
  struct stat st;
  bool link = !lstat(path, &st) && S_ISLNK(st.st_mode);

  // Only the file behind a link is meant, and the link stays.
  *out = link ? realpath(path, NULL) : strdup(path);
  if (*out) return LOOM_OK;
  if (!link) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (a link that leads nowhere)", path);
}

// A rename would replace a folder, a device or a pipe, which nobody means, and a file that is in use or that
// somebody protected. *lock keeps writers out of what is there; -1: nothing is.
static int check_place(int* lock, struct stat* st, const char* path, loomError* err) {
  *lock = -1;
  *st = (struct stat){0};
  if (stat(path, st)) return LOOM_OK;
  if (!S_ISREG(st->st_mode))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (there is %s of that name)", path,
                          S_ISDIR(st->st_mode) ? "a folder" : "something else than a file");
  if (!(st->st_mode & 0222))
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (it is write-protected)", path);
  return loom_lock_against_writers(lock, path) ? in_use(err, path) : LOOM_OK;
}

int loom_file_check_place(const char* path, loomError* err) {
  struct stat st;
  int lock, code = check_place(&lock, &st, path, err);
  if (lock >= 0) close(lock);
  return code;
}

static const char on_its_way[] = ".tmp";

size_t loom_file_final_length(const char* name) {
  return strlen(name) - (loom_ends_with(name, on_its_way) ? sizeof on_its_way - 1 : 0);
}

int loom_file_begin(loomFile* out, const char* path, loomError* err) {
  *out = (loomFile){.lock = -1, .before = -1};
  int code = loom_file_place(&out->path, path, err);
  if (!code) code = check_place(&out->before, &out->status, out->path, err);
  if (!code && asprintf(&out->temporary, "%s%s", out->path, on_its_way) < 0) {
    out->temporary = NULL;
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  }
  if (code) {
    free_file(out);
    return code;
  }

  // Locked for as long as it is written, under two descriptors: the stream is closed before it is renamed.
  int why = loom_lock_create(&out->lock, out->temporary);
  int fd = why ? -1 : dup(out->lock);
  if (fd >= 0 && out->before >= 0 && fchmod(fd, out->status.st_mode & 0777)) why = errno;
  out->stream = fd < 0 || why ? NULL : fdopen(fd, "wb");
  if (out->stream) return LOOM_OK;

  if (!why) why = errno;
  if (fd >= 0) close(fd);
  if (out->lock >= 0) unlink(out->temporary);
  free_file(out);
  if (why != EWOULDBLOCK) return write_error(err, path, why);
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: another run is writing it; wait for it or choose another output", path);
}

void loom_file_abort(loomFile* file) {
  if (!file->temporary) return;
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

// What is in its place must be what was there when it was begun.
static bool place_changed(const loomFile* file) {
  struct stat now;
  bool there = !stat(file->path, &now), was = file->status.st_nlink > 0;
  if (!there || !was) return there != was;
  return now.st_ino != file->status.st_ino || now.st_dev != file->status.st_dev ||
         now.st_size != file->status.st_size || now.st_mtim.tv_sec != file->status.st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != file->status.st_mtim.tv_nsec;
}

static int check_unchanged(loomFile* file, loomError* err) {
  bool changed = place_changed(file), used = loom_lock_has_writers(file->before);
  if (!changed && !used) return LOOM_OK;

  // Whatever it is now, it is not what was to be replaced.
  int code = used ? in_use(err, file->path)
                  : loom_error_set(err, LOOM_ERR_USAGE,
                                   "%s: another program has changed it meanwhile, so it stays as it is; "
                                   "nothing was written",
                                   file->path);
  loom_file_abort(file);
  return code;
}

int loom_file_commit(loomFile* file, loomError* err) {
  // What a library wrote by name is in the same file, and synced with it.
  bool failed = ferror(file->stream);
  errno = 0;
  if (fflush(file->stream) || failed || fsync(fileno(file->stream))) return loom_file_fail(file, errno, err);

  // Some file systems tell of a full disk only when a file is closed.
  int closed = fclose(file->stream);
  file->stream = NULL;
  if (closed) return loom_file_fail(file, errno, err);

  int code = check_unchanged(file, err);
  if (code) return code;
  if (rename(file->temporary, file->path)) return loom_file_fail(file, errno, err);

  code = loom_file_sync_folder(file->path, err);
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

// The nearest part of the path that is there; a path without one begins in the current folder. NULL without
// memory.
static char* nearest_part(const char* path) {
  struct stat st;
  char* part = malloc(strlen(path) + 2);
  if (part) strcpy(part, path);

  while (part && stat(part, &st) && errno == ENOENT) {
    char* slash = strrchr(part, '/');
    if (!slash) strcpy(part, ".");
    if (slash) slash[slash == part] = '\0';
  }
  return part;
}

int loom_check_room(const char* path, double bytes, loomError* err) {
  struct statvfs disk;
  char* part = nearest_part(path);
  if (!part) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  double room = statvfs(part, &disk) ? bytes : (double)disk.f_bavail * (double)disk.f_frsize;
  free(part);
  if (room >= bytes) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_IO,
                        "%s: takes at least %.1f MB, and its disk has room for %.1f MB; free some space",
                        path, bytes / 1e6, room / 1e6);
}

int loom_check_room_like(const char* path, const char* like, int64_t more, loomError* err) {
  const double nearly = 0.75;  // no file is as large as the next one
  struct stat st;
  return stat(like, &st) ? LOOM_OK : loom_check_room(path, nearly * (double)st.st_size * (double)more, err);
}

int loom_folder_check_place(const char* path, double bytes, loomError* err) {
  struct stat st;
  char* part = nearest_part(path);
  if (!part) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  // mkdir and open would say the same, later.
  int why = stat(part, &st) ? errno : !S_ISDIR(st.st_mode) ? ENOTDIR : access(part, W_OK | X_OK) ? errno : 0;
  int code = why ? loom_error_set(err, LOOM_ERR_IO, "%s: nothing can be written there (%s: %s)", path, part,
                                  strerror(why))
                 : loom_check_room(path, bytes, err);
  free(part);
  return code;
}

int loom_file_write_text(const char* path, const char* text, loomError* err) {
  return loom_file_write(path, text, strlen(text), err);
}
