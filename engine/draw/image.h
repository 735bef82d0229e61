// RGB images and PNG files. engine/draw/chart.h writes on them.
#ifndef LOOM_ENGINE_DRAW_IMAGE_H
#define LOOM_ENGINE_DRAW_IMAGE_H

#include <stddef.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

typedef struct loomImage {
  int width, height;
  unsigned char* rgb;  // (height x width x 3), top row first
} loomImage;

int loom_image_create(loomImage* out, int width, int height, loomError* err);  // black
void loom_image_destroy(loomImage* image);
/// Copy `from` into `to` with its top left corner at (x, y); what lies outside is cut.
void loom_image_paste(loomImage* to, const loomImage* from, int x, int y);
/// The last row becomes the first, as OpenGL has it; of an image, or of any pixels.
void loom_image_turn(loomImage* image);
void loom_rows_turn(void* pixels, int height, size_t row_bytes);
/// Write as PNG: a temporary file, renamed. LOOM_ERR_IO names the file.
int loom_image_write_png(const loomImage* image, const char* path, loomError* err);

LOOM_C_END

#endif
