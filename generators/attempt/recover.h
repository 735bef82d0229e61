// Attempts that recover: at some moment one thing disturbs the attempt, a hand that is pushed, an object that
// is moved, a gripper that lets go. Once that has passed the attempt goes on from there (regain.h), and its
// demo begins there too: no row has what was done while the disturbance acted, and the actions that are kept
// are those of coming back. After PGDG's recovery from risky states, with disturbances in the words that
// `randomize:` has for them (engine/task/disturb_def.h).
//
// Which attempts recover, from what and when, is a function of the number of their start.
#ifndef LOOM_GENERATORS_ATTEMPT_RECOVER_H
#define LOOM_GENERATORS_ATTEMPT_RECOVER_H

#include "engine/base/api.h"
#include "engine/scene/scene.h"
#include "engine/task/disturb_def.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// The attribute of a demo that recovers: what was before its first row, as LOOM_DISTURB_ATTR has it.
#define LOOM_RECOVERED_ATTR "loom_recovered"

/// What attempts recover from: ways, of which one happens in each that does. Read-only: workers share it.
typedef struct loomRecover {
  double share;  // of the attempts
  loomName name;
  uint64_t digest;
  int count;                                    // ways
  loomDisturbTerm term[LOOM_DISTURB_TERM_MAX];  // (count)
  loomDisturbSet way[LOOM_DISTURB_TERM_MAX];    // (count) a term each
  bool grasps[LOOM_DISTURB_TERM_MAX];           // (count) it waits until the hand is about to grasp
} loomRecover;

/// set: terms that begin at some time and pass: `push` and `slip`, `place` and `yaw` with `at`. NULL: the
/// usual ones, a push of each hand and each hand letting go, at any time of the shortest source demo, a
/// lighter push of each hand that is about to grasp, and a shift and a turn of what lies about.
/// LOOM_ERR_FORMAT names the line of a term that is none of these;
/// LOOM_ERR_USAGE for a set that has none; the errors of loom_disturb_check.
int loom_recover_create(loomRecover** out, const loomScene* scene, const loomSourceSet* sources,
                        const loomDisturbSet* set, double share, loomError* err);
void loom_recover_destroy(loomRecover* recover);
/// A way in words, such as "push of robot0_right_hand".
void loom_recover_words(char* out, size_t n, const loomRecover* recover, int way);

LOOM_C_END

#endif
