// Convex decomposition of a mesh by CoACD (Wei et al., "Approximate convex decomposition for 3D meshes with
// collision-aware concavity and tree search", SIGGRAPH 2022), kept between runs, with its errors. Internal.
#ifndef LOOM_GENERATORS_TWIN_DECOMPOSE_H
#define LOOM_GENERATORS_TWIN_DECOMPOSE_H

#include "generators/twin/shape.h"

/// CoACD's own settings, cheaper ones than its defaults: minutes become seconds, and pieces hardly change.
typedef struct loomDecomposeDef {
  const char* coacd;  // folder of the library (tools/fetch.sh coacd)
  const char* what;   // for messages: "scan.glb"
  double threshold;   // concavity up to which a piece stays whole, of the mesh's size; default 0.05
  int pieces;         // a limit, beyond which pieces are merged; 0 = none. Default 32
  double crumbs;      // pieces with a smaller share of all volume are left out; 0 = none. Default 0.002
  int iterations, nodes, resolution;  // of its tree search; 60, 10, 1000
  bool as_it_is;  // it is closed and its surface simple: CoACD need not make it so first, which takes it long
  int corners;    // of a piece at most; default 48
  bool kept;      // only if they are there from an earlier run: else LOOM_ERR_UNSUPPORTED
  double seconds;                            // of CPU; default 1800
  bool (*wait)(void* user, double seconds);  // as loomAsideDef's
  void* wait_user;
} loomDecomposeDef;

loomDecomposeDef loom_default_decompose_def(void);

typedef struct loomDecomposed {
  int n;
  loomShape* shape;  // (n)
  int crumbs;        // pieces that were left out
  bool kept;         // it was there from an earlier run
  double seconds;    // it took
} loomDecomposed;

/// Take a welded mesh, closed or not, apart. LOOM_ERR_UNSUPPORTED: the library is not there;
/// LOOM_ERR_FORMAT: it fails on this mesh; LOOM_ERR_INTERRUPTED.
int loom_decompose(loomDecomposed* out, const loomMesh* mesh, const loomDecomposeDef* def, loomError* err);
void loom_decomposed_destroy(loomDecomposed* pieces);

/// How well shapes stand for a mesh.
typedef struct loomShapeError {
  double volume;     // theirs less the mesh's, as a share of the mesh's; NaN where that encloses none
  double concavity;  // m: the furthest that their surface, where it is not inside another, is from the mesh
  double uncovered;  // m: the furthest that the mesh lies outside all of them
} loomShapeError;
loomShapeError loom_shape_error(const loomShape* shape, int n, const loomMesh* mesh, bool closed);

#endif
