// What reads a scan in the process aside: assimp's scene laid out on the shelf. Internal.
#ifndef LOOM_GENERATORS_TWIN_SCAN_DECODE_H
#define LOOM_GENERATORS_TWIN_SCAN_DECODE_H

#include "generators/twin/scan.h"
#include "generators/twin/scan_library.h"

/// A file that is read, and what it becomes.
typedef struct loomScanDecode {
  const void* bytes;
  size_t n;
  const char* path;
  const loomScanDef* def;
  loomScanLibrary library;  // of the child
} loomScanDecode;

/// The work of loomAsideDef: *result is a loomScan whose arrays lie on the shelf.
int loom_scan_decode(void* user, loomShelf* shelf, void** result, loomError* err);

/// A JPEG or PNG picture, top row first, halved until at most `most` pixels across; its pixels lie on the
/// shelf.
int loom_picture_decode(loomImage* out, const loomScanLibrary* library, const unsigned char* bytes, size_t n,
                        int most, loomShelf* shelf, loomError* err);

#endif
