// Object size variation: another hammer in the same scene, in about a millisecond, without compiling the
// scene. A variation is bound once to a scene's MJCF and one object in it; apply() then edits the object's
// geoms, infers its inertia from their densities and patches a compiled model in place. The patched model
// equals, byte for byte, the one that compiling the text apply() gives out would make.
#ifndef LOOM_ENGINE_MODEL_VARIATION_H
#define LOOM_ENGINE_MODEL_VARIATION_H

#include <mujoco/mujoco.h>
#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

enum { LOOM_GEOM_NAME_MAX = 128 };

/// What changes of one geom of the object. Only flagged fields do.
typedef struct loomGeomEdit {
  char geom[LOOM_GEOM_NAME_MAX];
  bool has_size, has_pos, has_density, has_friction;
  double size[3];      // half-sizes as MJCF takes them for the geom's type, m; unused entries 0
  double pos[3];       // in the object's frame, m
  double density;      // kg/m^3; of a geom without contacts it is ignored: such geoms carry no mass
  double friction[3];  // sliding, torsional (m), rolling (m)
} loomGeomEdit;

/// One object of one scene. Opaque; read-only after bind, so threads may share it.
typedef struct loomVariation loomVariation;

/// Bind to the object whose <body name="body"> stands directly in the worldbody of xml, has one free joint,
/// no child bodies and only primitive geoms. label names the text in messages. Errors: LOOM_ERR_FORMAT (not
/// MJCF), LOOM_ERR_USAGE (no such body), LOOM_ERR_UNSUPPORTED (not such an object), LOOM_ERR_MEMORY.
int loom_variation_bind(loomVariation** out, const char* xml, const char* label, const char* body,
                        loomError* err);
void loom_variation_destroy(loomVariation* variation);

/// The density, kg/m^3, that gives the recorded mass: the object's recorded mass over the sum of volume *
/// ratio, where ratio[i] weighs geom[i] (NULL: all 1) and geoms not listed weigh nothing. Errors:
/// LOOM_ERR_USAGE (unknown geom), LOOM_ERR_FORMAT (no mass recorded).
int loom_variation_density(double* out, const loomVariation* variation, const char* const* geom,
                           const double* ratio, int n, loomError* err);

/// Change m, this worker's own model compiled from the bound text (with visuals or without), in place.
/// scratch is a mjData of m: its content is lost. When no edit gives a density, the
/// recorded inertial stays; when any does, every geom with contacts must have one, and mass and inertia are
/// inferred from them. *out_xml (may be NULL) is the whole scene's MJCF after the change, malloc'ed. Every
/// apply starts from the recorded object, so edits do not add up. Errors: LOOM_ERR_USAGE (unknown geom, a
/// size or density that is not positive and finite, a density missing), LOOM_ERR_SIM (MuJoCo refuses it),
/// LOOM_ERR_MEMORY; m is then unchanged.
int loom_variation_apply(const loomVariation* variation, const loomGeomEdit* edits, int n, mjModel* m,
                         mjData* scratch, char** out_xml, loomError* err);

LOOM_C_END

#endif
