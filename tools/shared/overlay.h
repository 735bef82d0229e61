// What is drawn into a scene besides the demo: paths of the end effectors and of the source demos they
// were made from, targets, frames, the source demo as a ghost. Appended to an mjvScene, for the viewer
// and for pictures.
#ifndef LOOM_TOOLS_SHARED_OVERLAY_H
#define LOOM_TOOLS_SHARED_OVERLAY_H

#include <mujoco/mujoco.h>

#include "tools/shared/annotation.h"

typedef enum overlayKind {
  OVERLAY_PATHS = 1,    // where each end effector goes
  OVERLAY_TARGETS = 2,  // where it was sent, and how far off it is
  OVERLAY_FRAMES = 4,   // of end effectors and of the objects their subtasks are about
  OVERLAY_SOURCES = 8,  // where the source demos' end effectors went, in their own places
  OVERLAY_GHOST = 16,   // the source demo's robots and objects at the row this one was made from
  OVERLAY_ALL = 31
} overlayKind;

/// The source demos a task's demos were made from.
typedef struct overlaySources {
  const loomDataset* dataset;  // NULL = not known
  const loomSourceSet* set;
  const loomAssetRoots* roots;
} overlaySources;

/// Path of the source demos that a dataset (nullable) was made of: the task's cleaned ones or, unless it says
/// so, those that were recorded.
int overlay_source_path(char path[LOOM_PATH_MAX], const loomTask* task, const loomDataset* dataset,
                        const loomAssetRoots* roots, loomError* err);

/// The source demos of a dataset that paths are drawn of, their mirror images (last) with them where the task
/// says what these are: a demo may be made of either. Those that cannot be used are left out, each told.
int overlay_load_sources(loomSourceSet* out, const loomTask* task, const char* path,
                         const loomAssetRoots* roots, loomError* err);

/// A source demo's model, kept from one frame to the next. Zero-initialize.
typedef struct overlayGhost {
  bool tried;
  int source;  // number of the demo
  loomDemo demo;
  mjModel* model;
  mjData* data;
} overlayGhost;

void overlay_ghost_close(overlayGhost* ghost);

/// Add kinds (overlayKind, or-ed) at a row. `model` is what the scene shows; `option` says which geom groups
/// are seen.
void overlay_add(mjvScene* scene, overlayGhost* ghost, const annotation* s, const overlaySources* sources,
                 const mjModel* model, const mjvOption* option, int kinds, int row);
/// A dot; type is mjGEOM_SPHERE or mjGEOM_BOX, size in m.
void overlay_dot(mjvScene* scene, int type, const double at[3], double size, const float rgba[4]);

typedef struct overlayStart {
  double at[3];  // m, world
  bool failed;
} overlayStart;

/// Where n starts fail: tiles a little below the lowest, from `good` where none does to `bad` where twice as
/// many do as on the whole. The share of a tile's starts is drawn to that of all by two more, since a few say
/// little. Nothing where all fail or none, or where they lie in a line.
void overlay_failures(mjvScene* scene, const overlayStart* start, int n, const float good[4],
                      const float bad[4]);
/// An arrow, m, with a label at its tip.
void overlay_arrow(mjvScene* scene, const double from[3], const double to[3], double width,
                   const float rgba[4], const char* label);

#endif
