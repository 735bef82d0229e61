#include "tools/render/render_looks.h"

#include "engine/sim/disturb.h"
#include "generators/source/replay.h"
#include "tools/render/render_run.h"

int render_looks_open(renderLooks* looks, const loomTask* task, const loomDataset* dataset,
                      const loomDemo* demo, const loomAssetRoots* roots, loomError* err) {
  loom_episode_destroy(looks->episode);
  looks->episode = NULL;
  if (!demo->disturb) return 0;

  // What was drawn is told by names and numbers of the scene.
  int code = loom_replay_open(&looks->scene, &looks->episode, task, dataset, demo, roots, err);
  return code ? code : loom_demo_start(looks->episode, demo, err);
}

void render_looks_close(renderLooks* looks) {
  loom_episode_destroy(looks->episode);
  loom_scene_destroy(looks->scene);
  *looks = (renderLooks){0};
}

// ---- contexts

int render_looks_context(renderLooks* looks, const loomTask* task, const loomDataset* dataset,
                         const loomDemo* demo, const loomAssetRoots* roots, const renderContext* context,
                         loomError* err) {
  loom_episode_destroy(looks->episode);
  looks->episode = NULL;

  // What disturbed the demo itself gives way: its states are as they were.
  int code = loom_replay_open(&looks->scene, &looks->episode, task, dataset, demo, roots, err);
  if (!code) code = loom_episode_start(looks->episode, demo->states, err);
  return code ? code
              : loom_disturb_begin(looks->episode, context->set, context->seed, context->number, NULL, err);
}
