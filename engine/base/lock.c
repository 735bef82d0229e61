#include "engine/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"

// A child of a killed run (the trial reading of a dataset) holds its lock until it ends too: wait for that.
enum { TRIES = 50 };
static const double pause_seconds = 0.01;

// Whoever held the lock before us may have removed its file between our open and our lock: then we hold the
// lock of a file that nobody else will find.
static bool is_file_at(int fd, const char* path) {
  struct stat ours, there;
  return !fstat(fd, &ours) && !lstat(path, &there) && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

// Some network file systems know no locks.
static bool knows_no_locks(int why) {
  return why == ENOLCK || why == ENOSYS || why == EOPNOTSUPP || why == EINVAL;
}

static int try_to_take(int fd, bool* alone, bool shared) {
  *alone = !flock(fd, LOCK_EX | LOCK_NB);
  if (*alone) return 0;
  return shared && errno == EWOULDBLOCK && !flock(fd, LOCK_SH | LOCK_NB) ? 0 : errno;
}

static int take_or_join(int* lock, bool* alone, bool shared, const char* path) {
  *lock = -1;
  for (int i = 0; i < TRIES; i++) {
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    int why = fd < 0 ? errno : try_to_take(fd, alone, shared);
    if (!why && is_file_at(fd, path)) {
      *lock = fd;
      return 0;
    }

    if (fd >= 0) close(fd);
    if (why && why != EWOULDBLOCK) return why;
    loom_sleep(pause_seconds);
  }
  return EWOULDBLOCK;
}

int loom_lock_take(int* lock, const char* path) {
  bool alone;
  return take_or_join(lock, &alone, false, path);
}

void loom_lock_drop(int lock, const char* path) {
  if (lock < 0) return;

  // The file goes before the lock does: after that it may be another run's.
  unlink(path);
  close(lock);
}

int loom_lock_join(int* lock, bool* alone, const char* path) {
  return take_or_join(lock, alone, true, path);
}

void loom_lock_share(int lock) {
  if (lock >= 0) flock(lock, LOCK_SH);
}

bool loom_lock_is_last(int lock) {
  // Our own lock goes before another is asked for: of several at once, the last to ask gets it.
  return lock >= 0 && !flock(lock, LOCK_EX | LOCK_NB);
}

void loom_lock_leave(int lock, const char* path) {
  if (loom_lock_is_last(lock) && is_file_at(lock, path))
    loom_lock_drop(lock, path);
  else if (lock >= 0)
    close(lock);
}

// Remove what nobody holds any more. 0, or EWOULDBLOCK where somebody does.
static int remove_leftover(const char* path) {
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), why = 0;

  // A link is none of ours, and nothing is behind it that we want.
  if (fd < 0) {
    if (errno == ELOOP) unlink(path);
    return 0;
  }

  if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) why = EWOULDBLOCK;
  if (!why && is_file_at(fd, path)) unlink(path);
  close(fd);
  return why;
}

int loom_lock_create(int* file, const char* path) {
  int why = 0;
  *file = -1;
  for (int i = 0; i < TRIES; i++) {
    why = remove_leftover(path);

    // Created anew, so that nothing is written through a link that somebody put there.
    if (!why) {
      int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (fd < 0 && errno != EEXIST) return errno;
      why = fd < 0 ? EEXIST : flock(fd, LOCK_EX | LOCK_NB) ? errno : 0;
      if (fd >= 0 && (!why || knows_no_locks(why)) && is_file_at(fd, path)) {
        *file = fd;
        return 0;
      }
      if (fd >= 0) close(fd);
    }
    loom_sleep(pause_seconds);
  }
  return why ? why : EWOULDBLOCK;
}

bool loom_lock_has_writers(int lock) {
  if (lock < 0) return false;

  // A lease on reading is given only while nobody can write. It is the owner's to ask for; of other files
  // HDF5's lock alone tells. A writer that comes in this very moment would raise a signal: one that is
  // ignored.
  fcntl(lock, F_SETSIG, SIGURG);
  if (!fcntl(lock, F_SETLEASE, F_RDLCK)) {
    fcntl(lock, F_SETLEASE, F_UNLCK);
    return false;
  }
  return errno == EAGAIN;
}

int loom_lock_against_writers(int* lock, const char* path) {
  *lock = -1;
  for (int i = 0; i < TRIES; i++) {
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return 0;  // whoever may not read it learns that elsewhere

    // HDF5 holds an exclusive lock on what it writes to, and a shared one on what it reads.
    bool locked = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
    if (!locked && !loom_lock_has_writers(fd)) {
      *lock = fd;
      return 0;
    }
    close(fd);
    loom_sleep(pause_seconds);
  }
  return EWOULDBLOCK;
}
