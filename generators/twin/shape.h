// What things collide as: boxes, cylinders and convex hulls, and where a simpler one does as well. Internal.
#ifndef LOOM_GENERATORS_TWIN_SHAPE_H
#define LOOM_GENERATORS_TWIN_SHAPE_H

#include "generators/twin/mesh.h"

typedef enum loomShapeType { LOOM_SHAPE_BOX, LOOM_SHAPE_CYLINDER, LOOM_SHAPE_HULL } loomShapeType;

typedef struct loomShape {
  loomShapeType type;
  double pos[3], quat[4];  // of boxes and cylinders, whose axis is z; w-x-y-z
  double size[3];          // half sizes; radius and half length
  loomMesh hull;           // of hulls: closed and convex
} loomShape;

void loom_shape_destroy(loomShape* shape);
double loom_shape_volume(const loomShape* shape);
/// Its volume, center and inertia where it stands.
loomSolid loom_shape_solid(const loomShape* shape);
/// How far outside of it a point is, m; negative within.
double loom_shape_outside(const loomShape* shape, const double point[3]);

/// The box or upright cylinder that a closed mesh nearly is: its volume is off by at most `share`, and none
/// of the mesh's vertices is further from its surface than `away` (m). *fits: there is one.
int loom_shape_fit(loomShape* out, bool* fits, const loomMesh* mesh, double share, double away,
                   loomError* err);

/// Convex outline of a mesh from above, or of the triangles whose part is `which` (part may be NULL: all):
/// *outline (n x 2) is malloc'ed, counterclockwise. LOOM_ERR_MEMORY.
int loom_outline_of(double** outline, int* n, const loomMesh* mesh, const int* part, int which,
                    loomError* err);
double loom_outline_area(const double* outline, int n);
/// What stands on an outline from z = low to high: a box or cylinder where that is as good, else a hull.
int loom_shape_prism(loomShape* out, const double* outline, int n, double low, double high, loomError* err);

#endif
