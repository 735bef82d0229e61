// An input that is several files: parts begun by lines `==== NAME`. Internal to the tests.
#ifndef LOOM_TESTS_FUZZ_PARTS_H
#define LOOM_TESTS_FUZZ_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { MAX_PARTS = 16, PART_NAME = 32 };

typedef struct Part {
  char name[PART_NAME];
  const char* text;  // not terminated
  size_t size;
} Part;

/// What stands before the first such line has no name. Names are letters, digits, _ and dots inside; other
/// lines begin no part. Returns how many there are.
int split_parts(Part out[MAX_PARTS], const uint8_t* data, size_t size);

/// A copy of the part of that name that ends with a NUL, malloc'ed; NULL where there is none.
char* part_text(const Part* part, int n, const char* name);

/// A folder of this process alone, in memory where there is such a disk.
const char* own_folder(void);
/// FOLDER/NAME, in turn in one of a few buffers.
const char* own_path(const char* name);
/// A file in it; no memory or no room on the disk ends the program.
void write_own(const char* name, const void* bytes, size_t size);

/// An error has a code below 0 and one line that says why; else the program aborts.
void check_error(int code, const loomError* err);

#endif
