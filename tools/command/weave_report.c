// demoloom weave: what was done when, and what came of it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "engine/draw/chart.h"
#include "tools/command/weave.h"

// What the test of a stage's policy said of it, or 0 episodes: it has none.
typedef struct tested {
  double n, successes, within, low, high;
} tested;

static tested test_of(const weaveRun* run, const weaveStage* stage) {
  char name[64];
  snprintf(name, sizeof name, "test-%s", stage->name);
  tested t = {.n = weave_value(run, name, "n"),
              .successes = weave_value(run, name, "successes"),
              .within = weave_value(run, name, "successes_within_limits")};
  loom_wilson(&t.low, &t.high, (int64_t)t.successes, (int64_t)t.n);
  return t;
}

static bool is_test(const weaveStage* stage) {
  return !strncmp(stage->name, "test-", 5) || !strncmp(stage->name, "choose-", 7);
}

cJSON* weave_report_json(const weaveRun* run) {
  char path[LOOM_RUN_FILE_MAX];
  cJSON *out = cJSON_CreateObject(), *stages = cJSON_AddArrayToObject(out, "stages");
  double core_seconds = 0;

  for (int i = 0; i < run->n; i++) {
    const weaveStage* stage = &run->stage[i];
    const tested t = test_of(run, stage);

    cJSON* one = cJSON_CreateObject();
    core_seconds += stage->core_seconds;
    cJSON_AddStringToObject(one, "name", stage->name);
    cJSON_AddNumberToObject(one, "seconds", stage->seconds);
    cJSON_AddNumberToObject(one, "core_seconds", stage->core_seconds);
    if (t.n > 0) {
      cJSON_AddNumberToObject(one, "n", t.n);
      cJSON_AddNumberToObject(one, "successes", t.successes);
      cJSON_AddNumberToObject(one, "success", t.successes / t.n);
      cJSON_AddNumberToObject(one, "success_low", t.low);
      cJSON_AddNumberToObject(one, "success_high", t.high);
      cJSON_AddNumberToObject(one, "success_within_limits", t.within / t.n);
    }
    cJSON_AddItemToArray(stages, one);
  }

  cJSON_AddStringToObject(out, "task", run->args->task);
  cJSON_AddNumberToObject(out, "seed", (double)run->args->seed);
  cJSON_AddNumberToObject(out, "seconds", weave_seconds(run));
  cJSON_AddNumberToObject(out, "core_seconds", core_seconds);
  loom_run_folder_path(path, &run->folder, "policy.safetensors");
  cJSON_AddStringToObject(out, "policy", path);
  loom_run_folder_path(path, &run->folder, "policy.onnx");
  cJSON_AddStringToObject(out, "onnx", path);
  return out;
}

void weave_report_print(const weaveRun* run) {
  double at = 0;
  printf("%-18s %9s %9s  success, 95 %% interval      within limits\n", "stage", "ends at", "took");
  for (int i = 0; i < run->n; i++) {
    const weaveStage* stage = &run->stage[i];
    const tested t = test_of(run, stage);
    at += stage->seconds;
    if (is_test(stage)) continue;

    printf("%-18s %5.1f min %5.1f min", stage->name, at / 60, stage->seconds / 60);
    if (t.n > 0)
      printf("  %5.1f %% (%.1f to %.1f) of %.0f  %5.1f %%", 100 * t.successes / t.n, 100 * t.low,
             100 * t.high, t.n, 100 * t.within / t.n);
    putchar('\n');
  }
  printf("wrote %s/policy.safetensors, policy.onnx, report.png\n", run->args->folder);
}

// ---- the picture

enum { WIDTH = 1000, HEIGHT = 560, LEFT = 70, TOP = 60, PLOT = 340, STRIP = 30 };

// A strip of the time that each stage took, tests in grey.
static void draw_strip(loomChart* chart, const weaveRun* run, const loomAxes* axes) {
  loomTextDef name = {.size = 11, .align = LOOM_ALIGN_CENTER, .color = loom_color_ink, .halo = true};
  double at = 0, y = TOP + PLOT + 62;
  int shade = 0;
  for (int i = 0; i < run->n; i++) {
    const weaveStage* stage = &run->stage[i];
    double x = loom_axes_x(axes, at / 60), end = loom_axes_x(axes, (at += stage->seconds) / 60);
    loomBox box = {.x = x, .y = y, .w = end - x, .h = STRIP};
    loom_chart_rect(chart, box, is_test(stage) ? loom_color_pale : loom_color_heat(shade++ % 2 ? 0.9 : 0.5));
    name.max_width = end - x - 2;
    if (!is_test(stage) && name.max_width > 24)
      loom_chart_text(chart, 0.5 * (x + end), y + 19, &name, stage->name);
  }
}

static void draw_success(loomChart* chart, const weaveRun* run, const loomAxes* axes) {
  loomTextDef name = {.size = 12, .align = LOOM_ALIGN_RIGHT, .color = loom_color_ink, .halo = true};
  double at = 0;
  for (int i = 0; i < run->n; i++) {
    const weaveStage* stage = &run->stage[i];
    const tested t = test_of(run, stage);
    at += stage->seconds;
    if (!(t.n > 0)) continue;

    char text[96];
    double x = loom_axes_x(axes, at / 60), y = loom_axes_y(axes, 100 * t.successes / t.n);
    loom_axes_interval(chart, axes, at / 60, 100 * t.low, 100 * t.high);
    loom_chart_dot(chart, x, y, 5, loom_color_blue);
    snprintf(text, sizeof text, "%s: %.1f %%",
             strcmp(stage->name, "distill") ? stage->name : "distill (ONNX)", 100 * t.successes / t.n);

    // Left of the dot, where there is room.
    bool room = x - 12 - loom_chart_text_width(chart, &name, text) > LEFT;
    name.align = room ? LOOM_ALIGN_RIGHT : LOOM_ALIGN_LEFT;
    loom_chart_text(chart, room ? x - 9 : x + 9, y - 5, &name, text);
  }
}

int weave_report_draw(const weaveRun* run, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], title[256];
  loomChart* chart = NULL;
  int code = loom_chart_create(&chart, WIDTH, HEIGHT, err);
  if (code) return code;

  loomTextDef head = {.size = 16, .bold = true, .color = loom_color_ink, .max_width = WIDTH - 2 * LEFT};
  snprintf(title, sizeof title, "%.100s: success of %lld unseen starts, 95 %% intervals", run->args->task,
           (long long)run->args->evaluations);
  loom_chart_text(chart, LEFT, 34, &head, title);
  loomAxes axes = {.box = {LEFT, TOP, WIDTH - 2 * LEFT, PLOT},
                   .x = {0, fmax(weave_seconds(run), 1) / 60},
                   .y = {0, 100},
                   .x_label = "minutes",
                   .y_label = "%"};

  loom_axes_draw(chart, &axes, true);
  draw_success(chart, run, &axes);
  draw_strip(chart, run, &axes);

  loomTextDef note = {.size = 11, .color = loom_color_grey};
  loom_chart_text(chart, LEFT, TOP + PLOT + 62 + STRIP + 18, &note, "what took how long; tests are grey");
  loom_run_folder_path(path, &run->folder, "report.png");
  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}
