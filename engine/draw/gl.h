// An offscreen OpenGL context for MuJoCo's classic renderer: EGL without a surface, or else OSMesa. Both
// libraries are looked for when the first context is made, so that the program starts where neither is.
// Internal.
#ifndef LOOM_ENGINE_DRAW_GL_H
#define LOOM_ENGINE_DRAW_GL_H

#include "engine/base/error.h"

typedef struct loomGl loomGl;

/// Make a context and make it current in this thread. $DEMOLOOM_GL is "egl" or "osmesa" to force one; without
/// it EGL is tried, then OSMesa. $MUJOCO_EGL_DEVICE_ID is the number of the EGL device that draws:
/// LOOM_ERR_USAGE, with those that there are, where it is not one. LOOM_ERR_UNSUPPORTED tells why each did
/// not work and what to install.
int loom_gl_create(loomGl** out, loomError* err);
/// Make it current in this thread.
int loom_gl_make_current(loomGl* gl, loomError* err);
/// No longer current in this thread, so that another may make it so.
void loom_gl_release(loomGl* gl);
/// "egl" or "osmesa".
const char* loom_gl_name(const loomGl* gl);
/// One of OpenGL's functions, "glClear", or NULL.
typedef void (*loomGlFunction)(void);
loomGlFunction loom_gl_function(const loomGl* gl, const char* name);
void loom_gl_destroy(loomGl* gl);

#endif
