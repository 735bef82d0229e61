#include "engine/base/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

enum { FORMAT = 1 };
static const struct {
  const char* folder;
  int newest;  // entries that are kept
} rooms[] = {[LOOM_CACHE_MODELS] = {"models", 64}, [LOOM_CACHE_PIECES] = {"pieces", 512}};
static const int64_t entry_max = (int64_t)1 << 30;  // bytes
static const char suffix[] = ".cached";

/// What a file starts with; then come key, inputs and bytes.
typedef struct entryHeader {
  char magic[8];
  uint64_t format, nkey, ninputs, nbytes;
  uint64_t checksum;  // of all that follows the header
} entryHeader;

static const char magic[8] = {'l', 'o', 'o', 'm', 'k', 'e', 'p', 't'};

void loom_home_dir(char out[LOOM_PATH_MAX]) {
  const char *home = getenv("DEMOLOOM_HOME"), *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
  if (home && *home) {
    snprintf(out, LOOM_PATH_MAX, "%.900s", home);
  } else if (cache && *cache) {
    snprintf(out, LOOM_PATH_MAX, "%.900s/demoloom", cache);
  } else {
    snprintf(out, LOOM_PATH_MAX, "%.900s/.cache/demoloom", user ? user : "");
  }
}

// ---- checksum

static uint64_t turn_in(uint64_t sum, uint64_t word) {
  sum = (sum ^ word) * 0x9E3779B97F4A7C15u;  // 2^64 over the golden ratio, odd: no bit is lost
  return sum ^ (sum >> 29);
}

// Finds damage, byte by byte as well as swapped blocks; four lanes, since one
// waits for its own multiplications.
static uint64_t checksum_of(const char* bytes, size_t n) {
  uint64_t lane[4] = {1, 2, 3, n};
  size_t at = 0;

  for (; at + sizeof lane <= n; at += sizeof lane) {
    uint64_t word[4];
    memcpy(word, bytes + at, sizeof word);
    for (int i = 0; i < 4; i++) lane[i] = turn_in(lane[i], word[i]);
  }

  // What is left over of the last block, padded with zeros.
  uint64_t rest[4] = {0};
  memcpy(rest, bytes + at, n - at);
  for (int i = 0; i < 4; i++) lane[i] = turn_in(lane[i], rest[i]);

  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) sum = turn_in(sum, lane[i]);
  return sum;
}

// ---- entries

static void entry_path(char out[LOOM_PATH_MAX], char folder[LOOM_PATH_MAX], loomCacheRoom room,
                       const char* key, size_t nkey) {
  char home[LOOM_PATH_MAX];
  loom_home_dir(home);
  snprintf(folder, LOOM_PATH_MAX, "%.910s/%s", home, rooms[room].folder);
  snprintf(out, LOOM_PATH_MAX, "%.930s/%016llx%s", folder, (unsigned long long)checksum_of(key, nkey),
           suffix);
}

// Nothing of the file is believed before its lengths add up and its checksum is right.
static bool is_whole(const entryHeader* h, const char* file, size_t n) {
  if (memcmp(h->magic, magic, sizeof magic) != 0 || h->format != FORMAT) return false;
  size_t rest = n - sizeof *h;
  if (h->nkey > rest || h->ninputs > rest - h->nkey || h->nbytes != rest - h->nkey - h->ninputs) return false;
  return checksum_of(file + sizeof *h, rest) == h->checksum;
}

// A whole entry, mapped: copying megabytes would cost more than all checks.
// Entries are put in place whole and never written again.
static bool map_entry(loomCached* out, const char* path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat s;
  int64_t size = fd >= 0 && !fstat(fd, &s) && S_ISREG(s.st_mode) ? s.st_size : 0;
  void* file = MAP_FAILED;
  if (size > 0 && size <= entry_max)
    file = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

  // The mapping stays when the file is closed.
  if (fd >= 0) close(fd);
  if (file == MAP_FAILED) return false;

  out->file = file;
  out->n = (size_t)size;
  return true;
}

bool loom_cache_load(loomCached* out, loomCacheRoom room, const char* key, size_t nkey) {
  char path[LOOM_PATH_MAX], folder[LOOM_PATH_MAX];
  *out = (loomCached){0};
  entry_path(path, folder, room, key, nkey);
  if (!map_entry(out, path)) return false;

  // Another key's entry may have the same name.
  entryHeader h;
  bool found = out->n >= sizeof h;
  if (found) memcpy(&h, out->file, sizeof h);
  found =
      found && is_whole(&h, out->file, out->n) && h.nkey == nkey && !memcmp(out->file + sizeof h, key, nkey);
  if (!found) {
    loom_cached_destroy(out);
    return false;
  }

  // What is used is not the next to go; by a clock finer than the one that a file's times are kept by.
  double date = loom_clock_date(), second = floor(date);
  struct timespec now[2] = {{.tv_sec = (time_t)second, .tv_nsec = (long)((date - second) * 1e9)}};
  now[1] = now[0];
  (void)utimensat(AT_FDCWD, path, now, 0);

  out->inputs = out->file + sizeof h + nkey;
  out->ninputs = (size_t)h.ninputs;
  out->bytes = out->inputs + out->ninputs;
  out->nbytes = (size_t)h.nbytes;
  return true;
}

void loom_cached_destroy(loomCached* cached) {
  if (cached->file) munmap((void*)cached->file, cached->n);
  *cached = (loomCached){0};
}

// The oldest entry of the folder, and how many there are.
static int find_oldest(char out[LOOM_PATH_MAX], const char* folder) {
  int n = 0;
  struct timespec oldest = {0, 0};
  DIR* d = opendir(folder);
  for (struct dirent* entry; d && (entry = readdir(d));) {
    char path[LOOM_PATH_MAX];
    struct stat s;
    if (!strstr(entry->d_name, suffix)) continue;
    snprintf(path, sizeof path, "%.700s/%.255s", folder, entry->d_name);
    if (stat(path, &s)) continue;

    bool older = s.st_mtim.tv_sec < oldest.tv_sec ||
                 (s.st_mtim.tv_sec == oldest.tv_sec && s.st_mtim.tv_nsec < oldest.tv_nsec);
    if (!n++ || older) {
      oldest = s.st_mtim;
      snprintf(out, LOOM_PATH_MAX, "%s", path);
    }
  }
  if (d) closedir(d);
  return n;
}

void loom_cache_store(loomCacheRoom room, const char* key, size_t nkey, const char* inputs, size_t ninputs,
                      const void* bytes, size_t nbytes) {
  char path[LOOM_PATH_MAX], folder[LOOM_PATH_MAX], home[LOOM_PATH_MAX], oldest[LOOM_PATH_MAX];
  entryHeader h = {.format = FORMAT, .nkey = nkey, .ninputs = ninputs, .nbytes = nbytes};
  memcpy(h.magic, magic, sizeof magic);
  size_t n = sizeof h + nkey + ninputs + nbytes;
  char* file = n < (size_t)entry_max ? malloc(n) : NULL;
  if (!file) return;

  char* at = file + sizeof h;
  memcpy(at, key, nkey);
  if (ninputs) memcpy(at + nkey, inputs, ninputs);
  if (nbytes) memcpy(at + nkey + ninputs, bytes, nbytes);
  h.checksum = checksum_of(at, n - sizeof h);
  memcpy(file, &h, sizeof h);

  // Nobody misses an entry that cannot be written.
  loom_home_dir(home);
  entry_path(path, folder, room, key, nkey);
  mkdir(home, 0777);
  mkdir(folder, 0777);
  (void)loom_file_write(path, file, n, NULL);
  free(file);

  int newest = rooms[room].newest;
  for (int i = 0; i < newest && find_oldest(oldest, folder) > newest; i++) unlink(oldest);
}
