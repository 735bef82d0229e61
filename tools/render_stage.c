#include "tools/render_stage.h"

#include <stdio.h>
#include <string.h>

#include "engine/chart.h"
#include "engine/lighten.h"

enum { TILE_GAP = 2 };  // pixels between two pictures

int render_stage_open(renderStage* s, const renderArgs* args, const loomTask* task,
                      const loomDataset* dataset, int demo, loomError* err) {
  memset(s, 0, sizeof *s);
  s->args = args;
  s->task = task;
  int code = loom_demo_load(&s->demo, dataset, demo, err);
  if (!code) code = loom_model_compile(&s->model, s->demo.model_xml, s->demo.name, &args->roots, NULL, err);
  if (!code && !args->full) code = loom_model_lighten(s->model, NULL, err);
  if (!code && !(s->data = mj_makeData(s->model)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simulation");
  if (!code && s->demo.state_dim != 1 + s->model->nq + s->model->nv)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: states do not fit its model", s->demo.name);
  if (!code) code = loom_renderer_create(&s->renderer, s->model, &args->def, err);
  if (!code) code = loom_image_create(&s->tile, args->def.width, args->def.height, err);
  if (code) {
    render_stage_close(s);
    return code;
  }
  const char* path = loom_dataset_demo_path(dataset, demo);
  if (loom_dataset_has(dataset, path, "datagen_info/subtask") &&
      loom_dataset_doubles(&s->subtask, dataset, path, "datagen_info/subtask", NULL)) {
    s->subtask = (loomArray){0};
  }
  return 0;
}

void render_stage_close(renderStage* s) {
  loom_array_destroy(&s->subtask);
  loom_renderer_destroy(s->renderer);
  loom_image_destroy(&s->tile);
  mj_deleteData(s->data);
  mj_deleteModel(s->model);
  loom_demo_destroy(&s->demo);
  memset(s, 0, sizeof *s);
}

int render_stage_width(const renderArgs* args) {
  return args->camera_count * (args->def.width + TILE_GAP) - TILE_GAP;
}

int render_stage_subtask(const renderStage* s, int row, int arm) {
  int64_t arms = s->subtask.rank > 1 ? s->subtask.shape[1] : 1;
  if (!s->subtask.data || row >= s->subtask.shape[0] || arm >= arms) return -1;
  double k = ((const double*)s->subtask.data)[row * arms + arm];
  return k >= 0 && k < LOOM_MAX_SUBTASKS ? (int)k : -1;
}

static void draw_captions(const renderStage* s, loomImage* to, int x, int y, int row) {
  const renderArgs* a = s->args;
  int size = a->def.height / 24 < 10 ? 10 : a->def.height / 24 > 18 ? 18 : a->def.height / 24;
  int line = (int)(1.6 * size);
  char text[256];
  snprintf(text, sizeof text, "%s  step %d of %d", s->demo.name, row, s->demo.rows);
  loom_image_caption(to, x, y, size, text);
  text[0] = 0;
  for (int arm = 0; arm < s->task->arm_count; arm++) {
    int k = render_stage_subtask(s, row, arm);
    if (k < 0 || k >= s->task->subtask_count[arm]) continue;
    snprintf(text + strlen(text), sizeof text - strlen(text), "%sarm %d: %s", *text ? "   " : "", arm,
             s->task->subtasks[arm][k].name);
  }
  if (*text) loom_image_caption(to, x, y + line, size, text);
  for (int c = 0; c < a->camera_count && a->camera_count > 1; c++) {
    loom_image_caption(to, x + c * (a->def.width + TILE_GAP), y + a->def.height - line, size,
                       a->cameras[c] ? a->cameras[c] : "table");
  }
}

int render_stage_draw(renderStage* s, loomImage* to, int x, int y, int row, loomError* err) {
  const renderArgs* a = s->args;
  mju_copy(s->data->qpos, s->demo.states + (size_t)row * (size_t)s->demo.state_dim + 1, (int)s->model->nq);
  mj_forward(s->model, s->data);
  for (int c = 0; c < a->camera_count; c++) {
    int code = loom_renderer_set_camera(s->renderer, a->cameras[c], err);
    if (!code) code = loom_renderer_draw(s->renderer, s->data, &s->tile, err);
    if (code) return code;
    loom_image_paste(to, &s->tile, x + c * (a->def.width + TILE_GAP), y);
  }
  draw_captions(s, to, x, y, row);
  return 0;
}
