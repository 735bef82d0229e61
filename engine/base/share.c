#include "engine/base/share.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/keeper.h"

struct loomShare {
  loomShareDef def;
  char folder[LOOM_PATH_MAX];
  loomKeeper* keeper;  // NULL where nobody else is at work
  uint64_t mark;       // of this process, in names of files on their way
};

int loom_share_open(loomShare** out, const loomShareDef* def, loomError* err) {
  char leases[LOOM_PATH_MAX];
  *out = NULL;
  loomShare* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a shared run");

  s->def = *def;
  s->def.folder = s->folder;
  snprintf(s->folder, sizeof s->folder, "%s", def->folder);
  snprintf(leases, sizeof leases, "%.*s/" LOOM_SHARE_LEASES, LOOM_PATH_MAX - 64, def->folder);
  int code = LOOM_OK;
  if (getrandom(&s->mark, sizeof s->mark, 0) != (ssize_t)sizeof s->mark)
    code = loom_error_set(err, LOOM_ERR_IO, "no random numbers for names of files (%s)", strerror(errno));
  if (!code && !def->alone) code = loom_make_folder(leases, false, err);
  if (!code && !def->alone) code = loom_keeper_create(&s->keeper, leases, def->beat, def->workers, err);

  if (code)
    loom_share_close(s);
  else
    *out = s;
  return code;
}

void loom_share_close(loomShare* s) {
  if (!s) return;
  loom_keeper_destroy(s->keeper);
  free(s);
}

bool loom_share_left(const char* folder, const char* begins) {
  DIR* dir = opendir(folder);
  bool left = false;
  if (!dir) return false;

  for (struct dirent* entry; !left && (entry = readdir(dir));)
    left = !strncmp(entry->d_name, begins, strlen(begins));
  closedir(dir);
  return left;
}

// ---- leases

bool loom_share_seems_taken(const loomShare* s, const char* name) {
  return s->keeper && loom_keeper_seems_taken(s->keeper, name);
}

int loom_share_take(bool* taken, loomShare* s, int worker, const char* name, loomError* err) {
  loomLeaseTaken how = LOOM_LEASE_NEW;
  int code = s->keeper ? loom_keeper_take(s->keeper, &how, worker, name, err) : LOOM_OK;
  *taken = !code && how != LOOM_LEASE_NOT;
  return code;
}

void loom_share_give(loomShare* s, int worker, bool done) {
  if (s->keeper) loom_keeper_give(s->keeper, worker, done);
}

// ---- files: a line of text, the bytes, and a hash of all that

enum { HEADER_MAX = 128 };

static void file_path(char out[LOOM_PATH_MAX], const loomShare* s, const char* name) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/%s", LOOM_PATH_MAX - 128, s->folder, name);
}

static int put_kind(char out[HEADER_MAX], const loomShareKind* kind) {
  return snprintf(out, HEADER_MAX, "demoloom %.32s %016llx ", kind->name, (unsigned long long)kind->layout);
}

static int put_header(char out[HEADER_MAX], const loomShareKind* kind, size_t n) {
  int at = put_kind(out, kind);
  return at + snprintf(out + at, (size_t)(HEADER_MAX - at), "%zu\n", n);
}

void loom_share_draft(char path[LOOM_PATH_MAX], const loomShare* s, int worker, const char* place) {
  snprintf(path, LOOM_PATH_MAX, "%.*s.%016llx-%d", LOOM_PATH_MAX - 48, place, (unsigned long long)s->mark,
           worker);
}

int loom_share_put(const char* draft, const char* place, loomError* err) {
  return loom_file_move(draft, place, err);
}

int loom_share_write(const loomShare* s, int worker, const char* name, const loomShareKind* kind,
                     const void* bytes, size_t n, loomError* err) {
  char place[LOOM_PATH_MAX], draft[LOOM_PATH_MAX], header[HEADER_MAX];
  size_t head = (size_t)put_header(header, kind, n);
  uint64_t hash;
  char* all = malloc(head + n + sizeof hash);
  if (!all) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for results");

  memcpy(all, header, head);
  memcpy(all + head, bytes, n);
  hash = loom_hash(LOOM_HASH_SEED, all, head + n);
  memcpy(all + head + n, &hash, sizeof hash);

  file_path(place, s, name);
  loom_share_draft(draft, s, worker, place);
  int code = loom_file_write(draft, all, head + n + sizeof hash, err);
  if (!code) code = loom_share_put(draft, place, err);
  free(all);
  return code;
}

// NULL, or what is wrong with a file; then where its bytes begin, and how many there are.
static const char* open_seal(size_t* at, size_t* n, const char* file, size_t size,
                             const loomShareKind* kind) {
  char header[HEADER_MAX];
  size_t known = (size_t)put_kind(header, kind), name = strlen("demoloom ") + strlen(kind->name) + 1;
  uint64_t hash;

  // Of that kind, of this version, and as long as its first line says.
  if (size < known || memcmp(file, header, name) != 0) return "is not what such a run leaves";
  if (memcmp(file, header, known) != 0) return "was written by another version";
  *n = strtoull(file + known, NULL, 10);
  if (*n > size) return "is torn";
  *at = (size_t)put_header(header, kind, *n);
  if (size < *at || memcmp(file, header, *at) != 0) return "is not what such a run leaves";
  if (size != *at + *n + sizeof hash) return "is torn";

  memcpy(&hash, file + *at + *n, sizeof hash);
  return hash == loom_hash(LOOM_HASH_SEED, file, *at + *n) ? NULL : "is damaged";
}

int loom_share_read(char** bytes, size_t* n, const loomShare* s, const char* name, const loomShareKind* kind,
                    loomError* err) {
  enum { MOST = 1 << 28 };  // bytes
  char path[LOOM_PATH_MAX], *file;
  size_t size, at;

  // Not there yet, or no more.
  *bytes = NULL;
  file_path(path, s, name);
  if (access(path, F_OK)) return LOOM_OK;
  int code = loom_read_text(&file, &size, path, MOST, err);
  if (code) return code == LOOM_ERR_IO && access(path, F_OK) ? LOOM_OK : code;

  // One that cannot be used is told once, and goes.
  const char* wrong = open_seal(&at, n, file, size, kind);
  if (wrong) {
    loom_share_refuse(s, name, wrong);
    free(file);
    return LOOM_OK;
  }
  memmove(file, file + at, *n);
  *bytes = file;
  return LOOM_OK;
}

void loom_share_refuse(const loomShare* s, const char* name, const char* wrong) {
  char path[LOOM_PATH_MAX], what[160];
  file_path(path, s, name);
  snprintf(what, sizeof what, "%s: what it is of is made again", wrong);
  if (s->def.tell) s->def.tell(path, what);
  unlink(path);
}

// ---- all pieces

static void piece_name(char out[96], const loomShareRun* r, int i) {
  snprintf(out, 96, "%.64s-%08d", r->name, i);
}

// What others have made by now.
static int look_for_all(loomShareRun* r, loomError* err) {
  int code = LOOM_OK;
  r->missing = 0;
  for (int i = 0; !code && i < r->n; i++) {
    if (!r->known[i]) code = r->look(&r->known[i], r->user, i, err);
    r->missing += !r->known[i];
  }
  return code;
}

int loom_share_rounds(loomShareRun* r, int (*round)(void* user, loomError* err), loomError* err) {
  const double least = 0.01, most = 0.1, ask = 0.5;  // s
  double wait = least;
  r->known = calloc((size_t)r->n + 1, sizeof *r->known);
  if (!r->known) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d pieces of work", r->n);

  // Leases are asked for now and then: one that is there is somebody's, most likely.
  int code = look_for_all(r, err);
  while (!code && r->missing && !(r->stop && *r->stop)) {
    r->ask = loom_clock() - r->looked > ask;
    if (r->ask) r->looked = loom_clock();
    r->found = 0;
    code = round(r->user, err);
    int before = r->missing;
    if (!code) code = look_for_all(r, err);

    bool moved = r->found || r->missing < before;
    if (!moved) loom_sleep(wait);
    wait = moved ? least : fmin(2 * wait, most);
  }
  free(r->known);
  r->known = NULL;
  return code;
}

int loom_share_begin(bool* mine, loomShareRun* r, int worker, int i, loomError* err) {
  char name[96];
  *mine = false;
  piece_name(name, r, i);

  // Made already, or in somebody's hands.
  int code = r->known[i] ? LOOM_OK : r->look(&r->known[i], r->user, i, err);
  if (code || r->known[i] || (!r->ask && loom_share_seems_taken(r->share, name))) return code;
  code = loom_share_take(mine, r->share, worker, name, err);
  if (code || !*mine) return code;

  // Somebody may have finished it between the look and the lease.
  code = r->look(&r->known[i], r->user, i, err);
  if (!code && !r->known[i]) return LOOM_OK;
  *mine = false;
  loom_share_give(r->share, worker, !code);
  return code;
}

void loom_share_end(loomShareRun* r, int worker, int i, bool done) {
  r->known[i] = done;
  if (done) __atomic_add_fetch(&r->found, 1, __ATOMIC_RELAXED);
  loom_share_give(r->share, worker, done);
}

// ---- one

int loom_share_once(bool* made, loomShare* s, const loomShareOnce* once, loomError* err) {
  const double wait = 0.02;  // s
  int code = LOOM_OK;
  *made = false;

  while (!code && !*made && !once->is_done(once->user)) {
    bool taken;
    code = loom_share_take(&taken, s, once->worker, once->name, err);
    if (!code && taken) {
      // It may have been done between the look and the lease.
      if (!once->is_done(once->user)) {
        code = once->make(once->user, err);
        *made = !code;
      }
      loom_share_give(s, once->worker, !code);
    } else if (!code) {
      if (once->stop && *once->stop) break;
      loom_sleep(wait);
    }
  }
  return code;
}
