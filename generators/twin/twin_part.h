// What a scan becomes in a twin, before anything is written. Internal.
#ifndef LOOM_GENERATORS_TWIN_TWIN_PART_H
#define LOOM_GENERATORS_TWIN_TWIN_PART_H

#include "generators/twin/level.h"
#include "generators/twin/scan.h"
#include "generators/twin/shape.h"
#include "generators/twin/twin.h"

/// A room: z = 0 is its floor. An object: its origin is below its middle, where it stands.
typedef struct loomTwinPart {
  loomTwinScan told;
  loomScan scan;     // what is drawn: one mesh, its triangles' materials
  loomMesh surface;  // welded, what collisions were made from
  int nshape;
  loomShape* shape;              // (nshape) that collide
  bool exact;                    // no box or cylinder stands in for a convex piece
  double center[3], inertia[9];  // of mass, m; (3 x 3) about it, kg m^2
  int ntop;
  loomTop top[LOOM_TOPS];  // of a room
} loomTwinPart;

/// One at work.
typedef struct loomTwinWork {
  const loomTwinDef* def;
  loomTwin* out;
  char label[320];  // what is done now
  bool kept;        // pieces only from earlier runs
  loomTwinPart part[LOOM_TWIN_OBJECTS + 1];
} loomTwinWork;

/// Read and make part number i of the work, whose told.name and told.scene are set. Errors as
/// loom_twin_new's.
int loom_twin_part(loomTwinWork* work, int i, const char* path, loomError* err);
void loom_twin_part_destroy(loomTwinPart* part);

/// Its shapes get one more, which it takes over.
int loom_twin_add_shape(loomTwinPart* part, const loomShape* shape, loomError* err);
/// And the convex pieces of a welded mesh, `limit` (0 = none) at most; where a box or a cylinder does as
/// well it stands in. told says whether it is a room's and closed.
int loom_twin_add_pieces(loomTwinWork* work, loomTwinPart* part, const loomMesh* mesh, int limit,
                         loomError* err);
/// The work's def is told what is done now (work->label), `seconds` since it began; true: stop.
bool loom_twin_step(void* work, double seconds);

/// A line of the twin's warnings.
int loom_twin_warn(loomTwinWork* work, loomError* err, const char* format, ...) LOOM_PRINTF(3, 4);

/// Where things stand: loom_twin_place finds places, loom_twin_write writes the folder.
typedef struct loomTwinSpot {
  double pos[3], radius, height;
  bool reach;  // a reset draws it; else it stays where the model has it
} loomTwinSpot;
typedef struct loomTwinLayout {
  double room[2];      // shift of the room
  double top;          // height of the surface that is worked on, m
  bool table;          // one is made: a box of
  double half[2];      // half sizes
  double robot[2][3];  // bases of the two robots, which look at each other along y
  loomTwinSpot spot[LOOM_TWIN_OBJECTS];
} loomTwinLayout;
void loom_twin_place(loomTwinLayout* out, const loomTwinWork* work);

/// Scene, task, meshes and textures into the folder.
int loom_twin_write(const char* folder, const loomTwinWork* work, const loomTwinLayout* at, loomError* err);
/// The task file alone, on an open stream.
struct loomFile;
void loom_twin_write_task(void* stream, const loomTwinWork* work, const loomTwinLayout* at);

#endif
