#include "generators/run/made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "generators/attempt/tries.h"

// ---- what came of a start, as bytes: costs, then attempts

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

// Another one where the bytes of one layout do not fit the other.
static loomShareKind kind_of(const loomMade* m) {
  uint64_t layout[] = {loom_columns_digest(cost_columns()), loom_columns_digest(m->columns)};
  return (loomShareKind){"start", loom_hash(LOOM_HASH_SEED, layout, sizeof layout)};
}

static char* pack(size_t* size, const loomMade* m, const loomStartResult* r) {
  size_t costs = loom_columns_packed(cost_columns()), record = loom_columns_packed(m->columns);
  *size = costs + (size_t)r->n * record;

  char* bytes = malloc(*size);
  if (!bytes) return NULL;
  loom_columns_pack(bytes, cost_columns(), r);
  for (int i = 0; i < r->n; i++)
    loom_columns_pack(bytes + costs + (size_t)i * record, m->columns, &r->attempt[i]);
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

// False: it is another start's, or none.
static bool unpack(loomStartResult* out, const loomMade* m, const char* bytes, size_t size, uint64_t number) {
  size_t costs = loom_columns_packed(cost_columns()), record = loom_columns_packed(m->columns);
  size_t n = size < costs ? 0 : (size - costs) / record;
  if (n < 1 || n > (size_t)loom_attempt_tries(m->attempt) || size != costs + n * record) return false;

  loom_columns_unpack(out, cost_columns(), bytes);
  for (size_t i = 0; i < n; i++) {
    memset(&out->attempt[i], 0, sizeof *out->attempt);
    loom_columns_unpack(&out->attempt[i], m->columns, bytes + costs + i * record);
  }
  out->n = (int)n;
  return is_of_start(out, m->attempt, number);
}

// ---- files

void loom_made_name(char out[32], uint64_t start) {
  snprintf(out, 32, LOOM_MADE_FILES "%08llu", (unsigned long long)start);
}

// Tries before that one are known already.
static void drop_before(loomStartResult* r, uint64_t number) {
  int before = 0;
  while (r->attempt[before].attempt < number) before++;
  r->n -= before;
  memmove(r->attempt, r->attempt + before, sizeof *r->attempt * (size_t)r->n);
}

int loom_made_read(loomStartResult* out, const loomMade* m, uint64_t number, loomError* err) {
  const loomShareKind kind = kind_of(m);
  char name[32], *bytes;
  size_t size;

  out->n = 0;
  loom_made_name(name, loom_attempt_start(m->attempt, number));
  int code = loom_share_read(&bytes, &size, m->share, name, &kind, err);
  if (code || !bytes) return code;

  bool ours = unpack(out, m, bytes, size, number);
  free(bytes);
  if (ours) {
    drop_before(out, number);
    return LOOM_OK;
  }
  out->n = 0;
  loom_share_refuse(m->share, name, "is another start's");
  return LOOM_OK;
}

int loom_made_write(const loomMade* m, int worker, const loomStartResult* r, loomError* err) {
  const loomShareKind kind = kind_of(m);
  char name[32];
  size_t size;
  char* bytes = pack(&size, m, r);
  if (!bytes) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for results");

  loom_made_name(name, loom_attempt_start(m->attempt, r->attempt[0].attempt));
  int code = loom_share_write(m->share, worker, name, &kind, bytes, size, err);
  free(bytes);
  return code;
}
