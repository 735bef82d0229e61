#include "engine/base/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"

static const double expired = 1.25;  // beats
static const char nobody[] = "free";

enum { FILE_PATH = LOOM_PATH_MAX + 96 };

// ---- who

// What tells one kernel, whose locks are one table, from another: containers of one machine share it, and two
// machines of one name do not.
static void machine_name(char out[64]) {
  int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t n = file < 0 ? 0 : read(file, out, 36);
  if (file >= 0) close(file);

  // A machine that is none of Linux's is known by nothing: then only beats count.
  snprintf(out + (n > 0 ? n : 0), 2, "%s", n > 0 ? "" : "?");
}

// What stands in a lease's file; "" where it cannot be read, or is not written yet.
static void read_holder(char out[160], int file) {
  ssize_t n = pread(file, out, 159, 0);
  out[n > 0 ? n : 0] = '\0';
}

// ---- times, all of them the file server's

static double seconds_of(const struct stat* st) {
  return (double)st->st_mtim.tv_sec + 1e-9 * (double)st->st_mtim.tv_nsec;
}

// "Now", as the folder's server has it: of a file that was touched just now.
static int server_now(double* out, const char* folder, const char* machine, loomError* err) {
  char path[FILE_PATH];
  struct stat st;
  snprintf(path, sizeof path, "%s/now-%.36s-%ld", folder, machine, (long)getpid());

  int file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  bool known = file >= 0 && !futimens(file, NULL) && !fstat(file, &st);
  int why = errno;
  if (file >= 0) close(file);
  unlink(path);
  if (!known) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", path, strerror(why));

  *out = seconds_of(&st);
  return LOOM_OK;
}

// ---- the latest generation

// Of "NAME.GENERATION", or -1 for a file of another name.
static int64_t generation_of(const char* file, const char* name) {
  size_t n = strlen(name);
  char* end;
  if (strncmp(file, name, n) != 0 || file[n] != '.' || file[n + 1] < '0' || file[n + 1] > '9') return -1;

  long long generation = strtoll(file + n + 1, &end, 10);
  return *end ? -1 : generation;
}

static int latest_generation(int64_t* out, const loomLeaseDef* def, loomError* err) {
  DIR* dir = opendir(def->folder);
  if (!dir) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", def->folder, strerror(errno));

  *out = 0;
  for (struct dirent* entry; (entry = readdir(dir));) {
    int64_t generation = generation_of(entry->d_name, def->name);
    if (generation > *out) *out = generation;
  }
  closedir(dir);
  return LOOM_OK;
}

static void lease_path(char out[FILE_PATH], const loomLeaseDef* def, int64_t generation) {
  snprintf(out, FILE_PATH, "%s/%.64s.%lld", def->folder, def->name, (long long)generation);
}

// How the latest lease could be taken from whoever has it.
static int judge(loomLeaseTaken* out, const char* path, const loomLeaseDef* def, const char* machine,
                 loomError* err) {
  char holder[160], their_machine[64];
  double beat = def->beat, now = 0;
  struct stat st;
  *out = LOOM_LEASE_NOT;

  // Gone since the folder was listed: somebody has just taken it.
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return LOOM_OK;
  read_holder(holder, file);

  // One whose file is locked before it says who it is is there while it can be locked by nobody else.
  bool known = sscanf(holder, "%63s %*d %lf", their_machine, &beat) == 2;
  if (!strncmp(holder, nobody, sizeof nobody - 1))
    *out = LOOM_LEASE_NEW;
  else if (known && strcmp(machine, "?") != 0 && !strcmp(their_machine, machine) &&
           !flock(file, LOCK_SH | LOCK_NB))
    *out = LOOM_LEASE_GONE;

  // Else by its age, in its holder's beats.
  int code = *out == LOOM_LEASE_NOT ? server_now(&now, def->folder, machine, err) : LOOM_OK;
  if (!code && *out == LOOM_LEASE_NOT && !fstat(file, &st) && now - seconds_of(&st) > expired * beat)
    *out = LOOM_LEASE_EXPIRED;
  close(file);
  return code;
}

// ---- take, beat and let go

// The next generation's file, which one process alone can create. False: another one has.
static int create_lease(loomLease* out, bool* created, const loomLeaseDef* def, const char* machine,
                        int64_t generation, loomError* err) {
  lease_path(out->path, def, generation);
  lease_path(out->next, def, generation + 1);
  *created = false;
  out->file = open(out->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (out->file < 0 && errno == EEXIST) return LOOM_OK;
  if (out->file < 0)
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be created (%s)", out->path, strerror(errno));

  // Locked before it says whose it is, so that a lock that can be had always means a holder that is gone.
  flock(out->file, LOCK_EX | LOCK_NB);
  snprintf(out->holder, sizeof out->holder, "%s %ld %.9g generation %lld\n", machine, (long)getpid(),
           def->beat, (long long)generation);
  size_t n = strlen(out->holder);
  if (pwrite(out->file, out->holder, n, 0) != (ssize_t)n || fsync(out->file)) {
    int why = errno;
    unlink(out->path);
    close(out->file);
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", out->path, strerror(why));
  }

  // The listing may have been an old one that a network file system kept: now that the folder has changed it
  // is read anew.
  int64_t latest;
  int code = latest_generation(&latest, def, err);
  *created = !code && latest == generation;
  if (!*created) {
    unlink(out->path);
    close(out->file);
  }
  return code;
}

int loom_lease_take(loomLease* out, loomLeaseTaken* taken, const loomLeaseDef* def, loomError* err) {
  char machine[64], before[FILE_PATH];
  int64_t generation = 0;
  loomLease lease = {0};
  bool created = false;

  *out = lease;
  *taken = LOOM_LEASE_NOT;
  if (strlen(def->folder) >= LOOM_PATH_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s...: the path is too long", def->folder);

  // The latest one, and whether it can be had.
  machine_name(machine);
  loomLeaseTaken how = LOOM_LEASE_NEW;
  int code = loom_make_folder(def->folder, true, err);
  if (!code) code = latest_generation(&generation, def, err);
  lease_path(before, def, generation);
  if (!code && generation) code = judge(&how, before, def, machine, err);
  if (code || how == LOOM_LEASE_NOT) return code;

  code = create_lease(&lease, &created, def, machine, generation + 1, err);
  if (code || !created) return code;

  // Whoever had the one before finds it gone.
  if (generation) unlink(before);
  *out = lease;
  *taken = how;
  return LOOM_OK;
}

bool loom_lease_is_held(const loomLease* lease) {
  char holder[160];

  // Opened anew, as only that asks a network file system's server.
  int file = open(lease->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return false;
  read_holder(holder, file);
  close(file);

  return !strcmp(holder, lease->holder) && access(lease->next, F_OK) != 0;
}

bool loom_lease_beat(const loomLease* lease) {
  futimens(lease->file, NULL);
  return loom_lease_is_held(lease);
}

void loom_lease_release(loomLease* lease) {
  if (!lease->path[0]) return;

  // The file stays, for the next generation is counted from it.
  if (loom_lease_is_held(lease) && pwrite(lease->file, nobody, sizeof nobody - 1, 0) < 0) unlink(lease->path);
  close(lease->file);
  *lease = (loomLease){0};
}

void loom_lease_end(loomLease* lease) {
  if (!lease->path[0]) return;

  if (loom_lease_is_held(lease)) unlink(lease->path);
  close(lease->file);
  *lease = (loomLease){0};
}

bool loom_lease_seems_taken(const loomLeaseDef* def) {
  char first[FILE_PATH];
  lease_path(first, def, 1);
  return !access(first, F_OK);
}
