// `demoloom twin export`.
#ifndef LOOM_TOOLS_COMMAND_TWIN_EXPORT_H
#define LOOM_TOOLS_COMMAND_TWIN_EXPORT_H

#include "engine/model/model.h"

/// Write a task's scene for other simulators, and say what went into it.
int twin_export(const char* folder, bool urdf, bool usd, const char* output, bool overwrite, bool json,
                loomAssetRoots* roots, loomError* err);

#endif
