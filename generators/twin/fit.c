#include "generators/twin/fit.h"

#include <stdlib.h>

#include "engine/base/pool.h"
#include "generators/twin/fit_work.h"

loomTwinFitDef loom_default_twin_fit_def(void) {
  return (loomTwinFitDef){
      .kinds = 1u << LOOM_FIT_MASS | 1u << LOOM_FIT_FRICTION, .seconds = 10, .around = 12, .starts = 12};
}

int loom_twin_fit(loomTwinFit* out, const loomScene* scene, const loomTwinFitDef* def, loomError* err) {
  loomFitWork* w = calloc(1, sizeof *w);
  *out = (loomTwinFit){0};
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
  w->def = def;
  w->scene = scene;
  w->out = out;
  w->workers = loom_pool_workers(def->threads, 0);
  w->episode = calloc((size_t)w->workers, sizeof(loomEpisode*));
  int code = w->episode ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");

  if (!code) code = loom_fit_parameters(w, err);
  if (!code) code = loom_episode_create(&w->episode[0], scene, err);
  if (!code) code = loom_fit_read(w, err);
  if (!code) code = loom_fit_starts(w, err);
  if (!code) code = loom_fit_solve(w, err);

  for (int i = 0; w->episode && i < w->workers; i++) loom_episode_destroy(w->episode[i]);
  for (int s = 0; s < w->ndemo; s++) {
    free(w->demo[s].action);
    free(w->demo[s].seen);
    free(w->demo[s].start);
  }
  free(w->episode);
  free(w);
  return code;
}
