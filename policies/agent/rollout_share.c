#include "policies/agent/rollout_share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/columns.h"
#include "engine/base/pool.h"

int loom_rollout_holders(int threads) {
  return LOOM_ROLLOUT_LANES * loom_pool_workers(threads, 0);
}

#define KEPT(type, member) LOOM_COLUMN(loomRollout, type, member)
static const loomColumn columns[] = {
    KEPT(U64, number),         KEPT(U64, start),        KEPT(I32, end),           KEPT(I32, steps),
    KEPT(I32, first_success),  KEPT(I32, breach.limit), KEPT(I32, breach.step),   KEPT(F64, breach.value),
    KEPT(TEXT, breach.reason), KEPT(F64, jerk),         KEPT(I64, physics_steps), KEPT(TEXT, message),
};

static const loomColumns* kept_columns(void) {
  static const loomColumns all = {"episode", sizeof(loomRollout), sizeof columns / sizeof *columns, columns};
  return &all;
}

static loomShareKind kind(void) {
  return (loomShareKind){"episode", loom_columns_digest(kept_columns())};
}

static void piece_name(char out[96], const loomRolloutShare* s, int i) {
  snprintf(out, 96, "%.64s-%08d", s->name, i);
}

int loom_rollout_write_piece(const loomRolloutPiece* p, const loomRolloutShare* s, int holder, int i,
                             loomError* err) {
  const loomShareKind of = kind();
  size_t packed = loom_columns_packed(kept_columns()), size = 0;
  char name[96], *record = malloc(packed), *bytes = NULL;
  FILE* to = record ? open_memstream(&bytes, &size) : NULL;

  // Its result, how long it took to decide, and what else there is.
  if (to) {
    loom_columns_pack(record, kept_columns(), p->rollout);
    fwrite(record, 1, packed, to);
    fwrite(p->decisions, sizeof *p->decisions, 1, to);
    fwrite(p->taken, sizeof *p->taken, (size_t)*p->decisions, to);
    if (s->put) s->put(to, s->user, p->rollout);
  }

  bool whole = to && !fclose(to);
  piece_name(name, s, i);
  int code = whole ? loom_share_write(s->share, holder, name, &of, bytes, size, err)
                   : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an episode's result");
  free(record);
  free(bytes);
  return code;
}

// False: it is none of these episodes.
static bool unpack(const loomRolloutPiece* p, const loomRolloutShare* s, const char* bytes, size_t n) {
  size_t packed = loom_columns_packed(kept_columns()), at = packed + sizeof *p->decisions;
  loomRollout r = {0};
  int decisions;
  if (n < at) return false;

  loom_columns_unpack(&r, kept_columns(), bytes);
  memcpy(&decisions, bytes + packed, sizeof decisions);
  size_t taken = decisions < 0 ? n : (size_t)decisions * sizeof *p->taken;
  bool ours = r.number == p->rollout->number && r.start == p->rollout->start && r.end >= 0 &&
              r.end < LOOM_RUN_ENDS && r.breach.limit >= 0 && r.breach.limit < LOOM_LIMITS;
  if (!ours || decisions < 0 || decisions > p->max_steps || n - at < taken) return false;

  r.within_limits = r.end == LOOM_RUN_SUCCESS && r.breach.limit == LOOM_LIMIT_NONE;
  if (s->take && s->take(s->user, &r, bytes + at + taken, n - at - taken)) return false;
  *p->rollout = r;
  *p->decisions = decisions;
  memcpy(p->taken, bytes + at, taken);
  return true;
}

int loom_rollout_read_piece(bool* known, const loomRolloutPiece* p, const loomRolloutShare* s, int i,
                            loomError* err) {
  const loomShareKind of = kind();
  char name[96], *bytes;
  size_t n;

  *known = false;
  piece_name(name, s, i);
  int code = loom_share_read(&bytes, &n, s->share, name, &of, err);
  if (code || !bytes) return code;

  *known = unpack(p, s, bytes, n);
  free(bytes);
  if (!*known) loom_share_refuse(s->share, name, "is another episode's");
  return LOOM_OK;
}
