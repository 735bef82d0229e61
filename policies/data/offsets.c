#include "policies/data/offsets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/data/data_internal.h"

// Room for all but the statistics.
static int make_room(loomOffsets* o, loomError* err) {
  size_t d = (size_t)o->dim, all = (size_t)o->rows * d;
  o->from = calloc(d + 1, sizeof *o->from);
  o->factor = calloc(2 * (d + all) + 1, sizeof *o->factor);
  if (!o->from || !o->factor)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the statistics of chunks of %d actions",
                          o->rows);

  o->shift = o->factor + d;
  o->scale = o->shift + d;
  o->middle = o->scale + all;
  for (int i = 0; i < o->dim; i++) o->from[i] = -1;
  return LOOM_OK;
}

int loom_offsets_create(loomOffsets* o, int rows, int dim, loomError* err) {
  *o = (loomOffsets){.rows = rows, .dim = dim};
  int code = loom_normal_create(&o->normal, rows * dim, err);
  if (!code) code = make_room(o, err);
  if (code) loom_offsets_destroy(o);
  return code;
}

void loom_offsets_destroy(loomOffsets* o) {
  loom_normal_destroy(&o->normal);
  free(o->from);
  free(o->factor);
  *o = (loomOffsets){0};
}

// ---- what is told from what

// Where a key's vector begins among the numbers of a row; -1: there is none of that name and size.
static int find_key(const loomDataInfo* info, const char* name, int dim) {
  for (int k = 0; k < info->key_count; k++)
    if (!strcmp(info->key[k].name, name) && info->key[k].dim == dim) return info->key[k].offset;
  return -1;
}

void loom_offsets_find_hands(loomOffsets* o, const loomDataInfo* info, loomActionForm form) {
  if (!form.absolute || info->arms < 1) return;
  int each = o->dim / info->arms;

  for (int a = 0; a < info->arms; a++) {
    char pose[32], place[32];
    snprintf(pose, sizeof pose, "eef%d@world", a);
    snprintf(place, sizeof place, "robot%d_eef_pos", a);

    // A pose among the keys is a position and two columns of a rotation (engine/observe/framed.h).
    int hand = find_key(info, pose, 9), at = hand >= 0 ? hand : find_key(info, place, 3);
    int known = hand >= 0 && form.columns ? 9 : at >= 0 ? 3 : 0;
    for (int i = 0; i < known; i++) o->from[a * each + i] = at + i;
  }
}

// ---- statistics

int loom_offsets_add(loomOffsets* o, const loomDataRows* demo, int low_dim, int before, loomError* err) {
  float* chunk = malloc((size_t)o->rows * (size_t)o->dim * sizeof *chunk);
  if (!chunk) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a chunk of %d actions", o->rows);

  for (int t = 0; t < demo->rows; t++) {
    const float* seen = demo->low + (size_t)t * (size_t)low_dim;

    for (int r = 0; r < o->rows; r++) {
      const float* action =
          demo->actions + (size_t)loom_data_held(t - before + r, demo->rows) * (size_t)o->dim;
      float* to = chunk + (size_t)r * (size_t)o->dim;
      for (int i = 0; i < o->dim; i++) to[i] = action[i] - (o->from[i] < 0 ? 0 : seen[o->from[i]]);
    }
    loom_normal_add(&o->normal, chunk, 1);
  }

  free(chunk);
  return LOOM_OK;
}

static void set_scales(loomOffsets* o, const loomNormal* obs, const loomNormal* actions) {
  const loomNormal* n = &o->normal;

  for (int i = 0; i < o->dim; i++) {
    int from = o->from[i];
    o->factor[i] = from < 0 ? 0 : actions->factor[i] / obs->factor[from];
    o->shift[i] = from < 0 ? 0 : actions->offset[i] - obs->offset[from] * o->factor[i];

    // An action's own zero is its shift's, or, told from nothing, its middle's.
    float zero = from < 0 ? actions->offset[i] : 0;
    for (int k = i; k < o->rows * o->dim; k += o->dim) {
      o->scale[k] = actions->factor[i] / n->factor[k];
      o->middle[k] = zero - n->offset[k] * o->scale[k];
    }
  }
}

void loom_offsets_finish(loomOffsets* o, const loomNormal* obs, const loomNormal* actions) {
  loom_normal_finish(&o->normal, LOOM_NORMAL_STANDARD);
  set_scales(o, obs, actions);
}

// ---- in a policy's file

static const char prefix[] = "offsets", from_name[] = "offsets.from";

void loom_offsets_tensors(loomSafeTensor out[LOOM_OFFSETS_TENSORS], loomOffsets* o) {
  loom_normal_tensors(out, &o->normal, prefix);
  out[LOOM_NORMAL_TENSORS] = (loomSafeTensor){
      .name = from_name, .type = LOOM_SAFE_I32, .rank = 1, .shape = {o->dim}, .data = o->from};
}

int loom_offsets_read(loomOffsets* o, const loomSafetensors* file, int rows, int dim, const loomNormal* obs,
                      const loomNormal* actions, loomError* err) {
  *o = (loomOffsets){.rows = rows, .dim = dim};
  int code = loom_normal_read(&o->normal, file, prefix, rows * dim, LOOM_NORMAL_STANDARD, err);
  if (!code) code = make_room(o, err);

  const loomSafeTensor* from = loom_safetensors_find(file, from_name);
  if (code) {
    loom_offsets_destroy(o);
    return code;
  }
  if (!from || from->type != LOOM_SAFE_I32 || from->rank != 1 || from->shape[0] != dim)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "the policy has no '%s' of %d numbers; train it anew",
                          from_name, dim);
  else
    memcpy(o->from, from->data, (size_t)dim * sizeof *o->from);

  for (int i = 0; !code && i < dim; i++)
    if (o->from[i] < -1 || o->from[i] >= obs->dim)
      code = loom_error_set(err, LOOM_ERR_FORMAT,
                            "the policy's '%s' tells action %d from number %d of %d; train it "
                            "anew",
                            from_name, i, (int)o->from[i], obs->dim);

  if (code)
    loom_offsets_destroy(o);
  else
    set_scales(o, obs, actions);
  return code;
}
