#include "engine/draw/chart.h"

#include <cairo/cairo.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loomChart {
  cairo_surface_t* surface;
  cairo_t* cairo;
  int width, height;
};

const loomColor loom_color_ink = {0.13, 0.14, 0.16}, loom_color_grey = {0.42, 0.44, 0.47},
                loom_color_pale = {0.90, 0.91, 0.92}, loom_color_blue = {0.337, 0.706, 0.914},
                loom_color_good = {0, 0.62, 0.451}, loom_color_bad = {0.835, 0.369, 0};

static void set_color(cairo_t* cairo, loomColor color) {
  cairo_set_source_rgb(cairo, color.r, color.g, color.b);
}

// ---- text

// cairo refuses text that is not UTF-8, and with it everything drawn afterwards; names come from files.
static void clean(char* out, size_t n, const char* text) {
  snprintf(out, n, "%s", text);
  for (char* c = out; *c; c++) {
    if (*c < ' ' || *c > '~') *c = '?';
  }
}

static void select_font(cairo_t* cairo, double size, bool bold) {
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, size);
}

static double advance(cairo_t* cairo, const char* text) {
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, text, &extents);
  return extents.x_advance;
}

void loom_image_caption(loomImage* image, int x, int y, int size, const char* text) {
  char line[512];
  clean(line, sizeof line, text);

  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_A8, image->width, 2 * size);
  cairo_t* cairo = cairo_create(surface);
  select_font(cairo, size, false);
  cairo_move_to(cairo, size * 0.4, size * 1.15);
  cairo_show_text(cairo, line);

  // White on black, as large as the words.
  int width = (int)ceil(advance(cairo, line) + size * 0.8), height = (int)(size * 1.6);
  cairo_surface_flush(surface);

  const unsigned char* alpha = cairo_image_surface_get_data(surface);
  int stride = cairo_image_surface_get_stride(surface);

  for (int j = 0; alpha && j < height && y + j < image->height; j++) {
    for (int i = 0; i < width && i < image->width && x + i < image->width; i++) {
      if (x + i < 0 || y + j < 0) continue;
      unsigned char* to = image->rgb + 3 * ((size_t)(y + j) * (size_t)image->width + (size_t)(x + i));
      memset(to, alpha[j * stride + i], 3);
    }
  }
  cairo_destroy(cairo);
  cairo_surface_destroy(surface);
}

loomTextDef loom_default_text_def(void) {
  return (loomTextDef){.size = 13, .color = loom_color_ink};
}

double loom_chart_text_width(loomChart* chart, const loomTextDef* def, const char* text) {
  char line[512];
  clean(line, sizeof line, text);
  select_font(chart->cairo, def->size, def->bold);
  return advance(chart->cairo, line);
}

double loom_chart_text(loomChart* chart, double x, double y, const loomTextDef* def, const char* text) {
  char line[516];
  clean(line, sizeof line - 4, text);
  select_font(chart->cairo, def->size, def->bold);
  double width = advance(chart->cairo, line);

  // Too long: letters make room for an ellipsis.
  for (size_t n = strlen(line); def->max_width > 0 && width > def->max_width && n > 1; n--) {
    snprintf(line + n - 1, 4, "...");
    width = advance(chart->cairo, line);
  }

  double shift = def->align == LOOM_ALIGN_LEFT ? 0 : def->align == LOOM_ALIGN_CENTER ? width / 2 : width;
  cairo_move_to(chart->cairo, x - shift, y);

  if (def->halo) {
    cairo_text_path(chart->cairo, line);
    cairo_set_source_rgb(chart->cairo, 1, 1, 1);
    cairo_set_line_width(chart->cairo, 4);
    cairo_set_line_join(chart->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(chart->cairo);
    cairo_move_to(chart->cairo, x - shift, y);
  }

  set_color(chart->cairo, def->color);
  cairo_show_text(chart->cairo, line);
  return width;
}

// ---- shapes

int loom_chart_create(loomChart** out, int width, int height, loomError* err) {
  *out = NULL;
  if (width < 1 || height < 1 || width > 32767 || height > 32767)
    return loom_error_set(err, LOOM_ERR_USAGE, "a chart of %d x %d pixels", width, height);

  loomChart* chart = calloc(1, sizeof *chart);
  if (!chart) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a chart");

  chart->width = width;
  chart->height = height;
  chart->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
  chart->cairo = cairo_create(chart->surface);
  if (cairo_status(chart->cairo)) {
    loom_chart_destroy(chart);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a chart of %d x %d", width, height);
  }
  cairo_set_source_rgb(chart->cairo, 1, 1, 1);
  cairo_paint(chart->cairo);
  *out = chart;
  return 0;
}

int loom_chart_read(loomImage* out, loomChart* chart, loomError* err) {
  if (cairo_status(chart->cairo)) {
    return loom_error_set(err, LOOM_ERR_MEMORY, "a chart could not be drawn: %s",
                          cairo_status_to_string(cairo_status(chart->cairo)));
  }
  int code = loom_image_create(out, chart->width, chart->height, err);
  if (code) return code;

  cairo_surface_flush(chart->surface);
  const unsigned char* data = cairo_image_surface_get_data(chart->surface);
  int stride = cairo_image_surface_get_stride(chart->surface);
  for (int j = 0; j < chart->height; j++) {
    for (int i = 0; i < chart->width; i++) {
      uint32_t pixel;  // 0xXXRRGGBB in the machine's byte order
      memcpy(&pixel, data + (size_t)j * (size_t)stride + 4 * (size_t)i, sizeof pixel);
      unsigned char* to = out->rgb + 3 * ((size_t)j * (size_t)chart->width + (size_t)i);
      for (int c = 0; c < 3; c++) to[c] = (unsigned char)(pixel >> (16 - 8 * c));
    }
  }
  return 0;
}

int loom_chart_write_png(loomChart* chart, const char* path, loomError* err) {
  loomImage image;

  int code = loom_chart_read(&image, chart, err);
  if (code) return loom_error_prefix(err, code, "%s", path);

  code = loom_image_write_png(&image, path, err);
  loom_image_destroy(&image);
  return code;
}

void loom_chart_image(loomChart* chart, double x, double y, const loomImage* image) {
  cairo_surface_t* surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, image->width, image->height);
  unsigned char* data = cairo_image_surface_get_data(surface);
  int stride = cairo_image_surface_get_stride(surface);
  for (int j = 0; data && j < image->height; j++) {
    for (int i = 0; i < image->width; i++) {
      const unsigned char* from = image->rgb + 3 * ((size_t)j * (size_t)image->width + (size_t)i);
      uint32_t pixel = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
      memcpy(data + (size_t)j * (size_t)stride + 4 * (size_t)i, &pixel, sizeof pixel);
    }
  }

  cairo_surface_mark_dirty(surface);
  cairo_set_source_surface(chart->cairo, surface, x, y);
  cairo_paint(chart->cairo);
  cairo_surface_destroy(surface);
}

void loom_chart_destroy(loomChart* chart) {
  if (!chart) return;
  cairo_destroy(chart->cairo);
  cairo_surface_destroy(chart->surface);
  free(chart);
}

void loom_chart_rect(loomChart* chart, loomBox box, loomColor color) {
  set_color(chart->cairo, color);
  cairo_rectangle(chart->cairo, box.x, box.y, box.w, box.h);
  cairo_fill(chart->cairo);
}

void loom_chart_segment(loomChart* chart, double x0, double y0, double x1, double y1, double width,
                        loomColor color) {
  set_color(chart->cairo, color);
  cairo_set_line_width(chart->cairo, width);
  cairo_move_to(chart->cairo, x0, y0);
  cairo_line_to(chart->cairo, x1, y1);
  cairo_stroke(chart->cairo);
}

void loom_chart_dot(loomChart* chart, double x, double y, double radius, loomColor color) {
  cairo_new_path(chart->cairo);  // text leaves a point behind, which would be joined
  cairo_arc(chart->cairo, x, y, radius, 0, 2 * 3.14159265358979323846);
  set_color(chart->cairo, color);

  cairo_fill_preserve(chart->cairo);
  cairo_set_source_rgb(chart->cairo, 1, 1, 1);
  cairo_set_line_width(chart->cairo, 1);
  cairo_stroke(chart->cairo);
}

void loom_chart_cross(loomChart* chart, double x, double y, double r, loomColor color) {
  static const loomColor white = {1, 1, 1};
  for (int halo = 1; halo >= 0; halo--) {
    loom_chart_segment(chart, x - r, y - r, x + r, y + r, halo ? 4 : 2, halo ? white : color);
    loom_chart_segment(chart, x - r, y + r, x + r, y - r, halo ? 4 : 2, halo ? white : color);
  }
}

loomColor loom_color_heat(double value) {
  double v = value < 0 ? 0 : value > 1 ? 1 : value;
  return (loomColor){0.97 - 0.51 * v, 0.97 - 0.26 * v, 0.98 - 0.11 * v};
}

// ---- axes

double loom_axes_x(const loomAxes* a, double value) {
  return a->box.x + a->box.w * (value - a->x[0]) / (a->x[1] - a->x[0]);
}

double loom_axes_y(const loomAxes* a, double value) {
  return a->box.y + a->box.h * (1 - (value - a->y[0]) / (a->y[1] - a->y[0]));
}

loomBox loom_axes_box(const loomAxes* a, double x0, double y0, double x1, double y1) {
  double left = loom_axes_x(a, x0), top = loom_axes_y(a, y1);
  return (loomBox){left, top, loom_axes_x(a, x1) - left, loom_axes_y(a, y0) - top};
}

// A step of 1, 2 or 5 times a power of ten that gives at most `most` steps.
static double nice_step(double range, double most) {
  double step = pow(10, floor(log10(range / most)));

  // 1, 2, 5, 10: from 2 to 5 is a factor of 2.5.
  while (range / step > most) {
    double lead = step / pow(10, floor(log10(step) + 1e-9));
    step *= lead > 1.5 && lead < 3 ? 2.5 : 2;
  }
  return step;
}

static void tick_text(char* out, size_t n, double value, double step) {
  int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
  snprintf(out, n, "%.*f", decimals, fabs(value) < step * 1e-6 ? 0 : value);
}

void loom_axes_draw(loomChart* chart, const loomAxes* a, bool grid) {
  loomTextDef text = {.size = 12, .color = loom_color_grey};
  double bottom = a->box.y + a->box.h, x_range = a->x[1] - a->x[0], y_range = a->y[1] - a->y[0];
  double x_step = a->x_step > 0 ? a->x_step : nice_step(x_range, a->box.w / 48);
  double y_step = a->y_step > 0 ? a->y_step : nice_step(y_range, a->box.h / 40);
  char label[32];
  text.align = LOOM_ALIGN_RIGHT;
  for (int i = (int)ceil(a->y[0] / y_step - 1e-9); i <= (int)floor(a->y[1] / y_step + 1e-9); i++) {
    double v = i * y_step, y = loom_axes_y(a, v);
    if (grid) loom_chart_segment(chart, a->box.x, y, a->box.x + a->box.w, y, 1, loom_color_pale);
    loom_chart_segment(chart, a->box.x - 4, y, a->box.x, y, 1, loom_color_grey);
    tick_text(label, sizeof label, v, y_step);
    loom_chart_text(chart, a->box.x - 7, y + 4, &text, label);
  }

  text.align = LOOM_ALIGN_CENTER;
  for (int i = (int)ceil(a->x[0] / x_step - 1e-9); i <= (int)floor(a->x[1] / x_step + 1e-9); i++) {
    double v = i * x_step, x = loom_axes_x(a, v);
    loom_chart_segment(chart, x, bottom, x, bottom + 4, 1, loom_color_grey);
    tick_text(label, sizeof label, v, x_step);
    loom_chart_text(chart, x, bottom + 17, &text, label);
  }

  loom_chart_segment(chart, a->box.x, a->box.y, a->box.x, bottom, 1, loom_color_grey);
  loom_chart_segment(chart, a->box.x, bottom, a->box.x + a->box.w, bottom, 1, loom_color_grey);
  if (a->x_label) loom_chart_text(chart, a->box.x + a->box.w / 2, bottom + 35, &text, a->x_label);

  if (!a->y_label) return;
  cairo_save(chart->cairo);
  // Written upward along the axis.
  cairo_translate(chart->cairo, a->box.x - 40, a->box.y + a->box.h / 2);
  cairo_rotate(chart->cairo, -3.14159265358979323846 / 2);
  loom_chart_text(chart, 0, 0, &text, a->y_label);
  cairo_restore(chart->cairo);
}

void loom_axes_interval(loomChart* chart, const loomAxes* a, double x, double low, double high) {
  double at = loom_axes_x(a, x), y0 = loom_axes_y(a, low), y1 = loom_axes_y(a, high);
  loom_chart_segment(chart, at, y0, at, y1, 1.5, loom_color_ink);
  loom_chart_segment(chart, at - 3, y0, at + 3, y0, 1.5, loom_color_ink);
  loom_chart_segment(chart, at - 3, y1, at + 3, y1, 1.5, loom_color_ink);
}

// ---- bars

static void draw_bar(loomChart* chart, loomBox row, const loomBar* bar, const loomBarsDef* def) {
  loomTextDef text = loom_default_text_def();
  double left = row.x + def->label_width + 8, length = row.w - def->label_width - def->note_width - 16;

  double thick = fmin(16, row.h - 6), middle = row.y + row.h / 2, scale = length / def->full;
  text.align = LOOM_ALIGN_RIGHT;
  text.max_width = def->label_width;
  loom_chart_text(chart, left - 8, middle + 4.5, &text, bar->label);
  loom_chart_rect(chart, (loomBox){left, middle - thick / 2, length, thick}, loom_color_pale);
  loom_chart_rect(chart, (loomBox){left, middle - thick / 2, bar->value * scale, thick}, bar->color);

  // The interval as a whisker.
  if (bar->high > bar->low) {
    double x0 = left + bar->low * scale, x1 = left + bar->high * scale;
    loom_chart_segment(chart, x0, middle, x1, middle, 1.5, loom_color_ink);
    loom_chart_segment(chart, x0, middle - 4, x0, middle + 4, 1.5, loom_color_ink);
    loom_chart_segment(chart, x1, middle - 4, x1, middle + 4, 1.5, loom_color_ink);
  }

  text.align = LOOM_ALIGN_LEFT;
  text.max_width = def->note_width;
  loom_chart_text(chart, left + length + 8, middle + 4.5, &text, bar->note);
}

// How many letters of a label another one begins with, too.
static size_t shared_letters(const loomBar* bars, int n, int one) {
  size_t most = 0;
  for (int i = 0; i < n; i++) {
    const char *a = bars[one].label, *b = bars[i].label;
    size_t same = 0;
    while (a[same] && a[same] == b[same]) same++;

    // Equal ones cannot be told apart by any part.
    if (a[same] != b[same] && same > most) most = same;
  }
  return most;
}

// A label that is too long is cut at its end, unless it and another would look alike then: its shared part is
// cut instead, and what differs stays.
static void shorten_label(char out[256], loomChart* chart, const char* label, size_t shared, double width) {
  loomTextDef text = loom_default_text_def();
  enum { TELLING = 6 };  // letters that tell it from the other
  char start[256];

  // What a cut at the end leaves.
  snprintf(out, 256, "%s", label);
  snprintf(start, sizeof start, "%.*s...", (int)(shared + TELLING < 250 ? shared + TELLING : 250), label);
  if (loom_chart_text_width(chart, &text, label) <= width ||
      loom_chart_text_width(chart, &text, start) <= width)
    return;

  // As much of the shared part as there is room for, up to the word in which they differ.
  const char* rest = label + shared;
  while (rest > label && rest[-1] != ' ') rest--;
  for (size_t n = (size_t)(rest - label); n > 0; n--) {
    snprintf(out, 256, "%.*s...%.*s", (int)n - 1, label, 252 - (int)n, rest);
    if (loom_chart_text_width(chart, &text, out) <= width) return;
  }
}

void loom_chart_bars(loomChart* chart, loomBox box, const loomBar* bars, int n, const loomBarsDef* def) {
  int fit = (int)(box.h / 20), shown = n <= fit ? n : fit - 1;
  double height = fmin(30, box.h / fmax(1, n <= fit ? n : fit));

  loomTextDef label = loom_default_text_def();
  loomBarsDef fitted = *def;

  // Labels take the room of the longest one, and no more than they may.
  fitted.label_width = 0;
  for (int i = 0; i < shown; i++)
    fitted.label_width = fmax(fitted.label_width, loom_chart_text_width(chart, &label, bars[i].label));
  fitted.label_width = fmin(fitted.label_width, def->label_width);

  for (int i = 0; i < shown; i++) {
    loomBar bar = bars[i];
    shorten_label(bar.label, chart, bars[i].label, shared_letters(bars, n, i), fitted.label_width);
    draw_bar(chart, (loomBox){box.x, box.y + i * height, box.w, height}, &bar, &fitted);
  }

  if (shown == n) return;
  loomTextDef text = {.size = 12, .color = loom_color_grey, .align = LOOM_ALIGN_RIGHT};
  char more[64];
  snprintf(more, sizeof more, "and %d more", n - shown);
  loom_chart_text(chart, box.x + fitted.label_width, box.y + (shown + 0.5) * height + 4.5, &text, more);
}
