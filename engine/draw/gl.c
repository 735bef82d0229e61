#include "engine/draw/gl.h"

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/osmesa.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct glKind {
  const char* name;
  const char* (*open)(loomGl* gl);  // NULL, or why it did not work
  bool (*make_current)(loomGl* gl);
  void (*release)(loomGl* gl);
  loomGlFunction (*function)(const char* name);
  void (*close)(loomGl* gl);
} glKind;

// OSMesa wants memory for a window's picture; ours are drawn into a framebuffer object, so a small one does.
enum { WINDOW_SIZE = 16 };

struct loomGl {
  const glKind* kind;
  EGLDisplay display;
  EGLContext egl;
  OSMesaContext osmesa;
  char why[400];  // it did not open, where that has to be made up
  unsigned char window[WINDOW_SIZE * WINDOW_SIZE * 4];
};

// ---- libraries

static const char* const egl_names[] = {"libEGL.so.1", "libEGL.so", NULL};
static const char* const osmesa_names[] = {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so", NULL};

// They stay open until the process ends: MuJoCo keeps the addresses of functions it found in them.
static void* open_library(const char* const names[], int flags) {
  void* library = NULL;
  for (int i = 0; names[i] && !library; i++) library = dlopen(names[i], RTLD_NOW | flags);
  return library;
}

// MuJoCo looks for names among the global ones, EGL's first; so they become global once a library has a
// context, and not before: an EGL that does not work would hide OSMesa.
static void make_global(const char* const names[]) {
  open_library(names, RTLD_GLOBAL | RTLD_NOLOAD);
}

// A function as the type its caller has: C has no cast from a data pointer.
static bool find(void* function, void* library, const char* name) {
  void* address = library ? dlsym(library, name) : NULL;
  memcpy(function, &address, sizeof address);
  return address != NULL;
}

static struct {
  bool found;
  __eglMustCastToProperFunctionPointerType (*get_address)(const char*);
  EGLDisplay (*get_display)(EGLNativeDisplayType);
  EGLBoolean (*initialize)(EGLDisplay, EGLint*, EGLint*);
  EGLBoolean (*choose_config)(EGLDisplay, const EGLint*, EGLConfig*, EGLint, EGLint*);
  EGLBoolean (*bind_api)(EGLenum);
  EGLContext (*create_context)(EGLDisplay, EGLConfig, EGLContext, const EGLint*);
  EGLBoolean (*make_current)(EGLDisplay, EGLSurface, EGLSurface, EGLContext);
  EGLBoolean (*destroy_context)(EGLDisplay, EGLContext);
} egl;

static struct {
  bool found;
  OSMesaContext (*create)(GLenum, GLint, GLint, GLint, OSMesaContext);
  GLboolean (*make_current)(OSMesaContext, void*, GLenum, GLsizei, GLsizei);
  void (*destroy)(OSMesaContext);
  OSMESAproc (*get_address)(const char*);
} osmesa;

static void find_egl(void) {
  void* lib = open_library(egl_names, RTLD_LOCAL);
  egl.found =
      find(&egl.get_address, lib, "eglGetProcAddress") && find(&egl.get_display, lib, "eglGetDisplay") &&
      find(&egl.initialize, lib, "eglInitialize") && find(&egl.choose_config, lib, "eglChooseConfig") &&
      find(&egl.bind_api, lib, "eglBindAPI") && find(&egl.create_context, lib, "eglCreateContext") &&
      find(&egl.make_current, lib, "eglMakeCurrent") && find(&egl.destroy_context, lib, "eglDestroyContext");
}

static void find_osmesa(void) {
  void* lib = open_library(osmesa_names, RTLD_LOCAL);
  osmesa.found = find(&osmesa.create, lib, "OSMesaCreateContextExt") &&
                 find(&osmesa.make_current, lib, "OSMesaMakeCurrent") &&
                 find(&osmesa.destroy, lib, "OSMesaDestroyContext") &&
                 find(&osmesa.get_address, lib, "OSMesaGetProcAddress");
}

// ---- EGL

static bool egl_make_current(loomGl* gl) {
  return egl.make_current(gl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, gl->egl);
}

// Mesa draws without any screen on its surfaceless platform.
static bool open_any_display(loomGl* gl) {
  PFNEGLGETPLATFORMDISPLAYEXTPROC platform =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC)egl.get_address("eglGetPlatformDisplayEXT");
  gl->display =
      platform ? platform(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL) : EGL_NO_DISPLAY;
  if (gl->display != EGL_NO_DISPLAY && egl.initialize(gl->display, NULL, NULL)) return true;

  // Another maker's library, which may draw without a screen on its default display.
  gl->display = egl.get_display(EGL_DEFAULT_DISPLAY);
  return gl->display != EGL_NO_DISPLAY && egl.initialize(gl->display, NULL, NULL);
}

// ---- one device of several

enum { MAX_DEVICES = 64 };

static const char* chosen_device(void) {
  const char* text = getenv("MUJOCO_EGL_DEVICE_ID");
  return text && *text ? text : NULL;
}

// "0 (/dev/dri/card0), 1 (software)": what there is to choose from.
static void list_devices(char* out, size_t room, const EGLDeviceEXT* device, int n) {
  PFNEGLQUERYDEVICESTRINGEXTPROC query =
      (PFNEGLQUERYDEVICESTRINGEXTPROC)egl.get_address("eglQueryDeviceStringEXT");
  size_t used = 0;

  for (int i = 0; i < n && used < room; i++) {
    const char* can = query ? query(device[i], EGL_EXTENSIONS) : NULL;
    const char* name = can && strstr(can, "EGL_EXT_device_drm") ? query(device[i], EGL_DRM_DEVICE_FILE_EXT)
                       : can && strstr(can, "software")         ? "software"
                                                                : NULL;
    int wrote = snprintf(out + used, room - used, "%s%d%s%s%s", i ? ", " : "", i, name ? " (" : "",
                         name ? name : "", name ? ")" : "");
    used += wrote > 0 ? (size_t)wrote : 0;
  }
}

// The display of the device that $MUJOCO_EGL_DEVICE_ID names, as MuJoCo's and robosuite's Python heed it.
// EGL counts devices in its own order, which CUDA_VISIBLE_DEVICES does not change.
static const char* open_chosen_display(loomGl* gl, const char* text) {
  PFNEGLQUERYDEVICESEXTPROC query = (PFNEGLQUERYDEVICESEXTPROC)egl.get_address("eglQueryDevicesEXT");
  PFNEGLGETPLATFORMDISPLAYEXTPROC platform =
      (PFNEGLGETPLATFORMDISPLAYEXTPROC)egl.get_address("eglGetPlatformDisplayEXT");
  EGLDeviceEXT device[MAX_DEVICES];
  EGLint n = 0;
  char* end;
  long number = strtol(text, &end, 10);

  if (!query || !platform || !query(MAX_DEVICES, device, &n)) n = 0;
  if (end == text || *end || number < 0 || number >= n) {
    char list[200] = "";
    list_devices(list, sizeof list, device, n);
    snprintf(gl->why, sizeof gl->why,
             "MUJOCO_EGL_DEVICE_ID (or --gpu) names device %.40s, but EGL has %s%s here", text,
             n ? "devices " : "no devices", list);
    return gl->why;
  }

  gl->display = platform(EGL_PLATFORM_DEVICE_EXT, device[number], NULL);
  if (gl->display != EGL_NO_DISPLAY && egl.initialize(gl->display, NULL, NULL)) return NULL;
  snprintf(gl->why, sizeof gl->why, "EGL: device %ld of MUJOCO_EGL_DEVICE_ID (or --gpu) cannot be opened",
           number);
  return gl->why;
}

// ---- a context

static const char* egl_open(loomGl* gl) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
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

  pthread_once(&once, find_egl);
  if (!egl.found) return "EGL: no libEGL.so.1";

  const char* device = chosen_device();
  const char* problem = device ? open_chosen_display(gl, device) : NULL;
  if (problem) return problem;
  if (!device && !open_any_display(gl)) return "EGL: no display";
  if (!egl.choose_config(gl->display, config, &chosen, 1, &n) || n < 1 || !egl.bind_api(EGL_OPENGL_API)) {
    return "EGL: no desktop OpenGL";
  }

  gl->egl = egl.create_context(gl->display, chosen, EGL_NO_CONTEXT, NULL);
  if (!gl->egl) return "EGL: no context";
  if (!egl_make_current(gl)) return "EGL: its context needs a surface";

  make_global(egl_names);
  return NULL;
}

static void egl_release(loomGl* gl) {
  egl.make_current(gl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

static loomGlFunction egl_function(const char* name) {
  return (loomGlFunction)egl.get_address(name);
}

static void egl_close(loomGl* gl) {
  if (!gl->egl) return;
  egl_release(gl);
  egl.destroy_context(gl->display, gl->egl);
  gl->egl = NULL;
}

// ---- OSMesa

static bool osmesa_make_current(loomGl* gl) {
  return osmesa.make_current(gl->osmesa, gl->window, GL_UNSIGNED_BYTE, WINDOW_SIZE, WINDOW_SIZE);
}

static const char* osmesa_open(loomGl* gl) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_osmesa);

  if (!osmesa.found) return "OSMesa: no libOSMesa.so.8 or .6";

  // 24 bits of depth, 8 of stencil, as MuJoCo wants them.
  gl->osmesa = osmesa.create(OSMESA_RGBA, 24, 8, 0, NULL);
  if (!gl->osmesa) return "OSMesa: no context";
  if (!osmesa_make_current(gl)) return "OSMesa: its context cannot be made current";

  make_global(osmesa_names);
  return NULL;
}

static void osmesa_release(loomGl* gl) {
  (void)gl;
  osmesa.make_current(NULL, NULL, GL_UNSIGNED_BYTE, 0, 0);
}

static loomGlFunction osmesa_function(const char* name) {
  return (loomGlFunction)osmesa.get_address(name);
}

static void osmesa_close(loomGl* gl) {
  if (!gl->osmesa) return;
  osmesa_release(gl);
  osmesa.destroy(gl->osmesa);
  gl->osmesa = NULL;
}

static const glKind kinds[] = {
    {"egl", egl_open, egl_make_current, egl_release, egl_function, egl_close},
    {"osmesa", osmesa_open, osmesa_make_current, osmesa_release, osmesa_function, osmesa_close}};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

int loom_gl_create(loomGl** out, loomError* err) {
  const char* only = getenv("DEMOLOOM_GL");
  char why[600] = "";

  bool known = !only || !*only;
  *out = NULL;

  loomGl* gl = calloc(1, sizeof *gl);
  if (!gl) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an OpenGL context");

  // The first kind that works, or the one that the user asks for; the reasons of all that do not are told.
  for (int i = 0; i < KIND_COUNT; i++) {
    if (only && *only && strcmp(only, kinds[i].name)) continue;
    known = true;
    const char* problem = kinds[i].open(gl);
    if (!problem) {
      gl->kind = &kinds[i];
      *out = gl;
      return 0;
    }

    kinds[i].close(gl);
    snprintf(why + strlen(why), sizeof why - strlen(why), "%s%s", *why ? "; " : "", problem);

    // A device that was named is heeded or refused: software in its place would only be slow.
    if (kinds[i].open == egl_open && chosen_device()) break;
  }
  free(gl);
  if (!known) return loom_error_set(err, LOOM_ERR_USAGE, "DEMOLOOM_GL is egl or osmesa, not '%.100s'", only);
  if (chosen_device() && (!only || !*only || !strcmp(only, "egl")))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s; name one of them, none (any will do), or draw in software with "
                          "DEMOLOOM_GL=osmesa",
                          why);
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "no offscreen OpenGL here (%s); install libegl1, libegl-mesa0 and libgl1-mesa-dri, "
                        "or libosmesa6",
                        why);
}

int loom_gl_make_current(loomGl* gl, loomError* err) {
  if (gl->kind->make_current(gl)) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "the OpenGL context (%s) is gone", gl->kind->name);
}

void loom_gl_release(loomGl* gl) {
  gl->kind->release(gl);
}

loomGlFunction loom_gl_function(const loomGl* gl, const char* name) {
  return gl->kind->function(name);
}

const char* loom_gl_name(const loomGl* gl) {
  return gl->kind->name;
}

void loom_gl_destroy(loomGl* gl) {
  if (!gl) return;
  gl->kind->close(gl);
  free(gl);
}
