#include "engine/render.h"

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <stdlib.h>
#include <string.h>

#include "engine/trap.h"

struct loomRenderer {
  EGLDisplay display;
  EGLContext egl;
  const mjModel* model;
  loomRenderDef def;
  mjvScene scene;
  mjvCamera camera;
  mjvOption option;
  mjrContext context;
  bool has_scene, has_context;
};

loomRenderDef loom_default_render_def(void) {
  return (loomRenderDef){.width = 320,
                         .height = 240,
                         .lookat = {0, -0.35, 0.95},
                         .distance = 1.7,
                         .azimuth = 180,
                         .elevation = -25};
}

static int open_egl(loomRenderer* r, loomError* err) {
  static const EGLint config[] = {EGL_SURFACE_TYPE,
                                  EGL_PBUFFER_BIT,
                                  EGL_RED_SIZE,
                                  8,
                                  EGL_GREEN_SIZE,
                                  8,
                                  EGL_BLUE_SIZE,
                                  8,
                                  EGL_DEPTH_SIZE,
                                  24,
                                  EGL_RENDERABLE_TYPE,
                                  EGL_OPENGL_BIT,
                                  EGL_NONE};
  EGLConfig chosen;
  EGLint n = 0;
  PFNEGLGETPLATFORMDISPLAYEXTPROC platform =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC)eglGetProcAddress("eglGetPlatformDisplayEXT");
  r->display = platform ? platform(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL) : EGL_NO_DISPLAY;
  if (r->display == EGL_NO_DISPLAY) r->display = eglGetDisplay(EGL_DEFAULT_DISPLAY);
  bool ok = r->display != EGL_NO_DISPLAY && eglInitialize(r->display, NULL, NULL) &&
            eglChooseConfig(r->display, config, &chosen, 1, &n) && n > 0 && eglBindAPI(EGL_OPENGL_API);
  if (ok) r->egl = eglCreateContext(r->display, chosen, EGL_NO_CONTEXT, NULL);
  if (ok && r->egl && eglMakeCurrent(r->display, EGL_NO_SURFACE, EGL_NO_SURFACE, r->egl)) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "no offscreen OpenGL here; install libegl1, libegl-mesa0 and libgl1-mesa-dri");
}

static int make_context(void* arg) {
  loomRenderer* r = arg;
  mjv_defaultScene(&r->scene);
  mjv_makeScene(r->model, &r->scene, 2000);
  r->has_scene = true;
  mjr_defaultContext(&r->context);
  mjr_makeContext(r->model, &r->context, mjFONTSCALE_100);
  r->has_context = true;
  mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
  return 0;
}

int loom_renderer_create(loomRenderer** out, const mjModel* model, const loomRenderDef* def, loomError* err) {
  *out = NULL;
  loomRenderer* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a renderer");
  r->model = model;
  r->def = *def;
  mjv_defaultCamera(&r->camera);
  mjv_defaultOption(&r->option);
  r->option.geomgroup[0] = def->collision;
  r->option.geomgroup[1] = !def->collision;
  memcpy(r->camera.lookat, def->lookat, sizeof def->lookat);
  r->camera.distance = def->distance;
  r->camera.azimuth = def->azimuth;
  r->camera.elevation = def->elevation;
  int code = 0;
  if (def->camera) {
    r->camera.type = mjCAMERA_FIXED;
    r->camera.fixedcamid = mj_name2id(model, mjOBJ_CAMERA, def->camera);
    if (r->camera.fixedcamid < 0)
      code = loom_error_set(err, LOOM_ERR_USAGE, "the model has no camera '%s'", def->camera);
  }
  if (!code) code = open_egl(r, err);
  if (!code) code = loom_trap_run(make_context, r, err);
  if (!code && (r->context.offWidth < def->width || r->context.offHeight < def->height)) {
    mjr_resizeOffscreen(def->width, def->height, &r->context);
  }
  if (code) {
    loom_renderer_destroy(r);
    return code;
  }
  r->scene.flags[mjRND_SHADOW] = def->shadows;
  r->scene.flags[mjRND_REFLECTION] = def->shadows;
  *out = r;
  return 0;
}

int loom_renderer_draw(loomRenderer* r, mjData* d, loomImage* image, loomError* err) {
  int width = r->def.width, height = r->def.height;
  mjrRect view = {0, 0, width, height};
  unsigned char row[3 * 32768];
  if (image->width != width || image->height != height)
    return loom_error_set(err, LOOM_ERR_USAGE, "the image has another size than the renderer");
  if (!eglMakeCurrent(r->display, EGL_NO_SURFACE, EGL_NO_SURFACE, r->egl)) {
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "the OpenGL context is gone");
  }
  mjv_updateScene(r->model, d, &r->option, NULL, &r->camera, mjCAT_ALL, &r->scene);
  mjr_render(view, &r->scene, &r->context);
  mjr_readPixels(image->rgb, NULL, view, &r->context);
  size_t line = 3 * (size_t)width;  // OpenGL's first row is the lowest
  for (int y = 0; y < height / 2; y++) {
    unsigned char *top = image->rgb + line * (size_t)y,
                  *bottom = image->rgb + line * (size_t)(height - 1 - y);
    memcpy(row, top, line);
    memcpy(top, bottom, line);
    memcpy(bottom, row, line);
  }
  return 0;
}

void loom_renderer_destroy(loomRenderer* r) {
  if (!r) return;
  if (r->egl) eglMakeCurrent(r->display, EGL_NO_SURFACE, EGL_NO_SURFACE, r->egl);
  if (r->has_context) mjr_freeContext(&r->context);
  if (r->has_scene) mjv_freeScene(&r->scene);
  if (r->egl) {
    eglMakeCurrent(r->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglDestroyContext(r->display, r->egl);
  }
  free(r);
}
