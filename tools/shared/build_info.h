// How this program was built, and with what.
#ifndef LOOM_TOOLS_SHARED_BUILD_INFO_H
#define LOOM_TOOLS_SHARED_BUILD_INFO_H

#include <stdbool.h>

/// Version, commit, MuJoCo, HDF5, OpenBLAS, compiler and its flags on stdout, a line each or as JSON.
void tool_print_build(bool json);

#endif
