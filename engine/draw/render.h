// Offscreen rendering with MuJoCo's classic renderer; no display is needed (engine/draw/gl.h).
#ifndef LOOM_ENGINE_DRAW_RENDER_H
#define LOOM_ENGINE_DRAW_RENDER_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/draw/image.h"

LOOM_C_BEGIN

typedef struct loomRenderDef {
  int width, height;   // pixels
  const char* camera;  // a camera of the model, or NULL for loom_free_camera
  bool shadows;
  bool collision;  // show what collides, geom groups 0 and 3, instead of group 1
} loomRenderDef;

loomRenderDef loom_default_render_def(void);

/// Where to look from when nothing is said: at the table, in models with a body of that name; else at all
/// that moves, arms and objects at qpos (nq; NULL = the model's reference position), with its longer side
/// across the picture, from where the objects lie in front of the arms; MuJoCo's own view in models that name
/// <visual><global azimuth elevation>, and where nothing moves.
void loom_free_camera(mjvCamera* out, const mjModel* model, const double* qpos);

/// robosuite's models mean geom group 1 to be seen and group 0 to collide. Trees of bodies with geoms of
/// group 0 alone, as models written without a thought of groups have, would not be seen at all: put these
/// geoms into group 2, which is always drawn. The physics is the same.
void loom_model_show(mjModel* model);

typedef struct loomRenderer loomRenderer;

/// One renderer a thread and model. LOOM_ERR_UNSUPPORTED when there is no offscreen OpenGL; LOOM_ERR_USAGE
/// for a camera the model lacks.
int loom_renderer_create(loomRenderer** out, const mjModel* model, const loomRenderDef* def, loomError* err);
/// LOOM_ERR_USAGE, with those that there are, unless the model has that camera; NULL is the free camera.
int loom_camera_check(const mjModel* model, const char* camera, loomError* err);
/// Look through another camera from now on; NULL is the definition's free camera.
int loom_renderer_set_camera(loomRenderer* renderer, const char* camera, loomError* err);
/// The model's texture shows another picture from now on, mjModel.tex_data's of now.
int loom_renderer_set_texture(loomRenderer* renderer, int texture, loomError* err);
/// Place the definition's free camera anew, as loom_free_camera does for these positions (nq).
void loom_renderer_aim(loomRenderer* renderer, const double* qpos);
/// Draw data (kinematics up to date) into image, which must be of the renderer's size.
int loom_renderer_draw(loomRenderer* renderer, mjData* data, loomImage* image, loomError* err);
/// The same into rgb (height x width x 3), top row first, and into depth (height x width): distances along
/// the camera's axis, m. Either may be NULL.
int loom_renderer_pixels(loomRenderer* renderer, mjData* data, unsigned char* rgb, float* depth,
                         loomError* err);
/// Which geom each pixel shows, (height x width), top row first: its id, or -1.
int loom_renderer_segments(loomRenderer* renderer, mjData* data, int32_t* geom, loomError* err);

/// Adds to a scene what loom_renderer_draw and loom_renderer_pixels show besides the model: at most
/// LOOM_MAX_DECORATION geoms.
typedef void (*loomDecorate)(void* user, mjvScene* scene, const mjvOption* option);
enum { LOOM_MAX_DECORATION = 10000 };
void loom_renderer_decorate(loomRenderer* renderer, loomDecorate decorate, void* user);

/// Depth as colors, from yellow at `near` to dark blue at `far` and beyond (m).
int loom_renderer_draw_depth(loomRenderer* renderer, mjData* data, loomImage* image, double near, double far,
                             loomError* err);
/// Geoms as colors: a hue a body, lighter and darker for its geoms; black where there is none.
int loom_renderer_draw_segments(loomRenderer* renderer, mjData* data, loomImage* image, loomError* err);
/// "egl" or "osmesa".
const char* loom_renderer_gl(const loomRenderer* renderer);
/// Give up the thread's drawing context, so that another thread may draw with this renderer.
void loom_renderer_release(loomRenderer* renderer);
void loom_renderer_destroy(loomRenderer* renderer);

LOOM_C_END

#endif
