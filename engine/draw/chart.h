// Charts as PNG files, and captions on images: a small layer over cairo. Positions are pixels from the top
// left corner. Text is ASCII; other bytes are drawn as '?'. Internal.
#ifndef LOOM_ENGINE_DRAW_CHART_H
#define LOOM_ENGINE_DRAW_CHART_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/draw/image.h"

/// White text on a black box with its top left corner at (x, y); size is the letters' height in pixels.
void loom_image_caption(loomImage* image, int x, int y, int size, const char* text);

typedef struct loomColor {
  double r, g, b;  // 0 to 1
} loomColor;

/// Colors that color-blind people can tell apart (Okabe and Ito's).
extern const loomColor loom_color_ink, loom_color_grey, loom_color_pale, loom_color_blue, loom_color_good,
    loom_color_bad;

typedef struct loomBox {
  double x, y, w, h;
} loomBox;

typedef enum loomAlign { LOOM_ALIGN_LEFT, LOOM_ALIGN_CENTER, LOOM_ALIGN_RIGHT } loomAlign;

typedef struct loomTextDef {
  double size;
  bool bold;
  loomAlign align;
  loomColor color;
  bool halo;         // a white edge, for text over other things
  double max_width;  // a longer text ends in "..."; 0 = no limit
} loomTextDef;

loomTextDef loom_default_text_def(void);

typedef struct loomChart loomChart;

int loom_chart_create(loomChart** out, int width, int height, loomError* err);  // white
/// Write as PNG: a temporary file, renamed.
int loom_chart_write_png(loomChart* chart, const char* path, loomError* err);
void loom_chart_destroy(loomChart* chart);

/// Its pixels; the image is created here.
int loom_chart_read(loomImage* out, loomChart* chart, loomError* err);
/// Put an image with its top left corner at (x, y).
void loom_chart_image(loomChart* chart, double x, double y, const loomImage* image);

/// (x, y) is where the baseline starts, is centered or ends. Returns the width.
double loom_chart_text(loomChart* chart, double x, double y, const loomTextDef* def, const char* text);
double loom_chart_text_width(loomChart* chart, const loomTextDef* def, const char* text);
void loom_chart_rect(loomChart* chart, loomBox box, loomColor color);
void loom_chart_segment(loomChart* chart, double x0, double y0, double x1, double y1, double width,
                        loomColor color);
void loom_chart_dot(loomChart* chart, double x, double y, double radius, loomColor color);
void loom_chart_cross(loomChart* chart, double x, double y, double radius, loomColor color);

/// From white at 0 to a light blue at 1, so that dots and letters can be seen on it.
loomColor loom_color_heat(double value);

/// A plot's frame: which values its edges stand for.
typedef struct loomAxes {
  loomBox box;
  double x[2], y[2];              // values at the left and right, at the bottom and top edge
  double x_step, y_step;          // between ticks; 0 = chosen
  const char *x_label, *y_label;  // NULL = none
} loomAxes;

double loom_axes_x(const loomAxes* axes, double value);
double loom_axes_y(const loomAxes* axes, double value);
/// The rectangle between two corners given as values.
loomBox loom_axes_box(const loomAxes* axes, double x0, double y0, double x1, double y1);
/// Frame, ticks and labels; `grid`: horizontal lines too. Labels take about 42 pixels below and 50 to the
/// left.
void loom_axes_draw(loomChart* chart, const loomAxes* axes, bool grid);
/// A standing interval with end marks at x.
void loom_axes_interval(loomChart* chart, const loomAxes* axes, double x, double low, double high);

typedef struct loomBar {
  char label[256];
  char note[48];     // to the right of the bar
  double value;      // in units of loomBarsDef.full
  double low, high;  // interval; none where high <= low
  loomColor color;
} loomBar;

typedef struct loomBarsDef {
  double full;         // the value of a bar of full length
  double label_width;  // pixels at most; longer labels are cut, where they do not differ from others
  double note_width;   // pixels
} loomBarsDef;

/// Lying bars, one a row. When there are more than fit, the last row says how many are not shown.
void loom_chart_bars(loomChart* chart, loomBox box, const loomBar* bars, int n, const loomBarsDef* def);

#endif
