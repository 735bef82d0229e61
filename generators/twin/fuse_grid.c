// The grid of voxels: blocks in a hash table, and a picture put into those that it sees.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"
#include "generators/twin/fuse_work.h"

enum { FULL = 32767, MOST_WEIGHT = 60000, CHUNK = 64 };

int loom_grid_create(loomGrid* g, double voxel, double cut, int memory_mb, loomError* err) {
  *g = (loomGrid){.voxel = voxel, .cut = cut, .slots = 1 << 12};
  g->most =
      (int)((double)memory_mb * 1048576 / (double)(sizeof(loomBlock) + sizeof(loomBlock*) + 2 * sizeof(int)));
  g->slot = malloc((size_t)g->slots * sizeof *g->slot);
  if (!g->slot) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for voxels");
  for (int i = 0; i < g->slots; i++) g->slot[i] = -1;
  return 0;
}

void loom_grid_destroy(loomGrid* g) {
  for (int i = 0; i < g->n; i++) free(g->block[i]);
  free(g->block);
  free(g->slot);
  *g = (loomGrid){0};
}

// ---- the table

static unsigned slot_of(const loomGrid* g, const int at[3]) {
  uint64_t h = (uint64_t)(uint32_t)at[0] * 73856093u ^ (uint64_t)(uint32_t)at[1] * 19349663u ^
               (uint64_t)(uint32_t)at[2] * 83492791u;
  h ^= h >> 17;
  return (unsigned)(h & (uint64_t)(g->slots - 1));
}

// Where it is, or the empty place where it would be.
static int* place_of(const loomGrid* g, const int at[3]) {
  unsigned i = slot_of(g, at);
  while (g->slot[i] >= 0 && memcmp(g->block[g->slot[i]]->at, at, 3 * sizeof *at) != 0)
    i = (i + 1) & (unsigned)(g->slots - 1);
  return &g->slot[i];
}

int loom_grid_number(const loomGrid* g, const int at[3]) {
  return *place_of(g, at);
}

loomBlock* loom_grid_find(const loomGrid* g, const int at[3]) {
  int i = *place_of(g, at);
  return i < 0 ? NULL : g->block[i];
}

static int grow_table(loomGrid* g, loomError* err) {
  if (g->n + 1 < g->slots / 2) return 0;
  int* old = g->slot;
  g->slot = malloc(2 * (size_t)g->slots * sizeof *g->slot);
  if (!g->slot) {
    g->slot = old;
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for voxels");
  }

  free(old);
  g->slots *= 2;
  for (int i = 0; i < g->slots; i++) g->slot[i] = -1;
  for (int i = 0; i < g->n; i++) *place_of(g, g->block[i]->at) = i;

  return 0;
}

static int make_block(loomBlock** out, loomGrid* g, const int at[3], loomError* err) {
  *out = NULL;
  if (g->n >= g->most)
    return loom_error_set(
        err, LOOM_ERR_MEMORY,
        "voxels of %g m take more than the memory they may: give a larger --voxel or --memory, or "
        "a smaller --far",
        g->voxel);
  int code = grow_table(g, err);
  if (!code && g->n == g->room) {
    int room = g->room ? 2 * g->room : 1024;
    loomBlock** more = realloc(g->block, (size_t)room * sizeof *more);
    if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for voxels");
    g->block = more;
    g->room = room;
  }
  loomBlock* b = code ? NULL : calloc(1, sizeof *b);
  if (code || !b) return code ? code : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for voxels");
  memcpy(b->at, at, sizeof b->at);
  b->seen = -1;
  *place_of(g, at) = g->n;
  g->block[g->n++] = b;
  *out = b;

  return 0;
}

// ---- blocks that a picture sees

/// Blocks of one picture.
typedef struct seen {
  const loomFuseView* view;
  loomGrid* grid;
  int n, room;
  int* block;            // (n) numbers
  double inverse[3][4];  // T_camera_world
} seen;

static int note_block(seen* s, const double p[3], loomError* err) {
  const double size = s->grid->voxel * LOOM_BLOCK;
  int at[3], code = 0;
  for (int k = 0; k < 3; k++) {
    double x = floor(p[k] / size);
    if (!(fabs(x) < 1e6)) return 0;
    at[k] = (int)x;
  }
  int i = *place_of(s->grid, at);
  loomBlock* b = i < 0 ? NULL : s->grid->block[i];
  if (!b) {
    code = make_block(&b, s->grid, at, err);
    i = s->grid->n - 1;
  }
  if (code || b->seen == s->view->number) return code;
  b->seen = s->view->number;
  if (s->n == s->room) {
    int room = s->room ? 2 * s->room : 4096;
    int* more = realloc(s->block, (size_t)room * sizeof *more);
    if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for voxels");
    s->block = more;
    s->room = room;
  }
  s->block[s->n++] = i;

  return 0;
}

// All blocks within `cut` of a surface, along the rays of the pixels.
static int find_blocks(seen* s, loomError* err) {
  const loomFuseView* v = s->view;
  const double size = s->grid->voxel * LOOM_BLOCK;
  int code = 0;
  for (int y = 0; !code && y < v->height; y++)
    for (int x = 0; !code && x < v->width; x++) {
      double z = (double)v->depth[(size_t)y * (size_t)v->width + (size_t)x];
      if (!(z > 0)) continue;

      // Pixels closer to one another than half a block say the same.
      int skip = (int)fmax(1, floor(0.25 * size * v->camera.fx / z));
      if (x % skip || y % skip) continue;
      double ray[3] = {(x - v->camera.cx) / v->camera.fx, (y - v->camera.cy) / v->camera.fy, 1}, world[3];
      loom_quat_rotate(world, v->pose.quat, ray);
      double length = sqrt(ray[0] * ray[0] + ray[1] * ray[1] + 1),
             reach = (s->grid->cut + s->grid->voxel) / length;
      int steps = (int)ceil(2 * reach * length / (0.4 * size)) + 1;
      for (int i = 0; !code && i <= steps; i++) {
        double at = z + reach * (2.0 * i / steps - 1), p[3];
        for (int k = 0; k < 3; k++) p[k] = v->pose.pos[k] + at * world[k];
        code = note_block(s, p, err);
      }
    }

  return code;
}

// ---- a picture put into them

static void add_to_voxel(loomVoxel* to, const loomFuseView* v, const double p[3], double cut) {
  double u = v->camera.fx * p[0] / p[2] + v->camera.cx, w = v->camera.fy * p[1] / p[2] + v->camera.cy;
  if (!(u > -0.5 && w > -0.5 && u < v->width - 0.5 && w < v->height - 0.5)) return;
  size_t pixel = (size_t)(w + 0.5) * (size_t)v->width + (size_t)(u + 0.5);
  double z = (double)v->depth[pixel];
  if (!(z > 0)) return;

  // Along the ray; what lies far behind what is seen is not known.
  double off = (z - p[2]) * sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) / p[2];
  if (off < -cut) return;
  off = fmin(off, cut) / cut;

  // The noise of depth cameras grows with the distance: nearer counts for more.
  int more = (int)fmin(fmax(8 / (z * z), 1), 64), had = to->weight, sum = had + more;
  double share = (double)more / sum;
  to->distance = (int16_t)lrint(to->distance + share * (FULL * off - to->distance));
  for (int k = 0; k < 3; k++)
    to->color[k] =
        (uint16_t)lrint(to->color[k] + share * (256.0 * v->color[3 * pixel + (size_t)k] - to->color[k]));
  to->weight = (uint16_t)(sum > MOST_WEIGHT ? MOST_WEIGHT : sum);
}

static void add_to_block(const seen* s, loomBlock* b) {
  const double h = s->grid->voxel;
  for (int i = 0; i < LOOM_BLOCK_VOXELS; i++) {
    const int in[3] = {i % LOOM_BLOCK, i / LOOM_BLOCK % LOOM_BLOCK, i / (LOOM_BLOCK * LOOM_BLOCK)};
    double world[3], p[3];
    for (int k = 0; k < 3; k++) world[k] = h * (b->at[k] * LOOM_BLOCK + in[k]);
    for (int k = 0; k < 3; k++)
      p[k] = s->inverse[k][0] * world[0] + s->inverse[k][1] * world[1] + s->inverse[k][2] * world[2] +
             s->inverse[k][3];
    if (p[2] > 1e-3) add_to_voxel(&b->voxel[i], s->view, p, s->grid->cut);
  }
}

static int add_chunk(void* user, int worker, int i, loomError* err) {
  const seen* s = user;
  (void)worker;
  (void)err;
  for (int k = i * CHUNK; k < s->n && k < (i + 1) * CHUNK; k++) add_to_block(s, s->grid->block[s->block[k]]);
  return 0;
}

int loom_grid_add(loomGrid* g, const loomFuseView* view, int threads, loomError* err) {
  seen s = {.view = view, .grid = g};
  double matrix[16];
  loom_pose_to_matrix(matrix, loom_pose_inverse(view->pose));
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < 4; c++) s.inverse[k][c] = matrix[4 * k + c];

  int code = find_blocks(&s, err);
  loomPoolDef def = {.n = (s.n + CHUNK - 1) / CHUNK, .threads = threads, .user = &s, .item = add_chunk};
  if (!code && def.n) code = loom_pool_run(&def, err);

  free(s.block);
  return code;
}
