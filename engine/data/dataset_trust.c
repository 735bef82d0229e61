// Which files need no trial reading in a child (dataset_probe.c). A program opens what it has just written,
// and the same file again and again: DAgger's rounds and training with a validation mask did it hundreds of
// times.
#include <pthread.h>
#include <time.h>

#include "engine/data/dataset_internal.h"

// More than a program has in hand at a time. Where there are still more, the oldest are forgotten and only
// cost a trial reading again.
enum { TRUSTED_MAX = 1024 };

// Everything that a change of the file's bytes changes as well. The time of the last change of the inode
// cannot be set by a program, as the time of the last write can.
typedef struct fileMark {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec written, changed;
} fileMark;

static struct {
  pthread_mutex_t lock;
  int64_t added;
  fileMark mark[TRUSTED_MAX];  // number k of those added is at k % TRUSTED_MAX
} trusted = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_marked(const struct stat* file, const fileMark* mark) {
  return file->st_dev == mark->device && file->st_ino == mark->inode && file->st_size == mark->size &&
         same_time(file->st_mtim, mark->written) && same_time(file->st_ctim, mark->changed);
}

static bool is_known(const struct stat* file) {
  int64_t n = trusted.added < TRUSTED_MAX ? trusted.added : TRUSTED_MAX;
  for (int64_t i = 0; i < n; i++)
    if (is_marked(file, &trusted.mark[i])) return true;
  return false;
}

// File systems take their times from this clock, which moves on every few milliseconds.
bool loom_h5_is_settled(const struct stat* file) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec > file->st_ctim.tv_sec ||
         (now.tv_sec == file->st_ctim.tv_sec && now.tv_nsec > file->st_ctim.tv_nsec);
}

void loom_h5_trust_written(const char* path) {
  enum { TRIES = 40 };  // 20 ms, several ticks of the clock; a file of the future is not waited for
  static const struct timespec half_millisecond = {0, 500000};
  struct stat file;
  if (stat(path, &file)) return;

  for (int i = 0; i < TRIES && !loom_h5_is_settled(&file); i++) nanosleep(&half_millisecond, NULL);
  if (loom_h5_is_settled(&file)) loom_h5_trust(&file);
}

void loom_h5_trust(const struct stat* file) {
  pthread_mutex_lock(&trusted.lock);

  if (!is_known(file))
    trusted.mark[trusted.added++ % TRUSTED_MAX] =
        (fileMark){file->st_dev, file->st_ino, file->st_size, file->st_mtim, file->st_ctim};
  pthread_mutex_unlock(&trusted.lock);
}

bool loom_h5_is_trusted(const struct stat* file) {
  pthread_mutex_lock(&trusted.lock);
  bool known = is_known(file);

  pthread_mutex_unlock(&trusted.lock);
  return known;
}
