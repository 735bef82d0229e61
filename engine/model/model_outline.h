// Outlines of models: everything of them but what their mesh and texture files hold. An outline compiles in
// milliseconds, and where the outlines of two demos differ, so do their models: one model can be brought from
// demo to demo without reading a mesh again. Internal.
#ifndef LOOM_ENGINE_MODEL_MODEL_OUTLINE_H
#define LOOM_ENGINE_MODEL_MODEL_OUTLINE_H

#include "engine/model/model.h"

/// A few bytes that MuJoCo takes in place of a mesh or texture file of this name; NULL for other files.
const void* loom_stand_in(mjtObj kind, const char* path, int* size);

/// Bring `model`, compiled from before_xml (and perhaps made lighter since), to after_xml, whose outlines
/// (loomModelDef.outline) these are. false, and nothing is changed, when more differs than sizes, places and
/// the like: then it has to be compiled. Only for drawing: the BVH is no longer used, and what MuJoCo works
/// out of meshes (masses where none are given, statistics) stays as it was.
bool loom_model_adapt(mjModel* model, const mjModel* before, const char* before_xml, const mjModel* after,
                      const char* after_xml);

#endif
