#include "generators/twin/scan_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

enum { assimp, turbojpeg, LIBRARY_COUNT };

// Of these major versions: structs differ from one to the next.
static const struct {
  const char *file, *package;
} libraries[LIBRARY_COUNT] = {
    [assimp] = {"libassimp.so.5", "libassimp5"},
    [turbojpeg] = {"libturbojpeg.so.0", "libturbojpeg0"},
};

// A function as the type its caller has: C has no cast from a data pointer.
static bool find_function(void* function, void* library, const char* name) {
  void* address = dlsym(library, name);
  memcpy(function, &address, sizeof address);
  return address;
}

int loom_scan_library_open(loomScanLibrary* out, loomError* err) {
  void* library[LIBRARY_COUNT];

  // They stay open until the process ends.
  for (int i = 0; i < LIBRARY_COUNT; i++) {
    library[i] = dlopen(libraries[i].file, RTLD_NOW | RTLD_LOCAL);
    if (!library[i])
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "scans are read by %s, which is not there; install %s",
                            libraries[i].file, libraries[i].package);
  }

  bool found = true;
#define FIND_FUNCTION(from, name) found = find_function(&out->name, library[from], #name) && found;
  LOOM_SCAN_FUNCTIONS(FIND_FUNCTION)
#undef FIND_FUNCTION
  if (found) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "scans: %s or %s lacks a function; install libassimp5 5.2 and libturbojpeg0",
                        libraries[assimp].file, libraries[turbojpeg].file);
}
