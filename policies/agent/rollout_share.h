// Rollouts that several processes share (engine/base/share.h): an episode is a piece, whoever holds its lease
// runs it, and leaves what came of it in a file of its own. An episode is a pure function of its number, so
// all of them come to the same report, but for what it says of the clock. Internal.
#ifndef LOOM_POLICIES_AGENT_ROLLOUT_SHARE_H
#define LOOM_POLICIES_AGENT_ROLLOUT_SHARE_H

#include "engine/base/share.h"
#include "policies/agent/rollout.h"

#define LOOM_ROLLOUT_PIECES "episode-"    // and something, and a number
#define LOOM_ROLLOUT_PATTERN "episode-*"  // of these, and of leases on them

enum { LOOM_ROLLOUT_LANES = 4 };  // episodes that a thread has in hand, at most

struct loomRolloutShare {
  loomShare* share;   // with room for loom_rollout_holders leases
  const char* name;   // of its pieces, LOOM_ROLLOUT_PIECES and something of its own
  int shard, shards;  // shards > 0: only episodes shard, shard + shards, ...; there is no report
  const volatile sig_atomic_t* stop;  // while others are waited for; may be NULL

  /// What an episode has left beside its result, once `done` has been called for it; and the same of one that
  /// was run elsewhere (or here, earlier), which `done` is not called for: 0, or it is none of ours. `take`
  /// may be called by several threads at once, for different episodes. Both may be NULL.
  void (*put)(FILE* to, void* user, const loomRollout* rollout);
  int (*take)(void* user, const loomRollout* rollout, const char* bytes, size_t n);
  /// What the episodes are for is there already: they are needed no more, and the report is of no use. May be
  /// NULL.
  bool (*is_over)(void* user);
  void* user;
};

/// Leases that rollouts on so many threads (0: as many as cores) hold at a time, at most.
int loom_rollout_holders(int threads);

/// What came of an episode: its result, seconds of each decision, and the bytes that `put` gave.
typedef struct loomRolloutPiece {
  loomRollout* rollout;
  float* taken;    // (max_steps)
  int* decisions;  // of them filled
  int max_steps;
} loomRolloutPiece;

int loom_rollout_write_piece(const loomRolloutPiece* piece, const loomRolloutShare* share, int holder, int i,
                             loomError* err);
/// *known: it is there, and was read.
int loom_rollout_read_piece(bool* known, const loomRolloutPiece* piece, const loomRolloutShare* share, int i,
                            loomError* err);

#endif
