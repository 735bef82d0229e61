#include "engine/observe/blur.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"

// Draws of a control step: two for each number's noise, and before them that of its dropout.
enum { DRAWS_A_STEP = 1 << 14 };

static int check_keys(const loomObsKey* key, int n, const loomDisturbSet* set, loomError* err) {
  for (int i = 0; i < set->count; i++) {
    const loomDisturbTerm* t = &set->terms[i];
    bool known = t->kind != LOOM_DISTURB_OBSERVATION_NOISE || !t->of[0];
    for (int k = 0; !known && k < n; k++) known = key[k].offset >= 0 && !strcmp(key[k].name, t->of);
    if (!known)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key 'of': the policy sees no numbers of '%s'",
                            set->label, t->line, t->of);
  }
  return 0;
}

int loom_blur_begin(loomBlur* b, const loomObsKey* key, int n, int dim, const loomEpisode* e,
                    loomError* err) {
  b->steps = -1;
  int code = check_keys(key, n, e->disturbance->set, err);
  if (code || b->rows) return code;

  b->dim = dim;
  b->rows = calloc((size_t)LOOM_DISTURB_LATE * (size_t)dim + 1, sizeof *b->rows);
  b->shown = calloc((size_t)dim + 1, sizeof *b->shown);
  return b->rows && b->shown ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
}

void loom_blur_destroy(loomBlur* b) {
  free(b->rows);
  free(b->shown);
}

static void add_noise(double* row, const loomObsKey* key, int n, const loomEpisode* e, loomRandom* random) {
  for (int k = 0; k < n; k++) {
    if (key[k].offset < 0) continue;
    double noise = loom_disturb_now(e, LOOM_DISTURB_OBSERVATION_NOISE, key[k].name);

    // Keys without noise take their draws too, so that the others' do not hang on them.
    for (int i = 0; i < key[k].dim; i++) row[key[k].offset + i] += noise * loom_random_normal(random);
  }
}

void loom_blur_see(double* row, loomBlur* b, const loomObsKey* key, int n, const loomEpisode* e) {
  const loomDisturbance* d = e->disturbance;
  size_t bytes = sizeof *row * (size_t)b->dim;
  if (!b->rows || d->recorded) return;

  // A second look at the same control step shows the same.
  if (b->steps == e->steps) {
    memcpy(row, b->shown, bytes);
    return;
  }

  bool first = b->steps < 0;
  b->steps = e->steps;
  memcpy(b->rows + (size_t)(e->steps % LOOM_DISTURB_LATE) * (size_t)b->dim, row, bytes);

  // Nothing comes before the start.
  int late = (int)loom_disturb_now(e, LOOM_DISTURB_OBSERVATION_DELAY, "");
  int from = e->steps > late ? e->steps - late : 0;
  memcpy(row, b->rows + (size_t)(from % LOOM_DISTURB_LATE) * (size_t)b->dim, bytes);

  loomRandom random = loom_random(d->seed, d->number, LOOM_PURPOSE_BLUR);
  random.draw = (uint32_t)e->steps * DRAWS_A_STEP;
  double luck = loom_random_uniform(&random);
  bool lost = !first && luck < loom_disturb_now(e, LOOM_DISTURB_OBSERVATION_DROPOUT, "");

  if (lost) {
    memcpy(row, b->shown, bytes);
    return;
  }
  add_noise(row, key, n, e, &random);
  memcpy(b->shown, row, bytes);
}
