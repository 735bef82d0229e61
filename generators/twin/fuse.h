// Pictures with depth, taken by a camera that was moved, become one mesh: their distances are averaged in a
// grid of voxels around the surfaces (Curless and Levoy, "A volumetric method for building complex models
// from range images", SIGGRAPH 1996), of which blocks are made only where something is seen (Niessner et al.,
// "Real-time 3D reconstruction at scale using voxel hashing", 2013). Internal.
#ifndef LOOM_GENERATORS_TWIN_FUSE_H
#define LOOM_GENERATORS_TWIN_FUSE_H

#include <signal.h>

#include "engine/base/names.h"
#include "engine/base/pose.h"
#include "generators/twin/mesh.h"

/// A camera without distortion: pixel (u, v) of depth z is at z ((u - cx) / fx, (v - cy) / fy, 1), x to the
/// right, y down, z ahead.
typedef struct loomPinhole {
  double fx, fy, cx, cy;  // pixels
} loomPinhole;

typedef struct loomFuseDef {
  const char* folder;  // of the sequence, as TUM's or Redwood's benchmark has it
  loomPinhole camera;  // fx 0: as the folder says
  double depth_scale;  // of a depth picture's numbers a meter; 0: TUM's 5000, Redwood's 1000
  double voxel;        // m; default 0.004
  double cut;          // m, that distances are known to around a surface; 0 = five voxels
  double near, far;    // m, of depths that are taken; default 0.1, 4
  int every;           // each so many-th picture is taken; default 1
  int memory_mb;       // of voxels at most; default 2048
  int faces;           // of the mesh, or as many more as keep it within a voxel; 0 = all; default 500000
  int threads;         // 0: one a core
  /// Told what is done: picture number `done` of `total`; true stops it. Nullable.
  bool (*step)(void* user, const char* what, int done, int total);
  void* user;
  const volatile sig_atomic_t* stop;  // set by a signal; nullable
} loomFuseDef;

loomFuseDef loom_default_fuse_def(void);

typedef struct loomFused {
  char layout[16];    // "TUM", "Redwood"
  int pictures;       // with depth, color and pose
  int left_out;       // that lack one of these, or were passed over
  int width, height;  // of depths
  loomPinhole camera;
  int blocks;              // of 8 x 8 x 8 voxels
  double memory_mb;        // they took
  int triangles;           // before those that are too many were taken out
  double low[3], high[3];  // bounds, m
  loomNames warnings;
  loomMesh mesh;  // world frame, z as the poses have it; colors of vertices
} loomFused;

/// LOOM_ERR_USAGE (no such folder, neither layout, no intrinsics), LOOM_ERR_FORMAT "FILE[:LINE]: what is
/// wrong", LOOM_ERR_IO, LOOM_ERR_MEMORY (more voxels than memory_mb), LOOM_ERR_INTERRUPTED. The same bytes on
/// any number of threads. Free with loom_fused_destroy.
int loom_fuse(loomFused* out, const loomFuseDef* def, loomError* err);
void loom_fused_destroy(loomFused* fused);

/// As PLY (z up) or GLB (y up, as that has it), by the path's end, with the colors of its vertices. The file
/// is whole or not there. LOOM_ERR_USAGE for another end.
int loom_mesh_write_colored(const loomMesh* mesh, const char* path, loomError* err);

#endif
