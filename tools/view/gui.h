// The window's widgets: Dear ImGui and ImPlot behind a plain C face. gui.cpp alone includes them. There
// is one window, drawn by one thread. Places and sizes are pixels from the window's upper left corner;
// colors are packed as gui_rgba packs them; texts are UTF-8, and what follows ## in a widget's name is
// not shown.
#ifndef LOOM_TOOLS_VIEW_GUI_H
#define LOOM_TOOLS_VIEW_GUI_H

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned int guiRgba;

/// Colors of the theme.
typedef enum guiColor {
  GUI_INK,     // text
  GUI_DIM,     // text that matters less
  GUI_ACCENT,  // what is chosen
  GUI_GOOD,
  GUI_BAD,
  GUI_WARN,
  GUI_BACK,   // behind everything
  GUI_PANEL,  // of a panel
  GUI_LANE,   // an empty lane, a picture that is missing
  GUI_LINE,   // between parts
  GUI_CURSOR,
  GUI_COLOR_COUNT
} guiColor;

// ---- life; only gui_connect, gui_render, textures and gui_close need an OpenGL context

void gui_open(double scale, bool dark);
typedef void (*guiFunction)(void);
/// Find OpenGL's functions; NULL, or the name of one that is missing.
const char* gui_connect(guiFunction (*find)(void* self, const char* name), void* self);
/// Has it found them?
bool gui_ready(void);
void gui_close(void);
/// The theme, at a scale (1 = text of 15 pixels).
void gui_look(double scale, bool dark);
guiRgba gui_rgba(double r, double g, double b, double a);
guiRgba gui_color(guiColor color);
guiRgba gui_faded(guiRgba color, double alpha);
/// Height of a line of text, the unit of all sizes.
float gui_em(void);

// ---- events; keys have GLFW's numbers, buttons are 0 left, 1 right, 2 middle

enum { GUI_SHIFT = 1, GUI_CONTROL = 2, GUI_ALT = 4 };
void gui_mods(int mods);
void gui_mouse_to(double x, double y);
void gui_mouse_button(int button, bool down);
void gui_mouse_wheel(double by);
void gui_key(int key, bool down);
void gui_letter(unsigned int letter);
/// Was it pressed just now, or is it held and repeats?
bool gui_key_pressed(int key);
/// Has a text field or a popup the keys?
bool gui_has_keys(void);
/// Is every event digested?
bool gui_settled(void);
/// Does something move by itself (a blinking cursor, a tooltip about to come)?
bool gui_restless(void);
typedef enum guiPointer { GUI_ARROW, GUI_HAND, GUI_TEXT, GUI_LEFT_RIGHT, GUI_UP_DOWN, GUI_MOVE } guiPointer;
guiPointer gui_pointer(void);
/// How the clipboard is read and written.
void gui_clipboard(const char* (*get)(void* self), void (*set)(void* self, const char* text), void* self);

// ---- frames

void gui_begin(int width, int height, double seconds);
void gui_end(void);
/// Draw what gui_end ended into the framebuffer that is bound.
void gui_render(void);
/// Fill the framebuffer with a color.
void gui_clear(guiRgba color);
/// The middle of a widget of the last frame, by what is written on it; false = there is none.
bool gui_find(const char* label, double* x, double* y);

// ---- textures; 0 = none

unsigned int gui_texture(const unsigned char* rgb, int width, int height);
/// What is in a part of the framebuffer (from its lower left corner), into a texture, made where it is 0.
unsigned int gui_texture_of_screen(unsigned int texture, int left, int bottom, int width, int height);
void gui_texture_free(unsigned int texture);

// ---- windows and where things go

typedef struct guiBox {
  float x, y, w, h;
} guiBox;
/// A panel that fills a box. Always gui_panel_end.
enum { GUI_PADDED = 1, GUI_CLEAR = 2 };  // GUI_CLEAR: what is below can be seen
void gui_panel(const char* name, guiBox box, int look);
void gui_panel_end(void);
/// A part that scrolls; height 0 = what is left.
void gui_scroll(const char* name, float width, float height);
void gui_scroll_end(void);
/// Dialogs lie over everything else and have the keys. The box is where it stands.
void gui_dialog_open(const char* name);
bool gui_dialog(const char* name, guiBox box);
void gui_dialog_close(void);
void gui_dialog_end(void);
/// A note over the window's parts, that takes no events.
void gui_note(const char* name, float x, float y, float width, bool from_below);
void gui_note_end(void);
bool gui_menu_bar(void);
float gui_menu_height(void);
void gui_menu_bar_end(void);
bool gui_menu(const char* label);
void gui_menu_end(void);
bool gui_menu_item(const char* label, const char* key, bool checked, bool enabled);
void gui_same_line(void);
/// Lines close to each other, until gui_tight_end.
void gui_tight(void);
void gui_tight_end(void);
void gui_space(float height);
void gui_move_to(float x);  // in this line
float gui_room(void);       // width left in this line
float gui_room_down(void);  // height left
float gui_x(void);          // of the next widget
float gui_y(void);
void gui_down(float by);
void gui_scroll_to_here(void);
void gui_id(int number);
void gui_id_end(void);
void gui_disable(bool on);  // until gui_disable_end
void gui_disable_end(void);

// ---- widgets; those that return bool tell that the user has just used them

void gui_text(guiColor color, const char* format, ...) __attribute__((format(printf, 2, 3)));
/// The name of the widget that follows in its line.
void gui_label(const char* text);
/// Cut to the room there is, with "..."; the whole is its tooltip.
void gui_text_cut(guiColor color, float width, const char* text);
void gui_text_wrapped(guiColor color, const char* text);
void gui_bold(void);
void gui_font_end(void);
float gui_text_width(const char* text);
/// Of the widget before.
void gui_tip(const char* text);
/// A bar of which a share, 0 to 1, is full.
void gui_progress(double share, float width);
bool gui_button(const char* label, float width);
/// A button that shows whether it is on.
bool gui_chip(const char* label, bool on);
bool gui_check(const char* label, bool* on);
bool gui_number(const char* label, int* value, int low, int high, float width);
/// A number that is typed; true when it has changed.
bool gui_real(const char* label, double* value, float width);
/// A number that is dragged between two others.
bool gui_slider(const char* label, double* value, double low, double high, float width);
bool gui_choice(const char* label, int* choice, const char* const* names, int n, float width);
/// A choice whose entries the caller makes by gui_option. gui_choice_end where it is true.
bool gui_choice_open(const char* label, const char* shown, float width);
bool gui_option(const char* label, bool chosen);
void gui_choice_end(void);
/// A text field. `focus` puts the cursor there.
bool gui_field(const char* label, const char* hint, char* text, int size, float width, bool focus);
/// Enter was pressed in the field before, or Escape.
bool gui_field_done(void);
/// Leave the field before with this key, which it has no use for: true when that was just done.
bool gui_field_left_by(int key);
bool gui_section(const char* label, bool open);
/// A line that can be chosen.
bool gui_line(const char* label, bool chosen, float height);
typedef enum guiIcon {
  GUI_ICON_PLAY,
  GUI_ICON_PAUSE,
  GUI_ICON_START,
  GUI_ICON_END,
  GUI_ICON_STEP,
  GUI_ICON_BACK,
  GUI_ICON_NEXT,
  GUI_ICON_PREVIOUS,
  GUI_ICON_LOOP,
  GUI_ICON_PLUS,
  GUI_ICON_MINUS,
  GUI_ICON_FIT,
  GUI_ICON_CLOSE
} guiIcon;
bool gui_icon(const char* name, guiIcon icon, bool on);
/// A bar of `length` between two parts, to be dragged: by how many pixels, across it.
float gui_splitter(const char* name, bool upright, float x, float y, float length);

// ---- tables

typedef enum guiColumnKind { GUI_COLUMN_FIXED, GUI_COLUMN_STRETCH, GUI_COLUMN_HIDDEN } guiColumnKind;
/// A table that scrolls, with a head to sort by. gui_table_end where it is true.
bool gui_table(const char* name, int columns, bool sortable);
void gui_table_end(void);
/// `number` is what gui_table_order tells.
void gui_column(const char* label, guiColumnKind kind, float width, int number, bool falls);
void gui_table_head(void);
/// The column that the user has just chosen to sort by, and whether downwards; false = nothing new.
bool gui_table_order(int* number, bool* falls);
/// Show this as what is sorted by; -1 = nothing.
void gui_table_set_order(int column, bool falls);
void gui_row(float height);
/// Go to the next column; false = it is hidden.
bool gui_cell(void);
/// Only the rows in sight: gui_rows, then while (gui_rows_next(&first, &last)) rows first .. last - 1.
void gui_rows(int n, float height);
bool gui_rows_next(int* first, int* last);
float gui_rows_seen(void);  // height of the part in sight
int gui_rows_first(float height);
/// Scroll until row `place` is in sight.
void gui_rows_reveal(int place, float height);

// ---- a canvas: drawn by the caller, who asks what the mouse does

typedef struct guiCanvas {
  guiBox box;
  bool hovered, active;  // active: a button went down here and is held
  int pressed;           // the button that went down just now; -1 = none
  int button;            // that is held; -1 = none
  bool released, twice;  // twice: the second press of a double click
  float x, y, dx, dy;    // the mouse, and how far it went since the last frame
  float wheel;
  int mods;
} guiCanvas;
/// A canvas at a box of the panel that is open.
void gui_canvas(guiCanvas* out, const char* name, guiBox box);
void gui_draw_clip(guiBox box);
void gui_draw_clip_end(void);
void gui_draw_box(guiBox box, guiRgba color, float round);
/// Thick at scale 1.
void gui_draw_line(float x0, float y0, float x1, float y1, float thick, guiRgba color);
void gui_draw_dot(float x, float y, float radius, guiRgba color);
void gui_draw_triangle(float x0, float y0, float x1, float y1, float x2, float y2, guiRgba color);
/// Left end and middle of the line's height; cut at `width` where that is above 0.
void gui_draw_text(float x, float y, float width, guiRgba color, bool bold, const char* text);
void gui_draw_image(unsigned int texture, guiBox box, bool upside_down);
/// Under all panels.
void gui_draw_behind(unsigned int texture, guiBox box);
void gui_point_with(guiPointer pointer);

// ---- plots

/// Plots whose x axes lie below each other. Always gui_plots_end.
void gui_plots(void);
void gui_plots_end(void);
/// One, with x from *first to *last, which zooming and panning change. gui_plot_end where it is true.
bool gui_plot(const char* name, float width, float height, double* first, double* last, bool x_labels,
              bool fit);
void gui_plot_line(const char* name, const double* y, int n, guiRgba color, float thick);
void gui_plot_upright(double x, guiRgba color, float thick);
/// The box of its axes, and whether the mouse is over it, at what x; pressed: a click without a drag.
void gui_plot_end(guiBox* box, bool* hovered, double* x, bool* clicked);

#ifdef __cplusplus
}
#endif

#endif
