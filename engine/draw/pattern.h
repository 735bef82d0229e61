// Internal. Pictures for textures that nobody has to paint.
#ifndef LOOM_ENGINE_DRAW_PATTERN_H
#define LOOM_ENGINE_DRAW_PATTERN_H

#include <stdint.h>

/// Checks, stripes or clouds in two colors, all a function of seed, into pixels (height x width x channels):
/// red, green and blue of three channels, of four alpha as well, which stays; of one their mean.
void loom_pattern_paint(unsigned char* pixels, int width, int height, int channels, uint64_t seed);

#endif
