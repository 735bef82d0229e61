// Internal. The libraries that read scans, loaded in the process that does: assimp for meshes, libjpeg-turbo
// for their textures. No other command waits for them, or meets their mistakes.
#ifndef LOOM_GENERATORS_TWIN_SCAN_LIBRARY_H
#define LOOM_GENERATORS_TWIN_SCAN_LIBRARY_H

#include <assimp/cimport.h>
#include <assimp/material.h>
#include <assimp/version.h>
#include <turbojpeg.h>

#include "engine/base/error.h"

// Each function once: the library it is in, and its name.
#define LOOM_SCAN_FUNCTIONS(F)      \
  F(assimp, aiGetErrorString)       \
  F(assimp, aiGetMaterialColor)     \
  F(assimp, aiGetMaterialString)    \
  F(assimp, aiGetVersionMajor)      \
  F(assimp, aiImportFileEx)         \
  F(turbojpeg, tjDecompress2)       \
  F(turbojpeg, tjDecompressHeader3) \
  F(turbojpeg, tjDestroy)           \
  F(turbojpeg, tjInitDecompress)

typedef struct loomScanLibrary {
#define LOOM_SCAN_MEMBER(library, name) __typeof__(name)* name;
  LOOM_SCAN_FUNCTIONS(LOOM_SCAN_MEMBER)
#undef LOOM_SCAN_MEMBER
} loomScanLibrary;

/// LOOM_ERR_UNSUPPORTED: one is not there, which is named.
int loom_scan_library_open(loomScanLibrary* out, loomError* err);

#endif
