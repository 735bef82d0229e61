// A scan as it was read from a GLB, OBJ, PLY or STL file: triangles, materials, textures. Reading is done
// aside (engine/base/aside.h). Internal.
#ifndef LOOM_GENERATORS_TWIN_SCAN_H
#define LOOM_GENERATORS_TWIN_SCAN_H

#include "engine/base/aside.h"
#include "engine/draw/image.h"
#include "generators/twin/mesh.h"

enum { LOOM_SCAN_NAME = 64, LOOM_SCAN_MATERIALS = 64 };

typedef struct loomScanMaterial {
  double rgba[4];
  loomImage image;          // its texture; rgb is NULL where there is none
  char why[LOOM_PATH_MAX];  // the texture that it names could not be read; "" = it could
} loomScanMaterial;

/// Zeroed: empty.
typedef struct loomScan {
  loomMesh mesh;  // all meshes of the file, where its nodes put them, as the file's axes and units have them
  int nmaterial;
  loomScanMaterial material[LOOM_SCAN_MATERIALS];
} loomScan;

typedef struct loomScanDef {
  int max_faces;   // more are refused; default 20 million
  int texture;     // textures are halved until so many pixels across at most; default 2048
  double seconds;  // of CPU for reading it at most; default 120
  bool (*wait)(void* user, double seconds);  // as loomAsideDef's
  void* wait_user;
} loomScanDef;

loomScanDef loom_default_scan_def(void);

/// Read a file. Textures and materials beside it are read where they lie in its folder or below. LOOM_ERR_IO,
/// LOOM_ERR_FORMAT (damaged; no triangles; too many; vertices that are no numbers), LOOM_ERR_UNSUPPORTED
/// (another kind of file; a library is missing), LOOM_ERR_MEMORY, LOOM_ERR_INTERRUPTED.
int loom_scan_read(loomScan* out, const char* path, const loomScanDef* def, loomError* err);
/// The same of n bytes, as though they were the file `path`.
int loom_scan_read_bytes(loomScan* out, const void* bytes, size_t n, const char* path, const loomScanDef* def,
                         loomError* err);
void loom_scan_destroy(loomScan* scan);

/// Which axis is up in files of such a name where nobody says: 'y' in GLB and OBJ, 'z' in PLY and STL. 0:
/// it is no kind of file that is read.
char loom_scan_up(const char* path);

#endif
