#include "policies/nn/conv.h"

#include "policies/nn/blas.h"

loomConv loom_conv_1d(int n, int in, int out, int length, int taps, int stride, int pad) {
  return (loomConv){n, in, out, 1, length, 1, taps, 1, stride, 0, pad};
}

int loom_conv_height(const loomConv* c) {
  return (c->height + 2 * c->pad_h - c->kernel_h) / c->stride_h + 1;
}

int loom_conv_width(const loomConv* c) {
  return (c->width + 2 * c->pad_w - c->kernel_w) / c->stride_w + 1;
}

int loom_conv_transposed_height(const loomConv* c) {
  return (c->height - 1) * c->stride_h - 2 * c->pad_h + c->kernel_h;
}

int loom_conv_transposed_width(const loomConv* c) {
  return (c->width - 1) * c->stride_w - 2 * c->pad_w + c->kernel_w;
}

// What patches are cut from ("fine": a convolution's input, a transposed one's output)
// and where they sit ("coarse").
typedef struct patchGrid {
  int channels, height, width;  // fine
  int cells_h, cells_w;         // coarse
  int cells, patch;             // cells_h cells_w; channels kernel_h kernel_w
  int other;                    // channels of the coarse side
  int chunk;                    // samples whose patches are held at once
} patchGrid;

// Enough rows for an efficient product, few enough for the cache to hold some of it.
enum { CHUNK_ROWS = 2048 };

static patchGrid grid_of(const loomConv* c, int transposed) {
  patchGrid g;

  if (transposed)
    g = (patchGrid){c->out,
                    loom_conv_transposed_height(c),
                    loom_conv_transposed_width(c),
                    c->height,
                    c->width,
                    0,
                    0,
                    c->in,
                    0};
  else
    g = (patchGrid){c->in, c->height, c->width, loom_conv_height(c), loom_conv_width(c), 0, 0, c->out, 0};

  g.cells = g.cells_h * g.cells_w;
  g.patch = g.channels * c->kernel_h * c->kernel_w;

  g.chunk = g.cells >= CHUNK_ROWS ? 1 : CHUNK_ROWS / g.cells;
  if (g.chunk > c->n) g.chunk = c->n;
  return g;
}

static size_t scratch_of(patchGrid g) {
  return (size_t)g.chunk * (size_t)g.cells * (size_t)(g.patch + g.other);
}

size_t loom_conv_scratch(const loomConv* c) {
  size_t plain = scratch_of(grid_of(c, 0)), transposed = scratch_of(grid_of(c, 1));
  return plain > transposed ? plain : transposed;
}

// Which cells of a row have a fine column for their tap, [from, to): that of cell i is start + i stride.
static void cells_inside(int* from, int* to, int start, int stride, int cells, int width) {
  int first = start < 0 ? (-start + stride - 1) / stride : 0;
  int last = start < width ? (width - 1 - start) / stride + 1 : 0;
  *to = last < cells ? last : cells;
  *from = first < *to ? first : *to;
}

LOOM_CLONES static void take_every_second(loomReal* to, const loomReal* from, int n) {
#pragma omp simd
  for (int i = 0; i < n; i++) to[i] = from[2 * i];
}

// A tap of a row of cells; those outside are zero.
static void row_out(loomReal* tap, const loomReal* fine, int start, int stride, int cells, int width) {
  int from, to;
  cells_inside(&from, &to, start, stride, cells, width);

  for (int i = 0; i < from; i++) tap[i] = 0;
  if (stride == 1) {
    if (from < to) memcpy(tap + from, fine + start + from, (size_t)(to - from) * sizeof *tap);
  } else if (stride == 2) {
    take_every_second(tap + from, fine + start + 2 * from, to - from);
  } else {
    for (int i = from; i < to; i++) tap[i] = fine[start + i * stride];
  }
  for (int i = to; i < cells; i++) tap[i] = 0;
}

static void row_in(loomReal* fine, const loomReal* tap, int start, int stride, int cells, int width) {
  int from, to;
  cells_inside(&from, &to, start, stride, cells, width);

  if (stride == 1) {
#pragma omp simd
    for (int i = from; i < to; i++) fine[start + i] += tap[i];
  } else {
    for (int i = from; i < to; i++) fine[start + i * stride] += tap[i];
  }
}

// patches (patch x samples x cells) from fine (samples x channels x height x width): a tap of all cells lies
// side by side, as in the planes it comes from.
static void gather(loomReal* patches, const loomReal* fine, int samples, patchGrid g, const loomConv* c) {
  int taps = c->kernel_h * c->kernel_w;

#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * g.cells * g.patch >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < g.patch; i++) {
    int channel = i / taps, y0 = i % taps / c->kernel_w - c->pad_h, x0 = i % c->kernel_w - c->pad_w;
    loomReal* out = patches + (ptrdiff_t)i * samples * g.cells;

    for (int sample = 0; sample < samples; sample++) {
      const loomReal* plane = fine + ((ptrdiff_t)sample * g.channels + channel) * g.height * g.width;
      for (int row = 0; row < g.cells_h; row++, out += g.cells_w) {
        int y = y0 + row * c->stride_h;
        if (y >= 0 && y < g.height)
          row_out(out, plane + (ptrdiff_t)y * g.width, x0, c->stride_w, g.cells_w, g.width);
        else
          memset(out, 0, (size_t)g.cells_w * sizeof *out);
      }
    }
  }
}

// fine += patches where they came from. Threads share out planes, so that each number is added
// up by one of them.
static void scatter(loomReal* fine, const loomReal* patches, int samples, patchGrid g, const loomConv* c) {
  int taps = c->kernel_h * c->kernel_w;

#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * g.cells * g.patch >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples * g.channels; i++) {
    int sample = i / g.channels, channel = i % g.channels;
    loomReal* plane = fine + (ptrdiff_t)i * g.height * g.width;

    for (int tap = 0; tap < taps; tap++) {
      int y0 = tap / c->kernel_w - c->pad_h, x0 = tap % c->kernel_w - c->pad_w;
      const loomReal* in = patches + (((ptrdiff_t)channel * taps + tap) * samples + sample) * g.cells;

      for (int row = 0; row < g.cells_h; row++, in += g.cells_w) {
        int y = y0 + row * c->stride_h;
        if (y >= 0 && y < g.height)
          row_in(plane + (ptrdiff_t)y * g.width, in, x0, c->stride_w, g.cells_w, g.width);
      }
    }
  }
}

// rows (channels x samples x cells) from planes (samples x channels x cells).
static void to_rows(loomReal* rows, const loomReal* planes, int samples, int channels, int cells) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * channels * cells >= LOOM_PARALLEL_MIN)
  for (int k = 0; k < channels; k++)
    for (int i = 0; i < samples; i++)
      memcpy(rows + ((ptrdiff_t)k * samples + i) * cells, planes + ((ptrdiff_t)i * channels + k) * cells,
             (size_t)cells * sizeof *rows);
}

static void from_rows(loomReal* planes, const loomReal* rows, const loomReal* bias, int samples, int channels,
                      int cells) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * channels * cells >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples; i++) {
    for (int k = 0; k < channels; k++) {
      const loomReal* from = rows + ((ptrdiff_t)k * samples + i) * cells;
      loomReal *to = planes + ((ptrdiff_t)i * channels + k) * cells, shift = bias ? bias[k] : 0;
#pragma omp simd
      for (int c = 0; c < cells; c++) to[c] = from[c] + shift;
    }
  }
}

// db (channels) += the sums of rows (channels x length), of several numbers at once and then of these.
static void add_row_sums(loomReal* db, const loomReal* rows, int channels, ptrdiff_t length) {
  enum { LANES = 16 };

#pragma omp parallel for schedule(static) if (channels * length >= LOOM_PARALLEL_MIN)
  for (int k = 0; k < channels; k++) {
    const loomReal* row = rows + k * length;
    loomReal lane[LANES] = {0}, sum = 0;

    ptrdiff_t i = 0;
    for (; i + LANES <= length; i += LANES)
#pragma omp simd
      for (int j = 0; j < LANES; j++) lane[j] += row[i + j];
    for (; i < length; i++) sum += row[i];
    for (int j = 0; j < LANES; j++) sum += lane[j];
    db[k] += sum;
  }
}

static int samples_at(int first, patchGrid g, const loomConv* c) {
  return c->n - first < g.chunk ? c->n - first : g.chunk;
}

// y (m x n) = a b + keep y, all of them contiguous; a and b as the product sees them.
static void multiply(loomReal* y, loomMatrix a, loomMatrix b, int m, int n, int k, int keep) {
  loom_product(y, n, a, b, m, n, k, 1, keep);
}

void loom_conv_forward(loomReal* y, loomReal* scratch, const loomReal* x, const loomReal* w,
                       const loomReal* b, const loomConv* c) {
  patchGrid g = grid_of(c, 0);

  ptrdiff_t fine = (ptrdiff_t)g.channels * g.height * g.width, coarse = (ptrdiff_t)g.other * g.cells;
  loomReal *patches = scratch, *rows = scratch + (ptrdiff_t)g.chunk * g.cells * g.patch;

  // A convolution is a product of weights and patches, some samples at a time.
  for (int i = 0; i < c->n; i += g.chunk) {
    int samples = samples_at(i, g, c), cells = samples * g.cells;
    gather(patches, x + i * fine, samples, g, c);
    multiply(rows, (loomMatrix){w, g.patch, false}, (loomMatrix){patches, cells, false}, g.other, cells,
             g.patch, 0);
    from_rows(y + i * coarse, rows, b, samples, g.other, g.cells);
  }
}

void loom_conv_backward(loomReal* dx, loomReal* dw, loomReal* db, loomReal* scratch, const loomReal* dy,
                        const loomReal* x, const loomReal* w, const loomConv* c) {
  patchGrid g = grid_of(c, 0);

  ptrdiff_t fine = (ptrdiff_t)g.channels * g.height * g.width, coarse = (ptrdiff_t)g.other * g.cells;
  loomReal *patches = scratch, *rows = scratch + (ptrdiff_t)g.chunk * g.cells * g.patch;

  if (dx) memset(dx, 0, (size_t)(c->n * fine) * sizeof *dx);

  for (int i = 0; i < c->n; i += g.chunk) {
    int samples = samples_at(i, g, c), cells = samples * g.cells;
    to_rows(rows, dy + i * coarse, samples, g.other, g.cells);
    gather(patches, x + i * fine, samples, g, c);

    multiply(dw, (loomMatrix){rows, cells, false}, (loomMatrix){patches, cells, true}, g.other, g.patch,
             cells, 1);
    if (db) add_row_sums(db, rows, g.other, cells);

    if (!dx) continue;
    multiply(patches, (loomMatrix){w, g.patch, true}, (loomMatrix){rows, cells, false}, g.patch, cells,
             g.other, 0);
    scatter(dx + i * fine, patches, samples, g, c);
  }
}

// Forward and backward change places: w is the one whose convolution goes from the output to the input.
void loom_conv_transposed_forward(loomReal* y, loomReal* scratch, const loomReal* x, const loomReal* w,
                                  const loomReal* b, const loomConv* c) {
  patchGrid g = grid_of(c, 1);

  ptrdiff_t plane = (ptrdiff_t)g.height * g.width, fine = g.channels * plane,
            coarse = (ptrdiff_t)g.other * g.cells;
  loomReal *patches = scratch, *rows = scratch + (ptrdiff_t)g.chunk * g.cells * g.patch;

  for (ptrdiff_t i = 0; i < c->n * fine; i++) y[i] = b ? b[i / plane % g.channels] : 0;

  for (int i = 0; i < c->n; i += g.chunk) {
    int samples = samples_at(i, g, c), cells = samples * g.cells;
    to_rows(rows, x + i * coarse, samples, g.other, g.cells);

    multiply(patches, (loomMatrix){w, g.patch, true}, (loomMatrix){rows, cells, false}, g.patch, cells,
             g.other, 0);
    scatter(y + i * fine, patches, samples, g, c);
  }
}

void loom_conv_transposed_backward(loomReal* dx, loomReal* dw, loomReal* db, loomReal* scratch,
                                   const loomReal* dy, const loomReal* x, const loomReal* w,
                                   const loomConv* c) {
  patchGrid g = grid_of(c, 1);

  ptrdiff_t plane = (ptrdiff_t)g.height * g.width, fine = g.channels * plane,
            coarse = (ptrdiff_t)g.other * g.cells;
  loomReal *patches = scratch, *rows = scratch + (ptrdiff_t)g.chunk * g.cells * g.patch;

  for (int i = 0; i < c->n; i += g.chunk) {
    int samples = samples_at(i, g, c), cells = samples * g.cells;
    gather(patches, dy + i * fine, samples, g, c);
    to_rows(rows, x + i * coarse, samples, g.other, g.cells);

    multiply(dw, (loomMatrix){rows, cells, false}, (loomMatrix){patches, cells, true}, g.other, g.patch,
             cells, 1);

    if (!dx) continue;
    multiply(rows, (loomMatrix){w, g.patch, false}, (loomMatrix){patches, cells, false}, g.other, cells,
             g.patch, 0);
    from_rows(dx + i * coarse, rows, NULL, samples, g.other, g.cells);
  }

  // Each channel's bias is in all of its plane.
  for (int i = 0; db && i < c->n; i++) add_row_sums(db, dy + i * fine, g.channels, plane);
}

void loom_upsample_forward(loomReal* y, const loomReal* x, int rows, int length, int factor) {
  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows * length; i++)
    for (int k = 0; k < factor; k++) y[i * factor + k] = x[i];
}

void loom_upsample_backward(loomReal* dx, const loomReal* dy, int rows, int length, int factor) {
  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows * length; i++) {
    loomReal sum = 0;
    for (int k = 0; k < factor; k++) sum += dy[i * factor + k];

    dx[i] = sum;
  }
}

// Place i of count in [-1, 1].
static loomReal place(int i, int count) {
  return count > 1 ? 2 * (loomReal)i / (loomReal)(count - 1) - 1 : 0;
}

void loom_spatial_softmax_forward(loomReal* y, loomReal* weight, const loomReal* x,
                                  const loomSpatialSoftmax* s) {
  int size = s->height * s->width;

  loomReal heat = (loomReal)(1 / s->temperature);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)s->n * s->channels * size >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < s->n * s->channels; i++) {
    const loomReal* in = x + (ptrdiff_t)i * size;
    loomReal *w = weight + (ptrdiff_t)i * size, top = in[0], sum = 0, column = 0, row = 0;

    // Softmax over all places.
    for (int j = 1; j < size; j++) top = in[j] > top ? in[j] : top;
#pragma omp simd
    for (int j = 0; j < size; j++) w[j] = loom_real_exp((in[j] - top) * heat);
    for (int j = 0; j < size; j++) sum += w[j];

    // Then where its weight lies on average.
    for (int j = 0; j < size; j++) {
      w[j] /= sum;
      column += w[j] * place(j % s->width, s->width);
      row += w[j] * place(j / s->width, s->height);
    }

    y[2 * (ptrdiff_t)i] = column;
    y[2 * (ptrdiff_t)i + 1] = row;
  }
}

void loom_spatial_softmax_backward(loomReal* dx, const loomReal* dy, const loomReal* y,
                                   const loomReal* weight, const loomSpatialSoftmax* s) {
  int size = s->height * s->width;

  // dx_j = w_j (d . (place_j - mean)) / temperature, since the mean is what the weights make of the places.
  loomReal heat = (loomReal)(1 / s->temperature);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)s->n * s->channels * size >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < s->n * s->channels; i++) {
    const loomReal *w = weight + (ptrdiff_t)i * size, *d = dy + 2 * (ptrdiff_t)i,
                   *mean = y + 2 * (ptrdiff_t)i;

    for (int j = 0; j < size; j++)
      dx[(ptrdiff_t)i * size + j] = heat * w[j] *
                                    (d[0] * (place(j % s->width, s->width) - mean[0]) +
                                     d[1] * (place(j / s->width, s->height) - mean[1]));
  }
}
