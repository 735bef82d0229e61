#include "engine/draw/image.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

int loom_image_create(loomImage* out, int width, int height, loomError* err) {
  *out = (loomImage){width, height, NULL};
  if (width < 1 || height < 1 || width > 32768 || height > 32768) {
    return loom_error_set(err, LOOM_ERR_USAGE, "an image of %d x %d pixels", width, height);
  }

  out->rgb = calloc((size_t)width * (size_t)height, 3);

  return out->rgb
             ? 0
             : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an image of %d x %d", width, height);
}

void loom_image_destroy(loomImage* image) {
  if (!image) return;
  free(image->rgb);
  *image = (loomImage){0, 0, NULL};
}

static unsigned char* pixel(const loomImage* image, int x, int y) {
  return image->rgb + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

void loom_image_paste(loomImage* to, const loomImage* from, int x, int y) {
  for (int j = 0; j < from->height; j++) {
    for (int i = 0; i < from->width; i++) {
      if (x + i < 0 || y + j < 0 || x + i >= to->width || y + j >= to->height) continue;
      memcpy(pixel(to, x + i, y + j), pixel(from, i, j), 3);
    }
  }
}

void loom_rows_turn(void* pixels, int height, size_t row_bytes) {
  unsigned char *top = pixels, *low = top + row_bytes * (size_t)(height - 1);
  for (; top < low; top += row_bytes, low -= row_bytes) {
    for (size_t i = 0; i < row_bytes; i++) {
      unsigned char kept = top[i];
      top[i] = low[i];
      low[i] = kept;
    }
  }
}

void loom_image_turn(loomImage* image) {
  loom_rows_turn(image->rgb, image->height, 3 * (size_t)image->width);
}

int loom_image_write_png(const loomImage* image, const char* path, loomError* err) {
  png_image png = {.version = PNG_IMAGE_VERSION,
                   .width = (png_uint_32)image->width,
                   .height = (png_uint_32)image->height,
                   .format = PNG_FORMAT_RGB};
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  errno = 0;
  if (png_image_write_to_stdio(&png, file.stream, 0, image->rgb, 0, NULL))
    return loom_file_commit(&file, err);

  // libpng's own reason where the system has none.
  if (errno) return loom_file_fail(&file, errno, err);
  code = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be written (%s)", path, png.message);
  loom_file_abort(&file);
  return code;
}
