// The model of a user's own task, which is trusted more than a stranger's: what it includes and the assets
// beside it are found, as MuJoCo would. The one place that decides how far its paths reach. Internal.
#ifndef LOOM_ENGINE_MODEL_OWN_MODEL_H
#define LOOM_ENGINE_MODEL_OWN_MODEL_H

#include "engine/model/model.h"

/// A file that a task itself names, seen from a folder (its own, or an asset root): LOOM_ERR_FORMAT when it
/// lies elsewhere, by `..` or by a symbolic link, and in none of the roots (nullable) either.
int loom_own_file_check(const char* dir, const char* file, const loomAssetRoots* roots, loomError* err);

/// Read the MJCF file `dir`/`file` of a task in the folder dir. *out, malloc'ed, is one text: files that it
/// includes are put in their places, and assets that lie beside it are named from dir; what includes nothing
/// and has none is as the file says. The file lies in dir; what it names may also lie in the folder that
/// holds dir (`../common/x.xml`) and in the roots (nullable), where what it includes is looked for last.
/// found (nullable): roots are added for assets outside of dir. LOOM_ERR_IO: a file is missing;
/// LOOM_ERR_FORMAT: it is no MJCF, out of reach, or included twice; LOOM_ERR_MEMORY.
int loom_own_model_read(char** out, const char* dir, const char* file, const loomAssetRoots* roots,
                        loomAssetRoots* found, loomError* err);

#endif
