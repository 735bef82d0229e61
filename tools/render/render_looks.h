// What disturbed a demo that is drawn: its lights, colors and cameras, and which pictures came late.
#ifndef LOOM_TOOLS_RENDER_RENDER_LOOKS_H
#define LOOM_TOOLS_RENDER_RENDER_LOOKS_H

#include "engine/data/dataset.h"
#include "engine/model/model.h"
#include "engine/sim/disturb.h"
#include "engine/task/task.h"

/// Zero-initialize; the scene is kept while demos share one model.
typedef struct renderLooks {
  loomScene* scene;
  loomEpisode* episode;  // at the demo's start, disturbed as it was; NULL = it was not
} renderLooks;

int render_looks_open(renderLooks* looks, const loomTask* task, const loomDataset* dataset,
                      const loomDemo* demo, const loomAssetRoots* roots, loomError* err);
void render_looks_close(renderLooks* looks);

/// The attribute of a demo that says what was drawn of its context, as loom_disturb has it.
#define RENDER_CONTEXT_ATTR "loom_context"

/// A context: what is drawn of a set by seed and number.
typedef struct renderContext {
  const loomDisturbSet* set;
  uint64_t seed, number;
} renderContext;

/// The demo's start as it would look in a context. LOOM_ERR_FORMAT: the set names what the scene lacks.
int render_looks_context(renderLooks* looks, const loomTask* task, const loomDataset* dataset,
                         const loomDemo* demo, const loomAssetRoots* roots, const renderContext* context,
                         loomError* err);

#endif
