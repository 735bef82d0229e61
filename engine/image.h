// RGB images: PNG files and contact sheets.
#ifndef LOOM_ENGINE_IMAGE_H
#define LOOM_ENGINE_IMAGE_H

#include "engine/error.h"

typedef struct loomImage {
  int width, height;
  unsigned char* rgb;  // (height x width x 3), top row first
} loomImage;

int loom_image_create(loomImage* out, int width, int height, loomError* err);  // black
void loom_image_destroy(loomImage* image);
void loom_image_fill(loomImage* image, int x, int y, int width, int height, const unsigned char rgb[3]);
/// Copy `from` into `to` with its top left corner at (x, y); what lies outside is cut.
void loom_image_paste(loomImage* to, const loomImage* from, int x, int y);
/// Draw a line of text (ASCII) with its top left corner at (x, y), about 6 x 8 pixels a letter times scale.
void loom_image_text(loomImage* image, int x, int y, int scale, const unsigned char rgb[3], const char* text);
/// Write as PNG: a temporary file, renamed. LOOM_ERR_IO names the file.
int loom_image_write_png(const loomImage* image, const char* path, loomError* err);

#endif
