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

// One row of taps of one patch: x0 is the fine column of its first tap; those outside are zero.
static void row_out(loomReal* patch, const loomReal* fine, int x0, int taps, int width) {
  for (int k = 0; k < taps; k++) patch[k] = x0 + k >= 0 && x0 + k < width ? fine[x0 + k] : 0;
}

static void row_in(loomReal* fine, const loomReal* patch, int x0, int taps, int width) {
  for (int k = 0; k < taps; k++)
    if (x0 + k >= 0 && x0 + k < width) fine[x0 + k] += patch[k];
}

// patches (samples x cells x patch) from fine (samples x channels x height x width).
static void gather(loomReal* patches, const loomReal* fine, int samples, patchGrid g, const loomConv* c) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * g.cells * g.patch >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples * g.cells; i++) {
    int sample = i / g.cells, cell = i % g.cells;
    int y0 = cell / g.cells_w * c->stride_h - c->pad_h, x0 = cell % g.cells_w * c->stride_w - c->pad_w;
    loomReal* out = patches + (ptrdiff_t)i * g.patch;

    // Rows of taps that lie outside are zero.
    for (int channel = 0; channel < g.channels; channel++) {
      const loomReal* plane = fine + ((ptrdiff_t)sample * g.channels + channel) * g.height * g.width;
      for (int k = 0; k < c->kernel_h; k++, out += c->kernel_w) {
        int y = y0 + k;
        if (y >= 0 && y < g.height)
          row_out(out, plane + (ptrdiff_t)y * g.width, x0, c->kernel_w, g.width);
        else
          memset(out, 0, (size_t)c->kernel_w * sizeof *out);
      }
    }
  }
}

// fine += patches where they came from. Threads share out planes, so that each number is added
// up by one of them.
static void scatter(loomReal* fine, const loomReal* patches, int samples, patchGrid g, const loomConv* c) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * g.cells * g.patch >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples * g.channels; i++) {
    int sample = i / g.channels, channel = i % g.channels;
    loomReal* plane = fine + (ptrdiff_t)i * g.height * g.width;

    for (int cell = 0; cell < g.cells; cell++) {
      const loomReal* in = patches + ((ptrdiff_t)sample * g.cells + cell) * g.patch +
                           (ptrdiff_t)channel * c->kernel_h * c->kernel_w;

      int y0 = cell / g.cells_w * c->stride_h - c->pad_h, x0 = cell % g.cells_w * c->stride_w - c->pad_w;

      for (int k = 0; k < c->kernel_h; k++, in += c->kernel_w)
        if (y0 + k >= 0 && y0 + k < g.height)
          row_in(plane + (ptrdiff_t)(y0 + k) * g.width, in, x0, c->kernel_w, g.width);
    }
  }
}

// rows (samples x cells x channels) from planes (samples x channels x cells).
static void to_rows(loomReal* rows, const loomReal* planes, int samples, int channels, int cells) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * channels * cells >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples; i++) {
    const loomReal* from = planes + (ptrdiff_t)i * channels * cells;
    loomReal* to = rows + (ptrdiff_t)i * channels * cells;

    for (int c = 0; c < cells; c++)
      for (int k = 0; k < channels; k++) to[(ptrdiff_t)c * channels + k] = from[(ptrdiff_t)k * cells + c];
  }
}

static void from_rows(loomReal* planes, const loomReal* rows, const loomReal* bias, int samples, int channels,
                      int cells) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)samples * channels * cells >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < samples; i++) {
    const loomReal* from = rows + (ptrdiff_t)i * channels * cells;
    loomReal* to = planes + (ptrdiff_t)i * channels * cells;
    for (int k = 0; k < channels; k++)
      for (int c = 0; c < cells; c++)
        to[(ptrdiff_t)k * cells + c] = from[(ptrdiff_t)c * channels + k] + (bias ? bias[k] : 0);
  }
}

static int samples_at(int first, patchGrid g, const loomConv* c) {
  return c->n - first < g.chunk ? c->n - first : g.chunk;
}

void loom_conv_forward(loomReal* y, loomReal* scratch, const loomReal* x, const loomReal* w,
                       const loomReal* b, const loomConv* c) {
  patchGrid g = grid_of(c, 0);

  ptrdiff_t fine = (ptrdiff_t)g.channels * g.height * g.width, coarse = (ptrdiff_t)g.other * g.cells;
  loomReal *patches = scratch, *rows = scratch + (ptrdiff_t)g.chunk * g.cells * g.patch;

  // A convolution is a product of patches and weights, some samples at a time.
  for (int i = 0; i < c->n; i += g.chunk) {
    int samples = samples_at(i, g, c);
    gather(patches, x + i * fine, samples, g, c);
    loom_product(rows, g.other, (loomMatrix){patches, g.patch, false}, (loomMatrix){w, g.patch, true},
                 samples * g.cells, g.other, g.patch, 1, 0);
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

    loom_product(dw, g.patch, (loomMatrix){rows, g.other, true}, (loomMatrix){patches, g.patch, false},
                 g.other, g.patch, cells, 1, 1);
    if (db) loom_column_sum(db, rows, cells, g.other);

    if (!dx) continue;
    loom_product(patches, g.patch, (loomMatrix){rows, g.other, false}, (loomMatrix){w, g.patch, false}, cells,
                 g.patch, g.other, 1, 0);
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
    int samples = samples_at(i, g, c);
    to_rows(rows, x + i * coarse, samples, g.other, g.cells);

    loom_product(patches, g.patch, (loomMatrix){rows, g.other, false}, (loomMatrix){w, g.patch, false},
                 samples * g.cells, g.patch, g.other, 1, 0);
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

    loom_product(dw, g.patch, (loomMatrix){rows, g.other, true}, (loomMatrix){patches, g.patch, false},
                 g.other, g.patch, cells, 1, 1);

    if (!dx) continue;
    loom_product(rows, g.other, (loomMatrix){patches, g.patch, false}, (loomMatrix){w, g.patch, true}, cells,
                 g.other, g.patch, 1, 0);
    from_rows(dx + i * coarse, rows, NULL, samples, g.other, g.cells);
  }

  // Each channel's bias is in all of its plane.
  for (int i = 0; db && i < c->n * g.channels; i++) {
    loomReal sum = 0;
    for (ptrdiff_t j = 0; j < plane; j++) sum += dy[i * plane + j];
    db[i % g.channels] += sum;
  }
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
