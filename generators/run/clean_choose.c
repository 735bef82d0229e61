#include "generators/run/clean_choose.h"

#include <stdlib.h>

#include "generators/run/screen.h"

int loom_clean_choose(int* best, loomScreening* screening, const loomScene* scene, const loomSourceSet* set,
                      const loomReplay* recorded, const loomCleaned* cleaned, const loomGenerateDef* def,
                      loomError* err) {
  *best = -1;
  *screening = (loomScreening){0};
  if (!cleaned->n) return 0;

  // The recorded demo and its tries as if they were the sources of a run.
  loomSourceSet tries = *set;
  tries.n = 1 + cleaned->n;
  tries.replay = calloc((size_t)tries.n, sizeof *tries.replay);
  if (!tries.replay) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d tries", tries.n);
  tries.replay[0] = *recorded;
  for (int i = 0; i < cleaned->n; i++) tries.replay[1 + i] = cleaned->made[i].replay;

  loomGenerateDef screen = *def;
  screen.best_sources = 1;
  int code = loom_screen_sources(screening, scene, &tries, &screen, err);
  if (!code && !screening->stopped) *best = screening->kept[0] - 1;
  free(tries.replay);
  return code;
}
