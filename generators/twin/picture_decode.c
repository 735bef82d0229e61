// Pictures in memory: JPEG by libjpeg-turbo, PNG by libpng.
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/scan_decode.h"

enum { MOST_PIXELS = 128 << 20, MOST_ACROSS = 32768 };

static int take_image(loomImage* out, int width, int height, loomError* err) {
  bool fits = width > 0 && height > 0 && width <= MOST_ACROSS && height <= MOST_ACROSS &&
              (long)width * height <= MOST_PIXELS;
  if (!fits) return loom_error_set(err, LOOM_ERR_FORMAT, "a picture of %d x %d pixels", width, height);
  return loom_image_create(out, width, height, err);
}

static int decode_jpeg(loomImage* out, const loomScanLibrary* library, const unsigned char* bytes, size_t n,
                       loomError* err) {
  int width = 0, height = 0, sampling, space, code = 0;
  tjhandle reader = library->tjInitDecompress();
  if (!reader) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");

  if (library->tjDecompressHeader3(reader, bytes, n, &width, &height, &sampling, &space))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "a damaged JPEG picture");
  if (!code) code = take_image(out, width, height, err);

  // What is cut short is shown as far as it goes: the rest is gray.
  if (!code) library->tjDecompress2(reader, bytes, n, out->rgb, width, 0, height, TJPF_RGB, 0);
  library->tjDestroy(reader);
  return code;
}

static int decode_png(loomImage* out, const unsigned char* bytes, size_t n, loomError* err) {
  png_image png = {.version = PNG_IMAGE_VERSION};
  int code = png_image_begin_read_from_memory(&png, bytes, n)
                 ? take_image(out, (int)(png.width <= MOST_ACROSS ? png.width : 0), (int)png.height, err)
                 : loom_error_set(err, LOOM_ERR_FORMAT, "a damaged PNG picture (%.60s)", png.message);

  // On white where it is transparent.
  const png_color white = {255, 255, 255};
  png.format = PNG_FORMAT_RGB;
  if (!code && !png_image_finish_read(&png, &white, out->rgb, 0, NULL))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "a damaged PNG picture (%.60s)", png.message);
  png_image_free(&png);
  return code;
}

// Each pixel becomes the mean of four, in place.
static void halve_image(loomImage* image) {
  int width = image->width / 2, height = image->height / 2;
  size_t line = 3 * (size_t)image->width;
  if (!width || !height) return;

  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++) {
      for (int c = 0; c < 3; c++) {
        const unsigned char* from = image->rgb + 2 * (size_t)y * line + 6 * (size_t)x + c;
        int sum = from[0] + from[3] + from[line] + from[line + 3];
        image->rgb[3 * ((size_t)y * (size_t)width + (size_t)x) + (size_t)c] = (unsigned char)((sum + 2) / 4);
      }
    }
  }
  image->width = width;
  image->height = height;
}

int loom_picture_decode(loomImage* out, const loomScanLibrary* library, const unsigned char* bytes, size_t n,
                        int most, loomShelf* shelf, loomError* err) {
  static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  static const unsigned char jpeg[3] = {0xff, 0xd8, 0xff};
  loomImage read = {0};

  int code = n > sizeof png && !memcmp(bytes, png, sizeof png) ? decode_png(&read, bytes, n, err)
             : n > sizeof jpeg && !memcmp(bytes, jpeg, sizeof jpeg)
                 ? decode_jpeg(&read, library, bytes, n, err)
                 : loom_error_set(err, LOOM_ERR_UNSUPPORTED, "neither a JPEG nor a PNG");
  while (!code && (read.width > most || read.height > most) && read.width > 1 && read.height > 1)
    halve_image(&read);

  size_t size = 3 * (size_t)read.width * (size_t)read.height;
  *out = (loomImage){read.width, read.height, NULL};
  if (!code) out->rgb = loom_shelf_take(shelf, size);
  if (!code && !out->rgb) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a picture");
  if (!code) memcpy(out->rgb, read.rgb, size);

  loom_image_destroy(&read);
  return code;
}
