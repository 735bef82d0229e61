#include "generators/run/share.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/keeper.h"
#include "engine/data/dataset.h"
#include "generators/attempt/tries.h"

struct loomShare {
  loomShareDef def;
  loomKeeper* keeper;  // NULL where nobody else is at work
  uint64_t mark;       // of this process, in names of files on their way
};

// ---- what came of a start, as bytes: a line of text, costs, attempts, and a hash of all that

enum { HEADER_MAX = 64 };

#define COST(member) \
  { #member, LOOM_COLUMN_F64, offsetof(loomStartResult, member), sizeof(double) }
static const loomColumn cost_column[] = {COST(cpu_seconds),   COST(times.physics), COST(times.control),
                                         COST(times.observe), COST(times.plan),    COST(times.write),
                                         COST(times.reset)};

static const loomColumns* cost_columns(void) {
  static const loomColumns columns = {"costs", sizeof(loomStartResult),
                                      sizeof cost_column / sizeof *cost_column, cost_column};
  return &columns;
}

static int put_header(char out[HEADER_MAX], const loomShare* s, int n) {
  return snprintf(out, HEADER_MAX, "demoloom start %016llx %d\n",
                  (unsigned long long)loom_columns_digest(s->def.columns), n);
}

static char* pack(size_t* size, const loomShare* s, const loomStartResult* r) {
  char header[HEADER_MAX];
  size_t head = (size_t)put_header(header, s, r->n), costs = loom_columns_packed(cost_columns());
  size_t record = loom_columns_packed(s->def.columns);
  size_t content = head + costs + (size_t)r->n * record;

  char* bytes = malloc(content + sizeof(uint64_t));
  if (!bytes) return NULL;
  memcpy(bytes, header, head);
  loom_columns_pack(bytes + head, cost_columns(), r);
  for (int i = 0; i < r->n; i++)
    loom_columns_pack(bytes + head + costs + (size_t)i * record, s->def.columns, &r->attempt[i]);

  uint64_t hash = loom_hash(LOOM_HASH_SEED, bytes, content);
  memcpy(bytes + content, &hash, sizeof hash);
  *size = content + sizeof hash;
  return bytes;
}

// The tries at a start from `number` on: all that failed, then one that did not, or there are no more.
static bool is_of_start(const loomStartResult* r, const loomAttemptDef* def, uint64_t number) {
  if (!r->n || r->attempt[0].attempt > number || r->attempt[r->n - 1].attempt < number) return false;

  for (int i = 1; i < r->n; i++)
    if (r->attempt[i].attempt != loom_attempt_next(def, &r->attempt[i - 1])) return false;

  uint64_t start = loom_attempt_start(def, number);
  return loom_attempt_start(def, r->attempt[0].attempt) == start &&
         loom_attempt_start(def, loom_attempt_next(def, &r->attempt[r->n - 1])) == start + 1;
}

// NULL, or what is wrong with it.
static const char* unpack(loomStartResult* out, const loomShare* s, const char* bytes, size_t size,
                          uint64_t number) {
  static const char begins[] = "demoloom start ";
  char header[HEADER_MAX];
  size_t costs = loom_columns_packed(cost_columns()), record = loom_columns_packed(s->def.columns);
  size_t before = sizeof begins - 1 + 16;  // a digest
  uint64_t hash;

  // As long as its first line says, and that of this version.
  bool ours = size > before && !strncmp(bytes, begins, sizeof begins - 1);
  long n = ours ? strtol(bytes + before, NULL, 10) : 0;
  if (n < 1 || n > loom_attempt_tries(s->def.attempt)) return "is not what a start leaves";
  size_t head = (size_t)put_header(header, s, (int)n), content = head + costs + (size_t)n * record;
  if (size < head || memcmp(bytes, header, head) != 0) return "was written by another version";
  if (size != content + sizeof hash) return "is torn";
  memcpy(&hash, bytes + content, sizeof hash);
  if (hash != loom_hash(LOOM_HASH_SEED, bytes, content)) return "is damaged";

  loom_columns_unpack(out, cost_columns(), bytes + head);
  for (int i = 0; i < n; i++) {
    memset(&out->attempt[i], 0, sizeof *out->attempt);
    loom_columns_unpack(&out->attempt[i], s->def.columns, bytes + head + costs + (size_t)i * record);
  }
  out->n = (int)n;
  return is_of_start(out, s->def.attempt, number) ? NULL : "is another start's";
}

// ---- files

static void start_path(char out[LOOM_PATH_MAX], const loomShare* s, uint64_t start) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/" LOOM_SHARE_RESULTS "%08llu", LOOM_PATH_MAX - 64, s->def.folder,
           (unsigned long long)start);
}

static void start_name(char out[32], uint64_t start) {
  snprintf(out, 32, LOOM_SHARE_RESULTS "%08llu", (unsigned long long)start);
}

bool loom_share_left(const char* folder) {
  DIR* dir = opendir(folder);
  bool left = false;
  if (!dir) return false;

  for (struct dirent* entry; !left && (entry = readdir(dir));)
    left = !strncmp(entry->d_name, LOOM_SHARE_RESULTS, sizeof LOOM_SHARE_RESULTS - 1);
  closedir(dir);
  return left;
}

// Tries before that one are known already.
static void drop_before(loomStartResult* r, uint64_t number) {
  int before = 0;
  while (r->attempt[before].attempt < number) before++;
  r->n -= before;
  memmove(r->attempt, r->attempt + before, sizeof *r->attempt * (size_t)r->n);
}

int loom_share_read(loomStartResult* out, const loomShare* s, uint64_t number, loomError* err) {
  enum { MOST = 1 << 26 };  // bytes
  char path[LOOM_PATH_MAX], what[160], *bytes;
  size_t size;

  // Not there yet, or no more.
  out->n = 0;
  start_path(path, s, loom_attempt_start(s->def.attempt, number));
  if (access(path, F_OK)) return LOOM_OK;
  int code = loom_read_text(&bytes, &size, path, MOST, err);
  if (code) return code == LOOM_ERR_IO && access(path, F_OK) ? LOOM_OK : code;

  // One that cannot be used is told once, and goes.
  const char* wrong = unpack(out, s, bytes, size, number);
  free(bytes);
  if (!wrong) {
    drop_before(out, number);
    return LOOM_OK;
  }
  out->n = 0;
  snprintf(what, sizeof what, "%s: its attempts are made again", wrong);
  loom_dataset_tell(path, what);
  unlink(path);
  return LOOM_OK;
}

void loom_share_draft(char path[LOOM_PATH_MAX], const loomShare* s, int worker, const char* place) {
  snprintf(path, LOOM_PATH_MAX, "%.*s.%016llx-%d", LOOM_PATH_MAX - 48, place, (unsigned long long)s->mark,
           worker);
}

int loom_share_put(const char* draft, const char* place, loomError* err) {
  return loom_file_move(draft, place, err);
}

int loom_share_write(const loomShare* s, int worker, const loomStartResult* r, loomError* err) {
  char place[LOOM_PATH_MAX], draft[LOOM_PATH_MAX];
  size_t size;
  char* bytes = pack(&size, s, r);
  if (!bytes) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for results");

  start_path(place, s, loom_attempt_start(s->def.attempt, r->attempt[0].attempt));
  loom_share_draft(draft, s, worker, place);
  int code = loom_file_write(draft, bytes, size, err);
  if (!code) code = loom_share_put(draft, place, err);
  free(bytes);
  return code;
}

// ---- leases

int loom_share_open(loomShare** out, const loomShareDef* def, loomError* err) {
  char leases[LOOM_PATH_MAX];
  *out = NULL;
  loomShare* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a shared run");

  s->def = *def;
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

bool loom_share_seems_taken(const loomShare* s, uint64_t start) {
  char name[32];
  start_name(name, start);
  return s->keeper && loom_keeper_seems_taken(s->keeper, name);
}

static int take(bool* taken, loomShare* s, int worker, const char* name, loomError* err) {
  loomLeaseTaken how = LOOM_LEASE_NEW;
  int code = s->keeper ? loom_keeper_take(s->keeper, &how, worker, name, err) : LOOM_OK;
  *taken = !code && how != LOOM_LEASE_NOT;
  return code;
}

int loom_share_take(bool* taken, loomShare* s, int worker, uint64_t start, loomError* err) {
  char name[32];
  start_name(name, start);
  return take(taken, s, worker, name, err);
}

void loom_share_give(loomShare* s, int worker, bool done) {
  if (s->keeper) loom_keeper_give(s->keeper, worker, done);
}

int loom_share_take_end(bool* taken, loomShare* s, loomError* err) {
  return take(taken, s, 0, LOOM_SHARE_END, err);
}
