#include "engine/draw/libav.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

// "libavcodec.so.59": structs differ from one major version to the next, so no other one will do.
#define LIBRARY_FILE(name, version) "lib" name ".so." AV_STRINGIFY(version)

enum { avutil, swscale, avcodec, avformat, LIBRARY_COUNT };

static const char* const library_files[LIBRARY_COUNT] = {
    [avutil] = LIBRARY_FILE("avutil", LIBAVUTIL_VERSION_MAJOR),
    [swscale] = LIBRARY_FILE("swscale", LIBSWSCALE_VERSION_MAJOR),
    [avcodec] = LIBRARY_FILE("avcodec", LIBAVCODEC_VERSION_MAJOR),
    [avformat] = LIBRARY_FILE("avformat", LIBAVFORMAT_VERSION_MAJOR),
};

loomLibav loom_libav;
static char missing[128];  // the library or function that was not found; "" = all are there

// A function as the type its caller has: C has no cast from a data pointer.
static void find_function(void* function, void* library, const char* name) {
  void* address = dlsym(library, name);
  memcpy(function, &address, sizeof address);
  if (!address && !*missing) snprintf(missing, sizeof missing, "%s", name);
}

static void load_libraries(void) {
  void* library[LIBRARY_COUNT];

  // They stay open until the process ends.
  for (int i = 0; i < LIBRARY_COUNT; i++) {
    library[i] = dlopen(library_files[i], RTLD_LAZY | RTLD_LOCAL);
    if (library[i]) continue;
    snprintf(missing, sizeof missing, "%s", library_files[i]);
    return;
  }

#define FIND_FUNCTION(from, name) find_function(&loom_libav.name, library[from], #name);
  LOOM_LIBAV_FUNCTIONS(FIND_FUNCTION)
#undef FIND_FUNCTION
}

int loom_libav_open(loomError* err) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_libraries);

  if (!*missing) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "videos need FFmpeg's libraries, and %s is not there; install libavformat%d and "
                        "libswscale%d",
                        missing, LIBAVFORMAT_VERSION_MAJOR, LIBSWSCALE_VERSION_MAJOR);
}
