#include "policies/network/encoder.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { IMAGES_AT_ONCE = 64 };  // images whose activations are held

int loom_visual_dim(const loomVisualKey* key) {
  int dim = 1;
  for (int i = 0; i < key->rank; i++) dim *= key->shape[i];
  return dim;
}

static bool between(int value, int low, int high) {
  return value >= low && value <= high;
}

int loom_visual_check(const loomVisualKey* key, loomError* err) {
  const int* s = key->shape;

  if (key->rank == 3) {
    if (between(s[0], 1, 16) && between(s[1], 16, 2048) && between(s[2], 16, 2048)) return 0;
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "observation '%s' has rows of %d x %d x %d; images are height x width x channels, 16 "
        "to 2048 pixels a side, 1 to 16 channels",
        key->name, s[1], s[2], s[0]);
  }

  if (key->rank == 2 && between(s[0], 1, 65536) && between(s[1], 3, 16)) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "observation '%s' has rows of %d x %d; point clouds are points x 3 to 16 numbers, at "
                        "most 65536 points",
                        key->name, key->rank == 2 ? s[0] : 0, key->rank == 2 ? s[1] : 0);
}

static int cropped(int size, double share) {
  int kept = (int)lround(size * share);
  return kept < 1 ? 1 : kept;
}

static void declare_part(loomEncoderPart* part, loomParams* params, const loomEncoderConfig* c) {
  char prefix[LOOM_PARAM_NAME];
  const loomVisualKey* key = &part->key;

  snprintf(prefix, sizeof prefix, "encoder.%.60s.", key->name);

  if (key->rank == 3) {
    loomResnetDef def = {.channels = key->shape[0],
                         .height = cropped(key->shape[1], c->crop),
                         .width = cropped(key->shape[2], c->crop),
                         .blocks = c->channels.n - 1,
                         .keypoints = c->keypoints,
                         .out = c->features};
    for (int i = 0; i < c->channels.n; i++) def.sizes[i] = c->channels.size[i];
    loom_resnet_declare(&part->resnet, params, &def, prefix);
  } else {
    loomPointnetDef def = {.points = key->shape[0], .layers = c->points.n, .out = c->features};
    def.sizes[0] = key->shape[1];
    for (int i = 0; i < c->points.n; i++) def.sizes[i + 1] = c->points.size[i];
    loom_pointnet_declare(&part->pointnet, params, &def, prefix);
  }
}

int loom_encoder_create(loomEncoder* out, loomParams* params, const loomEncoderDef* def, loomError* err) {
  *out = (loomEncoder){.count = def->count, .features = def->config.features};

  for (int i = 0; i < def->count; i++) {
    int code = loom_visual_check(&def->key[i], err);
    if (code) return code;
  }

  out->part = calloc((size_t)def->count + 1, sizeof *out->part);
  if (!out->part) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");

  for (int i = 0; i < def->count; i++) {
    out->part[i].key = def->key[i];
    declare_part(&out->part[i], params, &def->config);
  }
  return 0;
}

int loom_encoder_copy(loomEncoder* out, const loomEncoder* from, loomError* err) {
  *out = *from;
  out->part = calloc((size_t)from->count + 1, sizeof *out->part);
  if (!out->part) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");
  memcpy(out->part, from->part, (size_t)from->count * sizeof *out->part);
  return 0;
}

void loom_encoder_destroy(loomEncoder* encoder) {
  free(encoder->part);
  *encoder = (loomEncoder){0};
}

void loom_encoder_init(const loomEncoder* encoder, loomParams* params, loomRandom* random) {
  for (int i = 0; i < encoder->count; i++) {
    const loomEncoderPart* part = &encoder->part[i];
    if (part->key.rank == 3)
      loom_resnet_init(&part->resnet, params, random);
    else
      loom_pointnet_init(&part->pointnet, params, random);
  }
}

static size_t picture_size(const loomResnetDef* def) {
  return (size_t)def->channels * (size_t)def->height * (size_t)def->width;
}

void loom_encoder_layout(loomEncoder* encoder, loomArena* arena, int n) {
  encoder->chunk = n < IMAGES_AT_ONCE ? n : IMAGES_AT_ONCE;
  for (int i = 0; i < encoder->count; i++) {
    loomEncoderPart* part = &encoder->part[i];
    if (part->key.rank == 3) {
      part->corner = loom_arena_int(arena, 2 * (size_t)n);
      part->picture = loom_arena_real(arena, (size_t)encoder->chunk * picture_size(&part->resnet.def));
      loom_resnet_layout(&part->resnet, arena, encoder->chunk);
    } else {
      loom_pointnet_layout(&part->pointnet, arena, n, n > 1 ? omp_get_max_threads() : 1);
    }
  }
}

// ---- images

static void draw_corners(loomEncoderPart* part, int n, loomRandom* random) {
  const loomResnetDef* def = &part->resnet.def;

  int down = part->key.shape[1] - def->height, right = part->key.shape[2] - def->width;
  for (int i = 0; i < n; i++) {
    part->corner[2 * i] = random ? loom_random_index(random, down + 1) : down / 2;
    part->corner[2 * i + 1] = random ? loom_random_index(random, right + 1) : right / 2;
  }
}

// Rows first .. first + n - 1 of x, cropped, as the network wants them.
static void cut_out(loomEncoderPart* part, const loomReal* x, int first, int n) {
  const loomResnetDef* def = &part->resnet.def;
  const int* shape = part->key.shape;
#pragma omp parallel for schedule(static) if ((size_t)n * picture_size(def) >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n; i++) {
    const int* corner = part->corner + 2 * (ptrdiff_t)(first + i);
    loomReal* to = part->picture + (size_t)i * picture_size(def);

    for (int c = 0; c < def->channels; c++) {
      const loomReal* plane = x + ((ptrdiff_t)(first + i) * shape[0] + c) * shape[1] * shape[2];
      for (int row = 0; row < def->height; row++, to += def->width) {
        // From 0 .. 1 to -1 .. 1.
        const loomReal* from = plane + (ptrdiff_t)(corner[0] + row) * shape[2] + corner[1];
        for (int k = 0; k < def->width; k++) to[k] = 2 * from[k] - 1;
      }
    }
  }
}

static int chunk_at(const loomEncoder* encoder, int first, int n) {
  return n - first < encoder->chunk ? n - first : encoder->chunk;
}

static const loomReal* see_chunk(loomEncoderPart* part, const loomParams* p, const loomReal* x, int first,
                                 int n) {
  cut_out(part, x, first, n);
  return loom_resnet_forward(&part->resnet, p, part->picture, n);
}

// ---- features in and out of the rows

static void put_features(loomReal* out, int stride, const loomReal* y, int n, int features) {
  for (ptrdiff_t i = 0; i < n; i++) memcpy(out + i * stride, y + i * features, (size_t)features * sizeof *y);
}

// The gradients of n rows' features side by side, where the features themselves were.
static const loomReal* take_features(loomReal* y, const loomReal* dout, int stride, int n, int features) {
  for (ptrdiff_t i = 0; i < n; i++) memcpy(y + i * features, dout + i * stride, (size_t)features * sizeof *y);
  return y;
}

void loom_encoder_forward(loomReal* out, int stride, loomEncoder* encoder, const loomParams* p,
                          const loomReal* const* visual, int n, loomRandom* random) {
  int features = encoder->features;
  for (int k = 0; k < encoder->count; k++, out += features) {
    loomEncoderPart* part = &encoder->part[k];
    if (part->key.rank == 2) {
      put_features(out, stride, loom_pointnet_forward(&part->pointnet, p, visual[k], n), n, features);
      continue;
    }

    // Images chunk by chunk: activations of all at once would not fit.
    draw_corners(part, n, random);
    for (int first = 0; first < n; first += encoder->chunk) {
      int count = chunk_at(encoder, first, n);
      put_features(out + (ptrdiff_t)first * stride, stride, see_chunk(part, p, visual[k], first, count),
                   count, features);
    }
  }
}

void loom_encoder_backward(loomEncoder* encoder, loomParams* p, const loomReal* dout, int stride,
                           const loomReal* const* visual, int n) {
  int features = encoder->features;
  for (int k = 0; k < encoder->count; k++, dout += features) {
    loomEncoderPart* part = &encoder->part[k];
    if (part->key.rank == 2) {
      const loomReal* dy = take_features(part->pointnet.y, dout, stride, n, features);
      loom_pointnet_backward(&part->pointnet, p, dy, visual[k], n);
      continue;
    }

    // Of one chunk the activations are still there.
    for (int first = 0; first < n; first += encoder->chunk) {
      int count = chunk_at(encoder, first, n);
      if (n > encoder->chunk) see_chunk(part, p, visual[k], first, count);

      const loomReal* dy =
          take_features(part->resnet.y, dout + (ptrdiff_t)first * stride, stride, count, features);

      loom_resnet_backward(&part->resnet, p, dy, part->picture, count);
    }
  }
}
