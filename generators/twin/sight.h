// Where a camera stood, by points of the world that are known in its picture: the pose, and where it is not
// known the field of view, whose projections come nearest to the pixels (least squares by Marquardt, "An
// algorithm for least-squares estimation of nonlinear parameters", 1963, from many places around the points).
// A pinhole without distortion, whose axis meets the middle of the picture. Internal.
#ifndef LOOM_GENERATORS_TWIN_SIGHT_H
#define LOOM_GENERATORS_TWIN_SIGHT_H

#include <stdbool.h>

#include "engine/base/error.h"

enum { LOOM_SIGHT_LEAST = 4, LOOM_SIGHT_MOST = 32 };

typedef struct loomSighting {
  double pixel[2];  // from the picture's upper left corner, x to the right, y down
  double point[3];  // m, world frame
} loomSighting;

typedef struct loomSight {
  double pos[3], quat[4];  // MuJoCo's camera: x to the right, y up, it looks along -z; world frame
  double fovy;             // degrees, as MJCF has it
  double rms, worst;       // pixels that points are off, and the largest; its number
  int worst_of;
  double unsure;    // m: how far off it is, one standard deviation, where each pixel is off by 1
  bool twofold;     // another place fits as well
  double other[3];  // which
} loomSight;

/// n sightings in a picture of width x height. fovy: degrees; 0: it is found, too. LOOM_ERR_USAGE: they
/// are too few, tell too little (all on one line), or no place fits them.
int loom_sight_find(loomSight* out, const loomSighting* sighting, int n, double width, double height,
                    double fovy, loomError* err);
/// Where a point is seen; false: behind the camera.
bool loom_sight_see(double pixel[2], const loomSight* sight, const double point[3], double width,
                    double height);

#endif
