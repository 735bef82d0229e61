// What the demos listed have in common: how many succeed, how long they are, what they were made of, where
// they began. It is worked out anew when the list has changed, not in each frame.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "tools/view/view.h"

static int compare_ints(const void* a, const void* b) {
  int x = *(const int*)a, y = *(const int*)b;
  return (x > y) - (x < y);
}

static int compare_sources(const void* a, const void* b) {
  const viewSource *x = a, *y = b;
  return x->n != y->n ? (y->n > x->n) - (y->n < x->n) : strcmp(x->name, y->name);
}

static void add_source(viewSummary* s, const viewEntry* e) {
  int i = 0;
  while (i < s->source_count && strcmp(s->source[i].name, e->source) != 0) i++;
  if (i == VIEW_MOST_SOURCES) {
    s->sources_left++;
    return;
  }

  viewSource* source = &s->source[i];
  if (i == s->source_count) {
    s->source_count++;
    *source = (viewSource){0};
    snprintf(source->name, sizeof source->name, "%s", e->source);
  }
  source->n++;
  source->good += e->outcome == LOOM_OUTCOME_SUCCESS;
}

// Starts, and which tenths of a meter they are in.
static void add_start(viewSummary* s, const viewEntry* e) {
  for (int k = 0; k < 2; k++) {
    s->low[k] = s->starts ? fmin(s->low[k], e->start[k]) : e->start[k];
    s->high[k] = s->starts ? fmax(s->high[k], e->start[k]) : e->start[k];
  }
  s->starts++;
}

static void count_cells(viewSummary* s, const viewList* list) {
  int columns = (int)fmin(64, floor((s->high[0] - s->low[0]) / 0.05) + 1),
      lines = (int)fmin(64, floor((s->high[1] - s->low[1]) / 0.05) + 1);
  bool seen[64][64] = {{false}};

  for (int i = 0; i < list->shown_count; i++) {
    const viewEntry* e = &list->entry[list->shown[i]];
    if (isnan(e->start[0])) continue;
    int x = (int)((e->start[0] - s->low[0]) / 0.05), y = (int)((e->start[1] - s->low[1]) / 0.05);
    if (x < 0 || x >= columns || y < 0 || y >= lines) continue;
    s->cells += !seen[x][y];
    seen[x][y] = true;
  }
  s->all_cells = columns * lines;
}

void view_summarize(viewSummary* s, const viewList* list) {
  int* rows = malloc(sizeof *rows * (size_t)list->shown_count + 1);
  *s = (viewSummary){.seen = list->version, .listed = list->shown_count};

  for (int i = 0; i < list->shown_count; i++) {
    const viewEntry* e = &list->entry[list->shown[i]];
    if (e->demo >= 0 && !e->read) continue;
    s->known += e->outcome >= 0;
    s->good += e->outcome == LOOM_OUTCOME_SUCCESS;
    if (e->rows && rows) rows[s->lengths++] = e->rows;
    if (e->source[0]) add_source(s, e);
    if (!isnan(e->start[0])) add_start(s, e);
  }

  if (rows && s->lengths) {
    qsort(rows, (size_t)s->lengths, sizeof *rows, compare_ints);
    s->shortest = rows[0];
    s->middle = rows[s->lengths / 2];
    s->longest = rows[s->lengths - 1];
    for (int i = 0; i < s->lengths; i++) {
      int bar = (int)((double)VIEW_BARS * (rows[i] - s->shortest) / (s->longest - s->shortest + 1));
      s->bar[bar]++;
    }
  }
  if (s->starts) count_cells(s, list);
  qsort(s->source, (size_t)s->source_count, sizeof *s->source, compare_sources);
  free(rows);
}

// ---- widgets

// How many are of which length, as bars.
static void draw_lengths(const viewSummary* s) {
  float em = gui_em(), x = gui_x(), y = gui_y(), width = gui_room(), each = width / VIEW_BARS,
        height = 2.2f * em;
  int most = 1;
  for (int i = 0; i < VIEW_BARS; i++) most = s->bar[i] > most ? s->bar[i] : most;

  for (int i = 0; i < VIEW_BARS; i++) {
    float h = height * (float)s->bar[i] / (float)most;
    if (s->bar[i]) h = fmaxf(h, 2);
    gui_draw_box((guiBox){x + each * (float)i, y + height - h, each - 1, h}, gui_color(GUI_ACCENT), 1);
  }
  gui_draw_line(x, y + height, x + width, y + height, 1, gui_color(GUI_LINE));
  gui_space(height);
}

static void tell_sources(const viewSummary* s) {
  for (int i = 0; i < s->source_count && i < 8; i++) {
    const viewSource* source = &s->source[i];
    char line[48];
    float left = gui_x(), room = gui_room();

    // A name, how many are of it, and the share of them that succeed.
    snprintf(line, sizeof line, "%d, %.0f %%", source->n, 100.0 * source->good / source->n);
    gui_text_cut(GUI_INK, room - gui_text_width(line) - gui_em(), source->name);
    gui_same_line();
    gui_move_to(left + room - gui_text_width(line));
    gui_text(GUI_DIM, "%s", line);
  }
  int left = s->sources_left;
  for (int i = 8; i < s->source_count; i++) left += s->source[i].n;
  if (left) gui_text(GUI_DIM, "and %d of others", left);
}

void view_summary_section(viewApp* app) {
  viewSummary* s = &app->summary;
  const viewList* list = &app->list;
  if (!gui_section("Demos listed", true)) return;

  // While a long list is read it changes in each frame: twice a second is enough.
  double now = loom_clock();
  if (s->seen != list->version && (now - s->when > 0.5 || list->read == list->demo_count)) {
    view_summarize(s, list);
    s->when = now;
  }

  if (!s->lengths) {
    gui_text_wrapped(GUI_DIM, "Nothing is known of them yet.");
    return;
  }
  if (s->known) gui_text(GUI_INK, "%d of %d succeed, %.1f %%", s->good, s->known, 100.0 * s->good / s->known);
  if (s->lengths < s->listed) gui_text(GUI_DIM, "%d of %d have been read", s->lengths, s->listed);
  gui_text(GUI_INK, "%d to %d rows, median %d", s->shortest, s->longest, s->middle);
  draw_lengths(s);
  gui_tip("How many are of which length, from the shortest to the longest");

  if (s->starts) {
    gui_text(GUI_INK, "starts: %.2f by %.2f m", s->high[0] - s->low[0], s->high[1] - s->low[1]);
    gui_tip("The box around where the first object began");
    gui_text(GUI_DIM, "%d of %d cells of 5 cm", s->cells, s->all_cells);
    gui_tip("Parts of that box that a start lies in. Show: Coverage draws them into the scene");
  }
  if (s->source_count) gui_text(GUI_DIM, "sources, and what of them succeeds");
  tell_sources(s);
}
