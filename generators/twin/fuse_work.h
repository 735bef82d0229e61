// Fusion at work: the sequence, its pictures, and the grid. Internal.
#ifndef LOOM_GENERATORS_TWIN_FUSE_WORK_H
#define LOOM_GENERATORS_TWIN_FUSE_WORK_H

#include <stdint.h>

#include "engine/base/error.h"
#include "generators/twin/fuse.h"

// ---- the sequence (fuse_read.c)

/// One picture: files, and where the camera was.
typedef struct loomFuseFrame {
  char color[LOOM_PATH_MAX], depth[LOOM_PATH_MAX];
  loomPose pose;  // T_world_camera
} loomFuseFrame;

typedef struct loomFuseSequence {
  char layout[16];
  loomPinhole camera;
  double depth_scale;
  int n, left_out;
  loomFuseFrame* frame;  // (n), malloc'ed
} loomFuseSequence;

/// What a folder has. Warnings say what was left out. Errors as loom_fuse's.
int loom_fuse_read(loomFuseSequence* out, loomNames* warnings, const loomFuseDef* def, loomError* err);
void loom_fuse_sequence_destroy(loomFuseSequence* sequence);

// ---- pictures (fuse_png.c)

/// width x height numbers of 16 bits, malloc'ed. LOOM_ERR_FORMAT: it is no such PNG, or cut short.
int loom_png_read_depth(uint16_t** out, int* width, int* height, const char* path, loomError* err);
/// (height x width x 3), malloc'ed.
int loom_png_read_color(unsigned char** out, int* width, int* height, const char* path, loomError* err);

// ---- the grid (fuse_grid.c)

enum { LOOM_BLOCK = 8, LOOM_BLOCK_VOXELS = LOOM_BLOCK * LOOM_BLOCK * LOOM_BLOCK };

typedef struct loomVoxel {
  int16_t distance;   // to the surface, in parts of cut / 32767; behind it below 0
  uint16_t weight;    // 0: not seen
  uint16_t color[3];  // in parts of 1 / 256
} loomVoxel;

typedef struct loomBlock {
  int at[3];                           // its place, in blocks
  int seen;                            // number of the last picture that has it
  loomVoxel voxel[LOOM_BLOCK_VOXELS];  // x fastest
} loomBlock;

typedef struct loomGrid {
  double voxel, cut;
  int n, room, most;  // blocks
  loomBlock** block;  // (room) in the order in which they were seen
  int slots;          // of the table, a power of 2
  int* slot;          // number of a block, or -1
} loomGrid;

int loom_grid_create(loomGrid* out, double voxel, double cut, int memory_mb, loomError* err);
void loom_grid_destroy(loomGrid* grid);
/// The block at a place; NULL: there is none.
loomBlock* loom_grid_find(const loomGrid* grid, const int at[3]);
/// Its number, in the order in which they were seen; -1: there is none.
int loom_grid_number(const loomGrid* grid, const int at[3]);

/// A picture that is put in: depths in m, 0 = not seen; colors of the same size.
typedef struct loomFuseView {
  int number, width, height;
  const float* depth;
  const unsigned char* color;
  loomPinhole camera;
  loomPose pose;
} loomFuseView;
int loom_grid_add(loomGrid* grid, const loomFuseView* view, int threads, loomError* err);

// ---- its surface (fuse_surface.c)

/// Triangles where the distance is 0, counterclockwise from where it is above.
int loom_grid_surface(loomMesh* out, const loomGrid* grid, loomError* err);

#endif
