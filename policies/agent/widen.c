#include "policies/agent/widen.h"

#include <stdlib.h>
#include <string.h>

/// An end on its way: which way it has moved so far (0 = not yet), and whether it stays now.
typedef struct endState {
  int way;
  bool stays;
} endState;

typedef struct widening {
  loomWidened* out;
  const loomScene* scene;
  const loomPolicyMaker* maker;
  const loomRolloutDef* def;
  loomDisturbTerm terms[LOOM_DISTURB_TERM_MAX];
  loomDisturbSet set;  // of these terms: the ranges as they are
  endState end[LOOM_DISTURB_TERM_MAX][2];
  loomDisturbPin* pins;  // (2 x ranges x episodes) of a round
} widening;

// Where each end of a round's episodes lies. Returns how many episodes there are.
static int pin_round(widening* w) {
  const loomAdr* adr = &w->out->adr;
  int n = 0;
  for (int r = 0; r < adr->count; r++) {
    for (int s = 0; s < 2; s++) {
      for (int i = 0; !w->end[r][s].stays && i < adr->def.episodes; i++)
        w->pins[n++] = (loomDisturbPin){adr->range[r].term, adr->range[r].end[s]};
    }
  }
  return n;
}

// An end stays once it has turned round, cannot move on, or does neither well nor badly.
static void settle(widening* w, int r, loomAdrEnd s, int asked, int moved) {
  endState* end = &w->end[r][s];
  bool turned = end->way && asked != end->way;
  end->stays = turned || !asked || !moved;
  if (moved) end->way = moved;
  if (asked > 0 && !moved) w->out->at_limit[r][s] = true;
  if (asked < 0 && !moved) w->out->hopeless[r][s] = true;
}

// What the episodes of a round say, in the order of their numbers.
static void note_round(widening* w, const loomRollout* rollout) {
  loomAdr* adr = &w->out->adr;
  for (int r = 0; r < adr->count; r++) {
    for (int s = 0; s < 2; s++) {
      int asked = 0, moved = 0;
      if (w->end[r][s].stays) continue;

      // An end that shrank until it succeeds does not try again what failed.
      double before = adr->range[r].end[s];
      for (int i = 0; i < adr->def.episodes; i++)
        moved = loom_adr_note(&asked, adr, r, (loomAdrEnd)s, (rollout++)->end == LOOM_RUN_SUCCESS);
      if (w->end[r][s].way < 0 && asked > 0) adr->range[r].end[s] = before;
      settle(w, r, (loomAdrEnd)s, asked, moved);
    }
  }
}

static int run_round(widening* w, int n, loomError* err) {
  loomRolloutReport report;
  loomRolloutDef def = *w->def;
  def.n = n;
  def.first = w->def->first + (uint64_t)w->out->episodes;
  def.disturb = &w->set;
  def.pins = w->pins;

  int code = loom_rollout(&report, w->scene, w->maker, &def, err);
  if (code) return code;
  note_round(w, report.rollout);
  loom_rollout_report_destroy(&report);

  loom_adr_apply(w->terms, &w->out->adr);
  w->out->episodes += n;
  w->out->rounds++;
  return 0;
}

int loom_widen(loomWidened* out, const loomScene* scene, const loomPolicyMaker* maker,
               const loomRolloutDef* def, const loomAdrDef* adr, loomError* err) {
  *out = (loomWidened){0};
  int code = loom_adr_begin(&out->adr, def->disturb, adr, err);
  widening* w = code ? NULL : calloc(1, sizeof *w);
  if (code) return code;
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");

  // The set's own ranges stay as they are.
  *w = (widening){.out = out, .scene = scene, .maker = maker, .def = def, .set = *def->disturb};
  memcpy(w->terms, def->disturb->terms, (size_t)def->disturb->count * sizeof *w->terms);
  w->set.terms = w->terms;
  w->pins = calloc(2 * (size_t)out->adr.count * (size_t)adr->episodes, sizeof *w->pins);
  if (!w->pins) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");

  for (int n; !code && (n = pin_round(w)) > 0;) code = run_round(w, n, err);
  free(w->pins);
  free(w);
  return code;
}
