// An export at work. Internal.
#ifndef LOOM_GENERATORS_TWIN_EXPORT_WORK_H
#define LOOM_GENERATORS_TWIN_EXPORT_WORK_H

#include <stdio.h>

#include "engine/base/pose.h"
#include "generators/twin/export.h"

typedef struct loomExportWork {
  const mjModel* m;
  mjData* d;  // kinematics of its reference positions
  loomExported* out;
  FILE* file;
  char title[LOOM_NAME_MAX];
  char mesh_dir[LOOM_PATH_MAX], mesh_path[LOOM_PATH_MAX];  // of URDF's: as the file names it; where it is
} loomExportWork;

/// A name that may stand in both formats: letters, digits and _.
void loom_export_name(char out[LOOM_NAME_MAX], const mjModel* m, mjtObj kind, int id);
/// The joint of a body, -1: it is fixed to what it hangs on.
int loom_export_joint(const mjModel* m, int body);
bool loom_export_collides(const mjModel* m, int geom);
/// Is a geom to be seen? What collides is, on bodies that have nothing else to show.
bool loom_export_shows(const mjModel* m, int geom);
/// Of a geom: its own color, or its material's.
const float* loom_export_color(const mjModel* m, int geom);
/// How a body lies in its parent's frame when its joint is at 0.
loomPose loom_export_zero(const mjModel* m, int body);
int loom_export_warn(loomExportWork* work, loomError* err, const char* format, ...) LOOM_PRINTF(3, 4);

int loom_export_urdf(loomExportWork* work, loomError* err);  // export_urdf.c
int loom_export_usd(loomExportWork* work, loomError* err);   // export_usd.c

#endif
