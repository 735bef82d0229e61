// Planes of a scan whose z axis is up: the floor it stands on, and what can be put something on. Internal.
#ifndef LOOM_GENERATORS_TWIN_LEVEL_H
#define LOOM_GENERATORS_TWIN_LEVEL_H

#include "generators/twin/mesh.h"

/// The floor of a scan: a sheet seen from above only, with nothing below it.
typedef struct loomFloor {
  bool found;
  double normal[3], offset;  // normal . x = offset, m
  double area, rms;          // of the triangles in it, m^2; how far these are off, m
  double within;             // how far off a triangle may be and still belong to it, m
  double tilt;               // of the normal, rad
} loomFloor;

/// Look for it by RANSAC (Fischler and Bolles, 1981) among the triangles that face up, refined by least
/// squares. The same mesh has always the same floor. LOOM_ERR_MEMORY.
int loom_floor_find(loomFloor* out, const loomMesh* mesh, loomError* err);
/// Turn and shift the mesh so that its floor is z = 0.
void loom_floor_level(loomMesh* mesh, const loomFloor* floor);
/// keep (nface): false for the triangles of a leveled mesh that are the floor. Returns how many these are.
int loom_floor_mark(bool* keep, const loomMesh* mesh, const loomFloor* floor);

/// A level surface, such as a table's.
typedef struct loomTop {
  double z, area;
  int n;            // corners of its outline, a convex polygon counterclockwise,
  double* outline;  // (n x 2), malloc'ed
} loomTop;
enum { LOOM_TOPS = 16 };

/// The level surfaces of a leveled mesh between heights (m), of at least so much area (m^2) and not full of
/// gaps, largest first, at most LOOM_TOPS; their triangles are marked as above in keep (nface). *n is how
/// many there are. LOOM_ERR_MEMORY.
int loom_tops_find(loomTop* out, int* n, bool* keep, const loomMesh* mesh, double low, double high,
                   double area, loomError* err);
void loom_tops_destroy(loomTop* tops, int n);

#endif
