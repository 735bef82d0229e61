#include "policies/nn/pointnet.h"

#include <omp.h>
#include <stdio.h>

#include "policies/nn/activation.h"
#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/norm.h"

enum {
  PIECE = 256,
  WINNERS = 2048
};  // points a thread takes at once; winners backward takes at once, or more

loomPointnetDef loom_default_pointnet_def(void) {
  return (loomPointnetDef){.points = 1024, .layers = 3, .sizes = {3, 64, 128, 256}, .out = 64};
}

// Layer i: what it has as input and as output; the last is the projection.
static int in_of(const loomPointnetDef* def, int i) {
  return def->sizes[i];
}

static int out_of(const loomPointnetDef* def, int i) {
  return i < def->layers ? def->sizes[i + 1] : def->out;
}

static size_t declare(loomParams* params, const char* prefix, const char* kind, int layer, int layers,
                      const char* what, int dims, const int* shape) {
  char name[LOOM_PARAM_NAME];

  if (layer < layers)
    snprintf(name, sizeof name, "%s%s.%d.%s", prefix, kind, layer, what);
  else
    snprintf(name, sizeof name, "%sprojection%s.%s", prefix, kind[0] == 'n' ? "_norm" : "", what);

  return loom_params_add(params, name, dims, shape);
}

void loom_pointnet_declare(loomPointnet* net, loomParams* params, const loomPointnetDef* def,
                           const char* prefix) {
  *net = (loomPointnet){.def = *def};

  for (int i = 0; i <= def->layers; i++) {
    int shape[2] = {out_of(def, i), in_of(def, i)};

    net->weight[i] = declare(params, prefix, "mlp", i, def->layers, "weight", 2, shape);
    net->bias[i] = declare(params, prefix, "mlp", i, def->layers, "bias", 1, shape);
    net->gain[i] = declare(params, prefix, "norm", i, def->layers, "weight", 1, shape);
    net->shift[i] = declare(params, prefix, "norm", i, def->layers, "bias", 1, shape);

    if (shape[0] > net->widest) net->widest = shape[0];
  }
}

void loom_pointnet_init(const loomPointnet* net, loomParams* params, loomRandom* random) {
  for (int i = 0; i <= net->def.layers; i++) {
    int in = in_of(&net->def, i), out = out_of(&net->def, i);
    loom_init_linear(params->value + net->weight[i], params->value + net->bias[i], in, out, random);

    loom_init_constant(params->value + net->gain[i], (size_t)out, 1);
    loom_init_constant(params->value + net->shift[i], (size_t)out, 0);
  }
}

// Numbers of one thread's scratch: two layers' rows and the rows' moments.
static size_t worker_size(const loomPointnet* net) {
  return (size_t)PIECE * (2 * (size_t)net->widest + 2);
}

void loom_pointnet_layout(loomPointnet* net, loomArena* arena, int n, int workers) {
  const loomPointnetDef* def = &net->def;
  int last = def->sizes[def->layers], most = def->points < last ? def->points : last;
  size_t clouds = (size_t)n, channels = clouds * (size_t)last, features = clouds * (size_t)def->out;

  net->workers = workers;
  net->pieces = (def->points + PIECE - 1) / PIECE;
  net->capacity = most > WINNERS ? most : WINNERS;

  net->forward = loom_arena_real(arena, (size_t)workers * worker_size(net));
  net->piece_top = loom_arena_real(arena, (size_t)net->pieces * channels);
  net->piece_winner = loom_arena_int(arena, (size_t)net->pieces * channels);
  net->pooled = loom_arena_real(arena, channels);
  net->dpooled = loom_arena_real(arena, channels);
  net->winner = loom_arena_int(arena, channels);

  net->projected = loom_arena_real(arena, features);
  net->dprojected = loom_arena_real(arena, features);
  net->y = loom_arena_real(arena, features);
  net->moments = loom_arena_real(arena, 2 * clouds);

  net->slot = loom_arena_int(arena, (size_t)def->points);
  net->rows = loom_arena_int(arena, channels);

  // Backward goes over winners only, and keeps their layers.
  size_t rows = (size_t)net->capacity;
  net->input = loom_arena_real(arena, rows * (size_t)def->sizes[0]);

  for (int i = 0; i < def->layers; i++) {
    size_t count = rows * (size_t)def->sizes[i + 1];
    net->sum[i] = loom_arena_real(arena, count);
    net->norm[i] = loom_arena_real(arena, count);
    net->active[i] = loom_arena_real(arena, count);
    net->mean[i] = loom_arena_real(arena, rows);
    net->inverse[i] = loom_arena_real(arena, rows);
  }

  for (int k = 0; k < 2; k++) net->gradient[k] = loom_arena_real(arena, rows * (size_t)net->widest);
}

// Maximum of each channel over the rows, and which row has it: the first of several.
LOOM_CLONES static void top_of(loomReal* top, int* winner, const loomReal* x, int rows, int width,
                               int first) {
  memcpy(top, x, (size_t)width * sizeof *top);
  for (int j = 0; j < width; j++) winner[j] = first;

  for (int i = 1; i < rows; i++) {
    const loomReal* row = x + (ptrdiff_t)i * width;
#pragma omp simd
    for (int j = 0; j < width; j++) {
      winner[j] = row[j] > top[j] ? first + i : winner[j];
      top[j] = row[j] > top[j] ? row[j] : top[j];
    }
  }
}

// One piece of one cloud through all layers, in the thread's own scratch.
static void piece_forward(loomPointnet* net, const loomParams* p, const loomReal* x, int cloud, int piece) {
  const loomPointnetDef* def = &net->def;
  int first = piece * PIECE, rows = def->points - first < PIECE ? def->points - first : PIECE;
  loomReal* scratch = net->forward + (size_t)omp_get_thread_num() * worker_size(net);
  loomReal *mean = scratch, *inverse = scratch + PIECE, *buffers = scratch + (ptrdiff_t)2 * PIECE;

  const loomReal* in = x + ((ptrdiff_t)cloud * def->points + first) * def->sizes[0];

  for (int i = 0; i < def->layers; i++) {
    int out = def->sizes[i + 1];
    loomReal* next = buffers + (ptrdiff_t)(i % 2) * PIECE * net->widest;

    loom_linear_forward_whole(next, in, p->value + net->weight[i], p->value + net->bias[i], rows,
                              def->sizes[i], out);
    loom_layer_norm_forward(next, mean, inverse, next, p->value + net->gain[i], p->value + net->shift[i],
                            rows, out);
    loom_activation_forward(next, next, LOOM_ACTIVATION_RELU, (size_t)rows * (size_t)out);

    in = next;
  }

  int last = def->sizes[def->layers];
  ptrdiff_t at = ((ptrdiff_t)cloud * net->pieces + piece) * last;
  top_of(net->piece_top + at, net->piece_winner + at, in, rows, last, first);
}

// Pieces in order, the first of equals: threads change nothing.
static void pool(loomPointnet* net, int n) {
  int last = net->def.sizes[net->def.layers];

  for (int cloud = 0; cloud < n; cloud++) {
    loomReal* top = net->pooled + (ptrdiff_t)cloud * last;
    int* winner = net->winner + (ptrdiff_t)cloud * last;

    for (int piece = 0; piece < net->pieces; piece++) {
      ptrdiff_t at = ((ptrdiff_t)cloud * net->pieces + piece) * last;
      for (int j = 0; j < last; j++) {
        if (piece && !(net->piece_top[at + j] > top[j])) continue;
        top[j] = net->piece_top[at + j];
        winner[j] = net->piece_winner[at + j];
      }
    }
  }
}

const loomReal* loom_pointnet_forward(loomPointnet* net, const loomParams* p, const loomReal* x, int n) {
  const loomPointnetDef* def = &net->def;
  int last = def->sizes[def->layers], i = def->layers;

#pragma omp parallel for schedule(dynamic) num_threads(net->workers)
  for (int task = 0; task < n * net->pieces; task++)
    piece_forward(net, p, x, task / net->pieces, task % net->pieces);

  pool(net, n);

  loom_linear_forward(net->projected, net->pooled, p->value + net->weight[i], p->value + net->bias[i], n,
                      last, def->out);
  loom_layer_norm_forward(net->y, net->moments, net->moments + n, net->projected, p->value + net->gain[i],
                          p->value + net->shift[i], n, def->out);
  return net->y;
}

// Rows of the winners of one cloud, each once, from row `rows` on; slots of its channels.
// Gives the next free row.
static int list_winners(loomPointnet* net, const loomReal* x, int cloud, int rows) {
  const loomPointnetDef* def = &net->def;
  int last = def->sizes[def->layers], in = def->sizes[0];
  const int* winner = net->winner + (ptrdiff_t)cloud * last;

  for (int i = 0; i < def->points; i++) net->slot[i] = -1;

  for (int j = 0; j < last; j++) {
    int point = winner[j];

    if (net->slot[point] < 0) {
      net->slot[point] = rows;
      memcpy(net->input + (ptrdiff_t)rows * in, x + ((ptrdiff_t)cloud * def->points + point) * in,
             (size_t)in * sizeof *x);
      rows++;
    }

    net->rows[(ptrdiff_t)cloud * last + j] = net->slot[point];
  }
  return rows;
}

// Forward again for the listed rows, keeping everything, then backward.
static void rows_backward(loomPointnet* net, loomParams* p, int begin, int end, int rows) {
  const loomPointnetDef* def = &net->def;
  int last = def->sizes[def->layers];
  const loomReal* in = net->input;

  for (int i = 0; i < def->layers; i++) {
    int out = def->sizes[i + 1];
    loom_linear_forward(net->sum[i], in, p->value + net->weight[i], p->value + net->bias[i], rows,
                        def->sizes[i], out);
    loom_layer_norm_forward(net->norm[i], net->mean[i], net->inverse[i], net->sum[i], p->value + net->gain[i],
                            p->value + net->shift[i], rows, out);
    loom_activation_forward(net->active[i], net->norm[i], LOOM_ACTIVATION_RELU, (size_t)rows * (size_t)out);

    in = net->active[i];
  }

  // A channel's gradient goes to the row that won it, and to no other.
  loomReal *d = net->gradient[0], *next = net->gradient[1];
  memset(d, 0, (size_t)rows * (size_t)last * sizeof *d);
  for (ptrdiff_t k = (ptrdiff_t)begin * last; k < (ptrdiff_t)end * last; k++)
    d[(ptrdiff_t)net->rows[k] * last + k % last] = net->dpooled[k];

  for (int i = def->layers - 1; i >= 0; i--) {
    int out = def->sizes[i + 1];
    loom_activation_backward(d, d, net->norm[i], LOOM_ACTIVATION_RELU, (size_t)rows * (size_t)out);
    loom_layer_norm_backward(d, p->gradient + net->gain[i], p->gradient + net->shift[i], d, net->sum[i],
                             net->mean[i], net->inverse[i], p->value + net->gain[i], rows, out);
    loom_linear_backward(i ? next : NULL, p->gradient + net->weight[i], p->gradient + net->bias[i], d,
                         i ? net->active[i - 1] : net->input, p->value + net->weight[i], rows, def->sizes[i],
                         out);

    loomReal* swap = d;
    d = next;
    next = swap;
  }
}

void loom_pointnet_backward(loomPointnet* net, loomParams* p, const loomReal* dy, const loomReal* x, int n) {
  const loomPointnetDef* def = &net->def;
  int i = def->layers, last = def->sizes[i], most = def->points < last ? def->points : last;

  loom_layer_norm_backward(net->dprojected, p->gradient + net->gain[i], p->gradient + net->shift[i], dy,
                           net->projected, net->moments, net->moments + n, p->value + net->gain[i], n,
                           def->out);
  loom_linear_backward(net->dpooled, p->gradient + net->weight[i], p->gradient + net->bias[i],
                       net->dprojected, net->pooled, p->value + net->weight[i], n, last, def->out);

  // As many clouds at once as there is room for winners.
  for (int begin = 0; begin < n;) {
    int end = begin, rows = 0;
    while (end < n && rows + most <= net->capacity) rows = list_winners(net, x, end++, rows);

    rows_backward(net, p, begin, end, rows);
    begin = end;
  }
}
