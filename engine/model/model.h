// Models: from the MJCF text in a demonstration file to a compiled mjModel. The text may come from a
// stranger, so it is read with no network, no entity and no file access; every asset it names is looked up
// inside the folders the user named (asset roots) and handed to MuJoCo as bytes. MuJoCo itself opens no file.
#ifndef LOOM_ENGINE_MODEL_MODEL_H
#define LOOM_ENGINE_MODEL_MODEL_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

/// A named folder assets may be read from.
typedef struct loomAssetRoot {
  char* name;  // "robosuite"
  char* path;  // absolute, symbolic links resolved
} loomAssetRoot;

/// The folders assets may be read from, tried in order. Zero-initialize; free with loom_asset_roots_destroy.
typedef struct loomAssetRoots {
  int n;
  loomAssetRoot* root;  // (n)
} loomAssetRoots;

/// Add a root (a second one of the same name is tried after the first). dir may be the folder that holds
/// models/assets, models/assets itself, or any other folder. Errors: LOOM_ERR_IO (no such folder),
/// LOOM_ERR_USAGE (empty or odd name), LOOM_ERR_MEMORY.
int loom_asset_roots_add(loomAssetRoots* roots, const char* name, const char* dir, loomError* err);

/// The same from "NAME=DIR", as --assets takes it.
int loom_asset_roots_add_option(loomAssetRoots* roots, const char* option, loomError* err);

/// Its own copy. LOOM_ERR_MEMORY.
int loom_asset_roots_copy(loomAssetRoots* out, const loomAssetRoots* roots, loomError* err);

void loom_asset_roots_destroy(loomAssetRoots* roots);

/// How much simpler a model is made that is only drawn.
typedef struct loomSimplifyDef {
  double error;   // largest deviation, as a share of a mesh's extent; default 0.004
  double most;    // nor more than this, m: of large meshes thin parts would go, and their ends float; 0 = any
  int min_faces;  // meshes with fewer triangles stay as they are; default 200
  int texture;    // textures are halved until they are at most so many pixels across; default 512
  bool colliding;  // meshes that something collides with as well; default false
} loomSimplifyDef;

loomSimplifyDef loom_default_simplify_def(void);

/// How a model is compiled.
typedef struct loomModelDef {
  bool visual;   // keep what is only seen: false leaves out geoms without contacts, their meshes and
                 // textures; the physics is the same bit for bit
  bool keep;     // keep the compiled model below the home folder, and take it from there next time
  bool aside;    // a child process compiles what is kept, and takes the memory for it: only where no other
                 // thread of this process works, as the child has its locks but not the thread
  bool outline;  // meshes and textures are stand-ins of a few bytes (engine/model/model_outline.h)
  const loomSimplifyDef* simplify;  // to be drawn only: fewer triangles and pixels; NULL = as it is
  int64_t max_xml_bytes;            // a longer text is refused
  int64_t max_asset_bytes;          // a larger asset file is refused
  int64_t max_assets_bytes;         // so is a model whose assets together exceed this
  int apart_count;                  // pairs of bodies between which no contacts are looked for,
  const char* const* apart;  // (2 x apart_count) their names; a pair of which the model lacks one is skipped
} loomModelDef;

/// visual true, 16 MiB of XML, 256 MiB an asset, 1 GiB in all.
loomModelDef loom_default_model_def(void);

/// Give back what compiling has left behind: MuJoCo's cache of assets and the heap's free pages. A later
/// compile reads its assets anew.
void loom_model_forget_assets(void);

/// Compile MJCF text. label names it in messages ("demo.hdf5:data/demo_3"); roots may be NULL (no file is
/// found then); def may be NULL (defaults). On success *out is the model, free it with mj_deleteModel; NULL
/// on error. Errors: LOOM_ERR_FORMAT (not MJCF; MuJoCo's compiler refuses it; path outside the roots),
/// LOOM_ERR_IO (an asset is missing or unreadable: its name, element and the roots tried are told),
/// LOOM_ERR_UNSUPPORTED (plugins, includes, attached models), LOOM_ERR_MEMORY, LOOM_ERR_SIM.
int loom_model_compile(mjModel** out, const char* xml, const char* label, const loomAssetRoots* roots,
                       const loomModelDef* def, loomError* err);

/// 0 when both models are equal byte for byte, else 1 with the first field that differs in what (may be
/// NULL), "geom_size[12]: 0.1 != 0.2", or "nq: 3 != 4".
int loom_model_compare(const mjModel* a, const mjModel* b, char* what, int what_size);

/// Rewrite the asset paths of MJCF text to the portable form: "robosuite/models/assets/..." for what lies
/// under robosuite's assets (robosuite, robomimic and MimicGen look for the last component "robosuite"), so
/// that no home folder of the machine it was recorded on remains. Relative paths and everything else stay as
/// they are. *out is malloc'ed. Errors: LOOM_ERR_FORMAT, LOOM_ERR_MEMORY.
int loom_mjcf_portable(char** out, const char* xml, const char* label, loomError* err);

LOOM_C_END

#endif
