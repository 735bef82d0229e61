// Convolutions as matrix products: patches side by side (im2col), then one product for many samples. One
// dimension is two with a height of 1.
#ifndef LOOM_POLICIES_NN_CONV_H
#define LOOM_POLICIES_NN_CONV_H

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// The same for a convolution and its transpose; `in` and the sizes are always those of the layer's input.
typedef struct loomConv {
  int n, in, out;          // samples, channels
  int height, width;       // of the input
  int kernel_h, kernel_w;  // taps
  int stride_h, stride_w;
  int pad_h, pad_w;  // zeros at either side (a transposed one crops as much)
} loomConv;

/// n sequences: height 1, kernel 1 x taps.
loomConv loom_conv_1d(int n, int in, int out, int length, int taps, int stride, int pad);
int loom_conv_height(const loomConv* conv);  // of the output
int loom_conv_width(const loomConv* conv);
int loom_conv_transposed_height(const loomConv* conv);
int loom_conv_transposed_width(const loomConv* conv);
/// Numbers of scratch that any of the four functions needs.
size_t loom_conv_scratch(const loomConv* conv);

/// y (n x out x h x w) from x (n x in x height x width), w (out x in x kernel_h x kernel_w), b (out, may be
/// NULL).
void loom_conv_forward(loomReal* y, loomReal* scratch, const loomReal* x, const loomReal* w,
                       const loomReal* b, const loomConv* conv);
/// dx and db may be NULL.
void loom_conv_backward(loomReal* dx, loomReal* dw, loomReal* db, loomReal* scratch, const loomReal* dy,
                        const loomReal* x, const loomReal* w, const loomConv* conv);

/// The transpose, for upsampling: w (in x out x kernel_h x kernel_w), y (n x out x h x w) with
/// h = (height - 1) stride_h - 2 pad_h + kernel_h.
void loom_conv_transposed_forward(loomReal* y, loomReal* scratch, const loomReal* x, const loomReal* w,
                                  const loomReal* b, const loomConv* conv);
void loom_conv_transposed_backward(loomReal* dx, loomReal* dw, loomReal* db, loomReal* scratch,
                                   const loomReal* dy, const loomReal* x, const loomReal* w,
                                   const loomConv* conv);

/// Each number of x (rows x length) `factor` times: y (rows x length factor).
void loom_upsample_forward(loomReal* y, const loomReal* x, int rows, int length, int factor);
void loom_upsample_backward(loomReal* dx, const loomReal* dy, int rows, int length, int factor);

/// Where each channel's picture is bright (Finn et al., 2016): y (n x channels x 2), the expected column and
/// row in
/// [-1, 1] under softmax(x / temperature). weight (n x channels x height x width) is kept for backward.
typedef struct loomSpatialSoftmax {
  int n, channels, height, width;
  double temperature;
} loomSpatialSoftmax;
void loom_spatial_softmax_forward(loomReal* y, loomReal* weight, const loomReal* x,
                                  const loomSpatialSoftmax* shape);
void loom_spatial_softmax_backward(loomReal* dx, const loomReal* dy, const loomReal* y,
                                   const loomReal* weight, const loomSpatialSoftmax* shape);

LOOM_C_END

#endif
