// What a policy with eyes sees: pictures and point clouds. Datasets (demoloom render --obs) and rollouts have
// them from here, so that a policy meets what it was trained on. How they were made is kept as text: in a
// dataset as the attribute loom_sense of `data`, in a policy's file as the metadata `sense`.
#ifndef LOOM_ENGINE_OBSERVE_SENSE_H
#define LOOM_ENGINE_OBSERVE_SENSE_H

#include "engine/base/api.h"
#include "engine/draw/render.h"
#include "engine/observe/cloud.h"
#include "engine/observe/observer.h"

LOOM_C_BEGIN

#define LOOM_SENSE_ATTR "loom_sense"

typedef struct loomSenseDef {
  bool full;       // pictures of meshes and textures as they are, not simplified (engine/model/simplify.h)
  bool shadows;    // see loomRenderDef
  bool collision;  // see loomRenderDef
  loomCloudDef cloud;
} loomSenseDef;

/// Light pictures, as `demoloom render --obs` makes them; no cloud.
loomSenseDef loom_default_sense_def(void);
/// As YAML, malloc'ed; NULL when out of memory. Read again it is the same.
char* loom_sense_text(const loomSenseDef* def);
/// LOOM_ERR_FORMAT: label and key of what is wrong.
int loom_sense_parse(loomSenseDef* out, const char* text, const char* label, loomError* err);

/// A key that can be seen in an episode, by its name and the shape of its rows: height x width x channels
/// (rank 3), or points x 3 (rank 2). Where the model has no camera `table`, it is the free one of
/// loomRenderDef. LOOM_ERR_UNSUPPORTED: nothing that can be seen.
int loom_sense_key(loomObsKey* out, const loomSenseDef* def, const char* name, int rank, const int* shape,
                   loomError* err);

typedef struct loomSense loomSense;

/// All pictures have one size. LOOM_ERR_UNSUPPORTED otherwise.
int loom_sense_create(loomSense** out, const loomSenseDef* def, const loomObsKey* key, int n, loomError* err);
void loom_sense_destroy(loomSense* sense);
/// The model to look at from now on, from MJCF; nothing is done where the text is the last one's. What roots
/// and label are for: loom_model_compile. LOOM_ERR_USAGE names a camera that it lacks, LOOM_ERR_UNSUPPORTED
/// what is missing to draw.
int loom_sense_model(loomSense* sense, const char* xml, const char* label, const loomAssetRoots* roots,
                     loomError* err);
/// It looks as the episode does from now on, where that is disturbed, and otherwise as it is
/// (engine/sim/looks.h). LOOM_ERR_MEMORY.
int loom_sense_looks(loomSense* sense, const loomEpisode* episode, loomError* err);
/// The model itself.
const mjModel* loom_sense_model_of(const loomSense* sense);
/// out[i]: what key i shows at joint positions qpos (nq). Any thread may call, one at a time.
int loom_sense_look(void* const* out, loomSense* sense, const double* qpos, loomError* err);

LOOM_C_END

#endif
