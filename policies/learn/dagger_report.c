#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/columns.h"
#include "engine/base/file.h"
#include "engine/draw/chart.h"
#include "policies/learn/dagger_internal.h"

void loom_dagger_path(char out[LOOM_DAGGER_PATH], const loomDaggerDef* def, const char* name, int round) {
  int n = snprintf(out, LOOM_DAGGER_PATH, "%.*s/", LOOM_PATH_MAX - 1, def->folder);
  const char* number = strstr(name, "%d");

  if (number)
    snprintf(out + n, (size_t)(LOOM_DAGGER_PATH - n), "%.*s%d%s", (int)(number - name), name, round,
             number + 2);
  else
    snprintf(out + n, (size_t)(LOOM_DAGGER_PATH - n), "%s", name);
}

// ---- rounds.csv: all columns are numbers, in the order of this table

#define COLUMN(type, member) LOOM_COLUMN(loomDaggerRound, type, member)
static const loomColumn round_column[] = {
    COLUMN(I32, round),  COLUMN(F64, beta),         COLUMN(I64, episodes),  COLUMN(I64, successes),
    COLUMN(I64, steps),  COLUMN(I64, expert_steps), COLUMN(I64, queries),   COLUMN(I64, off),
    COLUMN(I64, caught), COLUMN(F64, deviation),    COLUMN(I32, evaluated), COLUMN(I32, succeeded),
    COLUMN(F64, rate),   COLUMN(F64, low),          COLUMN(F64, high),      COLUMN(F64, within_rate),
    COLUMN(F64, error),  COLUMN(F64, seconds)};
static const loomColumns round_columns = {"rounds", sizeof(loomDaggerRound),
                                          sizeof round_column / sizeof *round_column, round_column};

int loom_dagger_write_rounds(const char* path, const loomDaggerReport* report, loomError* err) {
  char* text = NULL;
  size_t size = 0;
  FILE* f = open_memstream(&text, &size);
  if (!f) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for a table", path);

  // Whole in memory first, then whole on the disk.
  loom_columns_put_names(f, &round_columns);
  for (int i = 0; i < report->n; i++) loom_columns_put_line(f, &round_columns, &report->round[i]);
  int code = fclose(f) ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for a table", path) : LOOM_OK;
  if (!code) code = loom_file_write_text(path, text, err);
  free(text);
  return code;
}

int loom_dagger_read_rounds(loomDaggerReport* out, const char* path, loomError* err) {
  char line[1024];
  FILE* f = fopen(path, "rb");
  int number = 1, code = LOOM_OK;
  if (!f) return LOOM_OK;

  // The first line has the names.
  if (!fgets(line, sizeof line, f)) line[0] = 0;
  while (!code && fgets(line, sizeof line, f)) {
    loomDaggerRound* grown = realloc(out->round, (size_t)(out->n + 1) * sizeof *grown);
    number++;
    if (!grown) {
      code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for its rounds", path);
      break;
    }

    // Rounds come one after the other; what is half a line, or out of line, is another program's.
    out->round = grown;
    out->round[out->n] = (loomDaggerRound){0};
    if (!loom_columns_read_line(&out->round[out->n], &round_columns, line) ||
        (out->n && out->round[out->n].round != out->round[out->n - 1].round + 1))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: is no round of ours; start in another folder", path,
                            number);
    else
      out->n++;
  }

  fclose(f);
  return code;
}

int loom_dagger_read_round(loomDaggerRound* out, const char* path, loomError* err) {
  loomDaggerReport kept = {0};
  int code = loom_dagger_read_rounds(&kept, path, err);
  if (!code && kept.n == 1) *out = kept.round[0];
  free(kept.round);
  return code;
}

// ---- errors_I.csv

int loom_dagger_read_errors(loomDaggerErrors* out, const char* path, loomError* err) {
  char line[256];
  *out = (loomDaggerErrors){0};
  FILE* f = fopen(path, "rb");
  if (!f) return LOOM_OK;

  // Once through for how many rows there are; their columns lie in one block.
  int rows = 0, code = LOOM_OK;
  while (fgets(line, sizeof line, f)) rows++;
  rewind(f);
  double* block = calloc(3 * (size_t)rows + 3, sizeof *block);
  if (!block) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for it", path);
  out->running = block;
  out->deviation = block ? block + rows : NULL;
  out->accumulated = block ? block + 2 * (size_t)rows : NULL;

  while (!code && fgets(line, sizeof line, f)) {
    double value[4];  // the first line has names
    if (!loom_read_numbers(value, 4, line)) continue;
    out->running[out->n] = value[1];
    out->deviation[out->n] = value[2];
    out->accumulated[out->n++] = value[3];
  }

  fclose(f);
  return code;
}

void loom_dagger_errors_destroy(loomDaggerErrors* errors) {
  free(errors->running);
  *errors = (loomDaggerErrors){0};
}

// ---- the picture

static void draw_text(loomChart* chart, double x, double y, double size, loomColor color, const char* text) {
  loomTextDef def = loom_default_text_def();
  def.size = size;
  def.color = color;
  loom_chart_text(chart, x, y, &def, text);
}

static void draw_success(loomChart* chart, const loomDaggerReport* r, loomBox box) {
  char text[160];
  double expert = r->evaluated ? 100.0 * r->succeeded / r->evaluated : 0;

  // The final novice comes after the last round; at most some ten rounds are numbered.
  int last = r->n - (r->final.evaluated ? 0 : 1);
  if (last < 1) last = 1;
  int step = 1 + last / 10;
  loomAxes axes = {.box = box,
                   .x = {-0.3, last + 0.3},
                   .y = {0, 103},
                   .x_step = step,
                   .y_step = 20,
                   .x_label = "round",
                   .y_label = "success, %"};
  loom_axes_draw(chart, &axes, true);

  // The expert is a line to reach.
  if (r->evaluated) {
    double y = loom_axes_y(&axes, expert);
    loom_chart_segment(chart, box.x, y, box.x + box.w, y, 1.5, loom_color_good);
    snprintf(text, sizeof text, "expert %.0f %%", expert);
    draw_text(chart, box.x + 8, y + 16, 12, loom_color_good, text);
  }

  // Novices, with their intervals, joined from one round to the next.
  for (int i = 0; i < r->n; i++) {
    double x = loom_axes_x(&axes, i), y = loom_axes_y(&axes, 100 * r->round[i].rate);
    loom_axes_interval(chart, &axes, i, 100 * r->round[i].low, 100 * r->round[i].high);
    if (i)
      loom_chart_segment(chart, loom_axes_x(&axes, i - 1), loom_axes_y(&axes, 100 * r->round[i - 1].rate), x,
                         y, 2, loom_color_blue);
    loom_chart_dot(chart, x, y, 4, loom_color_blue);
  }

  if (!r->final.evaluated) return;
  double x = loom_axes_x(&axes, r->n), y = loom_axes_y(&axes, 100 * r->final.rate);
  loom_axes_interval(chart, &axes, r->n, 100 * r->final.low, 100 * r->final.high);
  loom_chart_dot(chart, x, y, 5, loom_color_ink);
  draw_text(chart, x - 24, loom_axes_y(&axes, 100 * r->final.low) + 18, 12, loom_color_ink, "final");
}

static void draw_curve(loomChart* chart, const loomAxes* axes, const loomDaggerErrors* e, loomColor color,
                       const char* name) {
  for (int t = 1; t < e->n; t++)
    loom_chart_segment(chart, loom_axes_x(axes, t - 1), loom_axes_y(axes, e->accumulated[t - 1]),
                       loom_axes_x(axes, t), loom_axes_y(axes, e->accumulated[t]), 2, color);

  // Its name ends where the curve does, above it, and stays within the axes.
  double y = loom_axes_y(axes, e->accumulated[e->n - 1]);
  double x = loom_axes_x(axes, e->n - 1) - 8.0 * (double)strlen(name);
  draw_text(chart, fmax(axes->box.x + 8, x), fmax(axes->box.y + 14, y - 8), 12, color, name);
}

static void draw_errors(loomChart* chart, const loomDaggerErrors e[2], const char* const name[2],
                        loomBox box) {
  // Both curves in the same axes.
  double far = 1, high = 1e-6;
  for (int k = 0; k < 2; k++) {
    if (!e[k].n) continue;
    far = fmax(far, e[k].n);
    high = fmax(high, e[k].accumulated[e[k].n - 1]);
  }

  loomAxes axes = {.box = box,
                   .x = {0, far},
                   .y = {0, 1.08 * high},
                   .x_label = "step",
                   .y_label = "deviation from the expert, summed up"};

  loom_axes_draw(chart, &axes, true);
  for (int k = 0; k < 2; k++)
    if (e[k].n) draw_curve(chart, &axes, &e[k], k ? loom_color_blue : loom_color_bad, name[k]);
}

int loom_dagger_draw(const loomDaggerReport* r, const loomDaggerDef* def, loomError* err) {
  loomChart* chart = NULL;
  loomDaggerErrors errors[2] = {{0}, {0}};
  char path[LOOM_DAGGER_PATH], text[256], best[32];
  const char* const name[2] = {"BC (novice 0)", r->final.evaluated ? "final" : best};
  snprintf(best, sizeof best, "novice %d", r->best);
  int64_t steps = 0, acted = 0, asked = 0;

  int code = r->n ? loom_chart_create(&chart, 960, 420, err) : LOOM_OK;
  if (code || !r->n) return code;

  // What plain cloning does, beside the final novice or, where there is none yet, the best one.
  loom_dagger_path(path, def, "errors_%d.csv", 0);
  if (!code) code = loom_dagger_read_errors(&errors[0], path, err);
  loom_dagger_path(path, def, r->final.evaluated ? "errors_final_%d.csv" : "errors_%d.csv",
                   r->final.evaluated ? r->final.round : r->best);
  if (!code && (r->best || r->final.evaluated)) code = loom_dagger_read_errors(&errors[1], path, err);

  // What that took of the expert.
  for (int i = 0; i < r->n; i++) {
    steps += r->round[i].steps;
    acted += r->round[i].expert_steps;
    asked += r->round[i].queries;
  }
  snprintf(text, sizeof text,
           "%s on %.40s, expert: %.40s. %lld steps, %lld (%.0f %%) by the expert, which was asked %lld times",
           loom_gate_titles[def->gate], def->scene->task->name, def->expert_name, (long long)steps,
           (long long)acted, steps ? 100.0 * (double)acted / (double)steps : 0, (long long)asked);

  draw_text(chart, 20, 26, 14, loom_color_ink, text);
  draw_success(chart, r, (loomBox){70, 50, 370, 310});
  draw_errors(chart, errors, name, (loomBox){550, 50, 380, 310});

  loom_dagger_path(path, def, "rounds.png", 0);
  if (!code) code = loom_chart_write_png(chart, path, err);

  loom_chart_destroy(chart);
  loom_dagger_errors_destroy(&errors[0]);
  loom_dagger_errors_destroy(&errors[1]);
  return code;
}
