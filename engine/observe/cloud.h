// Point clouds as a depth camera would give them, without drawing: a ray a pixel against what collides, what
// lies outside a box left out, and as many points kept as are wanted, spread by farthest-point sampling (DP3:
// Ze et al., "3D Diffusion Policy", RSS 2024, crops away table and background and does likewise).
#ifndef LOOM_ENGINE_OBSERVE_CLOUD_H
#define LOOM_ENGINE_OBSERVE_CLOUD_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

enum { LOOM_CLOUD_CAMERAS = 4, LOOM_CLOUD_POINTS = 16384, LOOM_CLOUD_RAYS = 1024 };

typedef struct loomCloudDef {
  int points;  // of a cloud; 0 = there is none
  int camera_count;
  loomName camera[LOOM_CLOUD_CAMERAS];  // whose views are put together
  int width, height;                    // rays of a camera
  double low[3], high[3];               // m, world frame: the box whose points are kept
} loomCloudDef;

/// 512 points of 128 x 128 rays, no camera, no box.
loomCloudDef loom_default_cloud_def(void);

/// The box around where a task's objects may start, in any of its reset distributions: `margin` m wider, from
/// just above what they stand on to `height` m above that. The same for the same task, always.
int loom_cloud_workspace(double low[3], double high[3], const loomScene* scene, loomError* err);

/// The box around the task's objects as they are in an episode now; low > high where there are none.
void loom_cloud_objects(double low[3], double high[3], const loomEpisode* episode);

/// What is wrong with clouds; {0}: nothing.
typedef struct loomCloudFault {
  double noise;    // m, standard deviation along x, y and z of each point
  double dropout;  // share of the rays that come back with nothing
  const double*
      believed;  // (ncam x 7) places (pos, quat) on their bodies that points are put together by; NULL = the model's
  uint64_t seed, number;  // of what is drawn, with the joint positions: the same view is the same cloud
} loomCloudFault;

typedef struct loomCloud loomCloud;

/// For a model without visuals (loomModelDef.visual false). LOOM_ERR_FORMAT: it lacks a camera.
int loom_cloud_create(loomCloud** out, const loomCloudDef* def, const mjModel* model, loomError* err);
void loom_cloud_destroy(loomCloud* cloud);
/// From now on; `believed` is kept, not copied. Cameras that look at bodies or follow them are where they
/// are.
void loom_cloud_set_fault(loomCloud* cloud, const loomCloudFault* fault);
/// out (points x 3), m in the world frame; d's kinematics are up to date. Fewer than `points` are repeated in
/// turn; where there are none all are the box's middle.
void loom_cloud_look(float* out, loomCloud* cloud, const mjModel* model, mjData* d);

/// chosen (want) of n points x (3 x n, coordinate by coordinate), the first of them and then always the one
/// farthest from those chosen already; want <= n. far (n) is scratch.
void loom_farthest_points(int* chosen, int want, const float* x, int n, float* far);

LOOM_C_END

#endif
