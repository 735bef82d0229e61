// PNG pictures of a sequence: depths of 16 bits as they are, colors of 8.
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "generators/twin/fuse_work.h"

enum { MOST_ACROSS = 8192 };
static const size_t most_bytes = (size_t)256 << 20;

/// A file in memory while it is read.
typedef struct source {
  const unsigned char* bytes;
  size_t n, at;
  char why[96];
} source;

static void give_bytes(png_structp png, png_bytep out, size_t n) {
  source* s = png_get_io_ptr(png);
  if (n > s->n - s->at) png_error(png, "it is cut short");
  memcpy(out, s->bytes + s->at, n);
  s->at += n;
}

static void note_error(png_structp png, png_const_charp text) {
  source* s = png_get_error_ptr(png);
  snprintf(s->why, sizeof s->why, "%.80s", text);
  png_longjmp(png, 1);
}

static void drop_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

/// What is read: all that lives across libpng's jumps.
typedef struct picture {
  source from;
  png_structp png;
  png_infop info;
  unsigned char* pixels;
  png_bytep* rows;
  size_t line;
  int width, height, bits, kind;
  bool depth;
} picture;

// false: p->from.why says why not.
static bool decode(picture* p) {
  if (setjmp(png_jmpbuf(p->png))) return false;
  png_set_read_fn(p->png, &p->from, give_bytes);
  png_set_user_limits(p->png, MOST_ACROSS, MOST_ACROSS);
  png_read_info(p->png, p->info);
  p->width = (int)png_get_image_width(p->png, p->info);
  p->height = (int)png_get_image_height(p->png, p->info);
  p->bits = png_get_bit_depth(p->png, p->info);
  p->kind = png_get_color_type(p->png, p->info);

  if (p->depth) {
    if (p->bits != 16 || p->kind != PNG_COLOR_TYPE_GRAY)
      png_error(p->png, "depths are gray pictures of 16 bits");
  } else {
    png_set_expand(p->png);
    png_set_strip_16(p->png);
    png_set_strip_alpha(p->png);
    png_set_gray_to_rgb(p->png);
  }
  png_set_interlace_handling(p->png);
  png_read_update_info(p->png, p->info);
  p->line = png_get_rowbytes(p->png, p->info);
  if (p->line != (size_t)p->width * (p->depth ? 2 : 3)) png_error(p->png, "its rows are of an odd length");

  p->pixels = calloc((size_t)p->height, p->line);
  p->rows = malloc((size_t)p->height * sizeof *p->rows);
  if (!p->pixels || !p->rows) png_error(p->png, "out of memory");
  for (int y = 0; y < p->height; y++) p->rows[y] = p->pixels + (size_t)y * p->line;
  png_read_image(p->png, p->rows);
  png_read_end(p->png, NULL);

  return true;
}

static int read_png(picture* p, const char* path, loomError* err) {
  char* bytes = NULL;
  size_t n = 0;
  int code = loom_read_text(&bytes, &n, path, most_bytes, err);
  if (code) return code;
  p->from = (source){(const unsigned char*)bytes, n, 0, ""};
  if (n < 8 || png_sig_cmp((png_const_bytep)bytes, 0, 8)) {
    free(bytes);
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it is no PNG", path);
  }

  p->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &p->from, note_error, drop_warning);
  p->info = p->png ? png_create_info_struct(p->png) : NULL;
  if (!p->info)
    code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  else if (!decode(p))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s", path, p->from.why);
  png_destroy_read_struct(&p->png, &p->info, NULL);
  free(p->rows);
  free(bytes);
  if (code) free(p->pixels);
  return code;
}

int loom_png_read_depth(uint16_t** out, int* width, int* height, const char* path, loomError* err) {
  picture p = {.depth = true};
  *out = NULL;
  int code = read_png(&p, path, err);
  if (code) return code;

  // Large end first in files.
  size_t n = (size_t)p.width * (size_t)p.height;
  *out = malloc(n * sizeof **out);
  for (size_t i = 0; *out && i < n; i++) (*out)[i] = (uint16_t)(p.pixels[2 * i] << 8 | p.pixels[2 * i + 1]);
  free(p.pixels);
  *width = p.width;
  *height = p.height;
  return *out ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
}

int loom_png_read_color(unsigned char** out, int* width, int* height, const char* path, loomError* err) {
  picture p = {0};
  *out = NULL;
  int code = read_png(&p, path, err);
  if (code) return code;
  *out = p.pixels;
  *width = p.width;
  *height = p.height;
  return 0;
}
