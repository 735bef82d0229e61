// Automatic domain randomization (OpenAI, "Solving Rubik's Cube with a Robot Hand", 2019, section 5):
// ranges that grow at the ends where episodes succeed and shrink where they fail. An episode is run with
// one value at an end of its range, and tells how that end does; after enough of them the end moves by a
// step. A plain struct: copying it is a checkpoint, and the same episodes in the same order give the same
// ranges.
#ifndef LOOM_ENGINE_RUN_ADR_H
#define LOOM_ENGINE_RUN_ADR_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/task/disturb_def.h"

LOOM_C_BEGIN

typedef enum loomAdrEnd { LOOM_ADR_LOW, LOOM_ADR_HIGH } loomAdrEnd;

typedef struct loomAdrDef {
  int episodes;   // at an end before it may move; default 20
  double widen;   // share of successes from which on it moves outwards; default 0.7
  double narrow;  // and under which inwards; default 0.3
  int steps;      // from limit to limit; default 20
} loomAdrDef;

loomAdrDef loom_default_adr_def(void);

/// A range of values, low .. high, within limits.
typedef struct loomAdrRange {
  int term;  // of the set
  double end[2];
  double limits[2];
  bool log;             // steps are of logarithms
  bool whole;           // steps are whole numbers
  int seen[2], won[2];  // episodes at each end since it moved, and successes among them
} loomAdrRange;

typedef struct loomAdr {
  loomAdrDef def;
  int count;
  loomAdrRange range[LOOM_DISTURB_TERM_MAX];  // (count)
} loomAdr;

/// The terms of a set that have limits, with their ranges as they are. LOOM_ERR_FORMAT, with the set's file:
/// none has; LOOM_ERR_USAGE: a def that moves nothing or both ways at once.
int loom_adr_begin(loomAdr* out, const loomDisturbSet* set, const loomAdrDef* def, loomError* err);
/// Which end an episode tries: a function of seed and number.
void loom_adr_choose(int* range, loomAdrEnd* end, const loomAdr* adr, uint64_t seed, uint64_t number);
/// The same, or false where the episode draws all its values from the ranges: every second one, likewise.
bool loom_adr_try(int* range, loomAdrEnd* end, const loomAdr* adr, uint64_t seed, uint64_t number);
/// An episode at an end has succeeded or not. Returns where the end has moved: 1 outwards, -1 inwards, 0
/// not at all. *asked (nullable) is where it was to move, though a limit or the other end was in the way;
/// -2 = too few episodes yet.
int loom_adr_note(int* asked, loomAdr* adr, int range, loomAdrEnd end, bool success);
/// How much of what the limits leave the ranges take, 0 to 1: their mean.
double loom_adr_width(const loomAdr* adr);
/// The ranges into the set's terms (the caller's copy), from which other episodes draw.
void loom_adr_apply(loomDisturbTerm* terms, const loomAdr* adr);

LOOM_C_END

#endif
