#include "engine/run/adr.h"

#include <math.h>

#include "engine/base/random.h"

loomAdrDef loom_default_adr_def(void) {
  return (loomAdrDef){.episodes = 20, .widen = 0.7, .narrow = 0.3, .steps = 20};
}

int loom_adr_begin(loomAdr* out, const loomDisturbSet* set, const loomAdrDef* def, loomError* err) {
  *out = (loomAdr){.def = *def};
  if (def->episodes < 1 || def->steps < 1 || !(def->narrow <= def->widen))
    return loom_error_set(err, LOOM_ERR_USAGE, "ranges that grow and shrink at once, or without episodes");

  for (int i = 0; i < set->count; i++) {
    const loomDisturbTerm* t = &set->terms[i];
    if (!t->limited) continue;
    out->range[out->count++] =
        (loomAdrRange){.term = i,
                       .end = {t->range[0], t->range[1]},
                       .limits = {t->limits[0], t->limits[1]},
                       .log = t->log,
                       .whole = (loom_disturb_kinds[t->kind].bits & LOOM_DISTURB_WHOLE) != 0};
  }

  return out->count ? 0
                    : loom_error_set(err, LOOM_ERR_FORMAT,
                                     "%s: no term of '%s' has `limits`: how far may its range be widened?",
                                     set->label, set->name);
}

void loom_adr_choose(int* range, loomAdrEnd* end, const loomAdr* adr, uint64_t seed, uint64_t number) {
  loomRandom random = loom_random(seed, number, LOOM_PURPOSE_ADR);
  int i = loom_random_index(&random, 2 * adr->count);
  *range = i / 2;
  *end = (loomAdrEnd)(i % 2);
}

bool loom_adr_try(int* range, loomAdrEnd* end, const loomAdr* adr, uint64_t seed, uint64_t number) {
  loomRandom random = loom_random(seed, number, LOOM_PURPOSE_ADR);
  loom_adr_choose(range, end, adr, seed, number);

  // Past what the choice takes.
  random.draw = 16;
  return loom_random_uniform(&random) < 0.5;
}

// A step from x, upwards or downwards.
static double stepped(double x, const loomAdrRange* r, int steps, double sign) {
  if (r->log) return x * exp(sign * log(r->limits[1] / r->limits[0]) / steps);

  double step = (r->limits[1] - r->limits[0]) / steps;
  return x + sign * (r->whole ? fmax(1, floor(step + 0.5)) : step);
}

// Outwards up to the limit, inwards up to the other end.
static bool move_end(loomAdrRange* r, loomAdrEnd end, int steps, int outwards) {
  double sign = end == LOOM_ADR_HIGH ? outwards : -outwards;
  double x = stepped(r->end[end], r, steps, sign);
  double low = end == LOOM_ADR_HIGH ? r->end[0] : r->limits[0];
  double high = end == LOOM_ADR_HIGH ? r->limits[1] : r->end[1];
  x = fmin(fmax(x, low), high);

  bool moved = x != r->end[end];
  r->end[end] = x;
  return moved;
}

int loom_adr_note(int* asked, loomAdr* adr, int range, loomAdrEnd end, bool success) {
  loomAdrRange* r = &adr->range[range];
  const loomAdrDef* def = &adr->def;
  if (asked) *asked = -2;
  r->won[end] += success;
  if (++r->seen[end] < def->episodes) return 0;

  // The buffer is full: it decides, and is emptied.
  double share = (double)r->won[end] / r->seen[end];
  int way = share >= def->widen ? 1 : share < def->narrow ? -1 : 0;
  r->seen[end] = r->won[end] = 0;
  if (asked) *asked = way;
  return way && move_end(r, end, def->steps, way) ? way : 0;
}

// As far as steps are even: of logarithms, or of values.
static double span(const loomAdrRange* r, const double end[2]) {
  return r->log ? log(end[1] / end[0]) : end[1] - end[0];
}

double loom_adr_width(const loomAdr* adr) {
  double sum = 0;
  for (int i = 0; i < adr->count; i++) {
    double most = span(&adr->range[i], adr->range[i].limits);
    sum += most > 0 ? span(&adr->range[i], adr->range[i].end) / most : 1;
  }
  return sum / adr->count;
}

void loom_adr_apply(loomDisturbTerm* terms, const loomAdr* adr) {
  for (int i = 0; i < adr->count; i++) {
    const loomAdrRange* r = &adr->range[i];
    terms[r->term].range[0] = r->end[0];
    terms[r->term].range[1] = r->end[1];
  }
}
