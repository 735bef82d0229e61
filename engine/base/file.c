#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
