// Disturbances as data: named sets of terms, each with the range that its values are drawn from.
// `randomize:` of a task has such sets, and a file of one's own is one. engine/sim/disturb.h makes an
// episode of them.
#ifndef LOOM_ENGINE_TASK_DISTURB_DEF_H
#define LOOM_ENGINE_TASK_DISTURB_DEF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/task/disturb_terms.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

struct loomTask;

/// What a term has a value for each of, unless `of` names one.
typedef enum loomDisturbTargets {
  LOOM_DISTURB_NOTHING,  // one value
  LOOM_DISTURB_OBJECTS,  // the task's objects
  LOOM_DISTURB_BODIES,   // the model's bodies, then its contact pairs
  LOOM_DISTURB_JOINTS,   // degrees of freedom
  LOOM_DISTURB_ARMS,
  LOOM_DISTURB_BODY,     // `of` must name one of the model's
  LOOM_DISTURB_KEYS,     // one value, for all keys of an observation
  LOOM_DISTURB_LIGHTS,   // the model's lights, then the headlight
  LOOM_DISTURB_PAINTED,  // the model's bodies
  LOOM_DISTURB_CAMERAS,  // the model's
} loomDisturbTargets;

/// What terms do.
enum {
  LOOM_DISTURB_EDITS = 1,     // change the model
  LOOM_DISTURB_MOVES = 2,     // move objects
  LOOM_DISTURB_AT_START = 4,  // only there
  LOOM_DISTURB_LASTS = 8,     // must begin at some time, and end
  LOOM_DISTURB_WHOLE = 16,    // whole numbers
  LOOM_DISTURB_PLANAR = 32,   // two numbers each, x and y
  LOOM_DISTURB_SPATIAL = 64,  // three, x, y and z or red, green and blue
  LOOM_DISTURB_SEEN = 128,    // change the models that are drawn (engine/sim/looks.h)
  LOOM_DISTURB_LOOKS = LOOM_DISTURB_SEEN | LOOM_DISTURB_AT_START,
  LOOM_DISTURB_PAST = 256,  // what is seen now hangs on earlier control steps
};

#define LOOM_DISTURB_NUMBER(kind, ...) LOOM_DISTURB_##kind,
typedef enum loomDisturbKind { LOOM_DISTURB_TERMS(LOOM_DISTURB_NUMBER) LOOM_DISTURB_COUNT } loomDisturbKind;
#undef LOOM_DISTURB_NUMBER

typedef struct loomDisturbKindDef {
  const char* key;
  loomDisturbTargets targets;
  double least, most;  // of its values
  unsigned bits;
} loomDisturbKindDef;

extern const loomDisturbKindDef loom_disturb_kinds[LOOM_DISTURB_COUNT];

enum { LOOM_DISTURB_TERM_MAX = 32 };  // of a set

typedef struct loomDisturbTerm {
  loomDisturbKind kind;
  int line;             // of its file
  loomName of;          // "" = all there are
  double range[2];      // that values are drawn from, uniformly
  bool log;             // or their logarithms
  bool timed;           // it begins in the course of the episode,
  double at[2];         // s after its start,
  bool ends;            // and ends
  double last[2];       // s later
  bool directed;        // PUSH: along
  double direction[3];  // a unit vector, world frame
  bool limited;
  double limits[2];  // that the range never passes when it is made larger (engine/run/adr.h)
} loomDisturbTerm;

typedef struct loomDisturbSet {
  loomName name;
  const char* label;  // the file it is from
  uint64_t digest;    // of its terms; not of where they stand
  int count;
  loomDisturbTerm* terms;  // (count)
} loomDisturbSet;

/// A set of the task by its name, or else one that is a file of its own. It lies in the task's heap.
/// LOOM_ERR_USAGE names the sets that there are; LOOM_ERR_FORMAT is "FILE:LINE: ...".
int loom_disturb_find(const loomDisturbSet** out, struct loomTask* task, const char* name, loomError* err);

/// The same of what episodes and demos look like: lights, colors, textures, cameras, `hide` and
/// `distractors`.
/// LOOM_ERR_FORMAT "FILE:LINE: ..." also for a set that changes more.
int loom_context_find(const loomDisturbSet** out, struct loomTask* task, const char* name, loomError* err);

/// Of a set's terms. Internal.
uint64_t loom_disturb_digest(const loomDisturbSet* set);

/// The terms as YAML, a line each; read again they are the same, to ten digits.
void loom_disturb_write(FILE* out, const loomDisturbSet* set);

/// Numbers that a term has for each of its targets.
int loom_disturb_width(loomDisturbKind kind);
/// Kind by its key, or LOOM_DISTURB_COUNT.
loomDisturbKind loom_disturb_kind(const char* key);

LOOM_C_END

#endif
