// A digital twin: scans of a room and of objects become a task's folder.
#ifndef LOOM_GENERATORS_TWIN_TWIN_H
#define LOOM_GENERATORS_TWIN_TWIN_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/names.h"

LOOM_C_BEGIN

enum { LOOM_TWIN_OBJECTS = 16, LOOM_TWIN_NAME = 64 };

typedef struct loomTwinDef {
  const char* folder;  // of the task, which is made
  bool overwrite;      // what an earlier twin left there goes
  const char* scene;   // scan of the room, or NULL: a table and a floor
  int nobject;
  const char* object[LOOM_TWIN_OBJECTS];  // scans of what is moved
  char up;                                // 'y' or 'z', in all scans; 0 = as their kind of file has it
  double scale;                           // m a unit of the scans; default 1
  double density;                         // of objects, kg/m^3; default 400
  int nmass;
  const char* mass[LOOM_TWIN_OBJECTS];  // "NAME=KG" for objects of known mass
  int npart;
  const char* part[LOOM_TWIN_OBJECTS];  // "NAME=N": of an object's loose parts the N-th by area; 1 = largest
  bool close;                           // holes of objects are closed
  int look;                             // triangles of each scan that are drawn; default 20000
  int solid;                            // triangles that collisions are made from; default 3000
  int pieces;        // convex pieces of an object at most, a room has twice as many; 0 = no limit. Default 32
  double crumbs;     // share of the volume below which a piece is left out; default 0.002
  double threshold;  // CoACD's, of objects; a room's is three times that; default 0.05
  const char* coacd;  // folder of CoACD's library
  /// Told what is done now, several times a second; true stops it. Nullable.
  bool (*step)(void* user, const char* what, double seconds);
  void* user;
} loomTwinDef;

loomTwinDef loom_default_twin_def(void);

/// What became of a scan.
typedef struct loomTwinScan {
  char name[LOOM_TWIN_NAME];  // of its body
  char file[256];             // of the scan, without its folder
  bool scene;
  int triangles, drawn;       // as read; as drawn
  int degenerate, duplicate;  // triangles dropped
  int parts_left_out;         // loose parts dropped
  int open_edges;             // of the surface; 0 = watertight
  int holes_closed;
  double size[3];          // m, along x, y, z
  bool floor;              // it had one, which is level now and, of an object, cut off
  double tilt, floor_rms;  // rad, m
  int tops;                // tables and the like that became primitives
  int pieces, primitives;  // shapes that collide; how many of them are boxes or cylinders
  int crumbs;
  bool kept;  // the pieces were there from an earlier run
  double import_seconds, decompose_seconds;
  double volume;                              // m^3
  double mass;                                // kg
  double volume_error, concavity, uncovered;  // as loomShapeError
  double recess;                              // m: how deep a hollow at its top is
} loomTwinScan;

typedef struct loomTwin {
  char task[LOOM_TWIN_NAME];
  int n;
  loomTwinScan scan[LOOM_TWIN_OBJECTS + 1];  // the room first, if there is one
  loomNames warnings;
} loomTwin;

/// Make the folder. LOOM_ERR_USAGE (there is one already; what is asked for makes no sense),
/// LOOM_ERR_FORMAT (a scan that is no use; says what to do), LOOM_ERR_IO, LOOM_ERR_UNSUPPORTED (a library
/// is missing), LOOM_ERR_MEMORY, LOOM_ERR_INTERRUPTED. Nothing is in the folder before all scans are
/// through.
int loom_twin_new(loomTwin* out, const loomTwinDef* def, loomError* err);
void loom_twin_destroy(loomTwin* twin);

LOOM_C_END

#endif
