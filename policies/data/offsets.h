// What a denoiser may say of a chunk of actions instead of where hands are to be: how far from where it sees
// them, in deviations of each row. The first rows of a chunk are centimeters from the hand and the last ones
// decimeters, all within a table's width: said as places, what is left to learn of the first rows is a
// hundredth of what the loss is made of. Relative trajectories are UMI's (Chi et al., "Universal Manipulation
// Interface", RSS 2024, section III); deviations of each row are our own.
#ifndef LOOM_POLICIES_DATA_OFFSETS_H
#define LOOM_POLICIES_DATA_OFFSETS_H

#include "engine/base/api.h"
#include "policies/data/normal.h"

LOOM_C_BEGIN

/// Of chunks of `rows` actions of `dim` numbers. Free with loom_offsets_destroy. Both sides scaled, an action
/// is
///
///   said * scale + middle + (from < 0 ? 0 : seen[from] * factor + shift).
typedef struct loomOffsets {
  int rows, dim;
  loomNormal normal;      // (rows x dim) of the actions less what they are told from, in their own units
  int32_t* from;          // (dim) the number of the newest row seen that an action is told from; -1 = none
  float *factor, *shift;  // (dim) that number on the actions' scaled side
  float *scale, *middle;  // (rows x dim)
} loomOffsets;

/// LOOM_ERR_MEMORY. Of nothing yet: `from` is -1.
int loom_offsets_create(loomOffsets* out, int rows, int dim, loomError* err);
void loom_offsets_destroy(loomOffsets* offsets);

/// `from` of a training set whose actions say where hands are to be, and whose keys say where these are:
/// positions by eefA@world or robotA_eef_pos, columns of rotations by the first. The other numbers stay as
/// they are.
void loom_offsets_find_hands(loomOffsets* offsets, const loomDataInfo* info, loomActionForm form);
/// All chunks of a demo, whose first row is `before` the newest row seen; past both ends its rows are held.
/// LOOM_ERR_MEMORY.
int loom_offsets_add(loomOffsets* offsets, const loomDataRows* demo, int low_dim, int before, loomError* err);
void loom_offsets_finish(loomOffsets* offsets, const loomNormal* obs, const loomNormal* actions);

enum { LOOM_OFFSETS_TENSORS = LOOM_NORMAL_TENSORS + 1 };

/// The tensors offsets.mean, .deviation, .low, .high (rows x dim, flat) and offsets.from (dim); they point
/// into *offsets.
void loom_offsets_tensors(loomSafeTensor out[LOOM_OFFSETS_TENSORS], loomOffsets* offsets);
/// From a policy's file, finished. LOOM_ERR_FORMAT: one is missing, of another size, or tells from what is
/// not seen.
int loom_offsets_read(loomOffsets* out, const loomSafetensors* file, int rows, int dim, const loomNormal* obs,
                      const loomNormal* actions, loomError* err);

LOOM_C_END

#endif
