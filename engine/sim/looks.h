// Internal. What a disturbed episode looks like: lights, colors, cameras, and the height of what stands in
// it. But for the height none of it is physics, and an episode's own model is without what is only seen
// (engine/scene/scene.c): these values go into the models that pictures and clouds are made of.
#ifndef LOOM_ENGINE_SIM_LOOKS_H
#define LOOM_ENGINE_SIM_LOOKS_H

#include "engine/sim/disturb.h"

/// A model's own looks, and whether it shows others now.
typedef struct loomLooks {
  void* own;  // NULL: it has never shown others
  bool others;
  int textures;             // the model's; 0 until one of them shows something else
  unsigned char** picture;  // (textures) its own; NULL: it has never shown another
  bool* painted;            // (textures) it shows another now
  bool* changed;            // (textures) the last loom_looks_show changed what it shows
} loomLooks;

/// m, from now on, looks as the episode does; of one that is not disturbed, or NULL, as it was compiled, to
/// the bit. looks: {0} for a model just compiled, from the same text as the episode's. What a renderer keeps
/// of a model (meshes) is not touched, so none of it need be made anew, but for textures that are `changed`.
/// LOOM_ERR_MEMORY.
int loom_looks_show(loomLooks* looks, mjModel* m, const loomEpisode* episode, loomError* err);
void loom_looks_destroy(loomLooks* looks);

#endif
