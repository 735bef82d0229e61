// The model of a demo made ready to be drawn.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/model.h"
#include "tools/render/render_stage.h"
#include "tools/shared/common.h"

void render_model_close(renderModel* m) {
  render_looks_close(&m->disturbed);
  loom_looks_destroy(&m->looks);
  loom_renderer_destroy(m->renderer);
  mj_deleteData(m->data);
  mj_deleteModel(m->model);
  free(m->xml);
  *m = (renderModel){0};
}

// Multisampling and the size of shadow maps are the model's own; pictures for learning do without.
static void set_quality(mjModel* m, const renderArgs* a) {
  bool light = a->light || a->obs;
  if (light) m->vis.quality.offsamples = a->def.shadows ? 4 : 0;
  if (!a->def.shadows) m->vis.quality.shadowsize = 16;
  m->vis.global.offwidth = a->def.width;
  m->vis.global.offheight = a->def.height;
}

static int compile_demo_model(renderModel* m, const renderArgs* a, const loomDataset* dataset,
                              const loomDemo* demo, loomError* err) {
  char label[LOOM_PATH_MAX];

  snprintf(label, sizeof label, "%.800s:data/%.100s", loom_dataset_path(dataset), demo->name);

  // As little as is not seen: thin parts of large meshes stay.
  loomModelDef def = loom_default_model_def();
  loomSimplifyDef light = loom_default_simplify_def();
  light.most = 0.002;
  def.simplify = a->full ? NULL : &light;
  int code = loom_model_compile(&m->model, demo->model_xml, label, &a->roots, &def, err);
  if (code) return code;

  loom_model_show(m->model);
  set_quality(m->model, a);

  m->data = mj_makeData(m->model);
  m->xml = strdup(demo->model_xml);
  if (!m->data || !m->xml) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  if (demo->state_dim != 1 + m->model->nq + m->model->nv)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: states have %d columns, its model 1 + nq + nv = %d",
                          label, demo->state_dim, (int)(1 + m->model->nq + m->model->nv));

  return loom_renderer_create(&m->renderer, m->model, &a->def, err);
}

int render_model_open(renderModel* m, const renderArgs* args, const loomTask* task,
                      const loomDataset* dataset, const loomDemo* demo, loomError* err) {
  bool same =
      m->xml && !strcmp(m->xml, demo->model_xml) && demo->state_dim == 1 + m->model->nq + m->model->nv;
  int code = 0;

  if (!same) {
    render_model_close(m);
    code = compile_demo_model(m, args, dataset, demo, err);
  }

  // Demos that share a model may have been disturbed each in its own way.
  if (!code) code = render_looks_open(&m->disturbed, task, dataset, demo, &args->roots, err);
  if (!code) code = loom_looks_show(&m->looks, m->model, m->disturbed.episode, err);

  if (code) render_model_close(m);
  return code ? code : same;
}

void render_model_pose(renderModel* m, const loomDemo* demo, int row) {
  mju_copy(m->data->qpos, demo->states + (size_t)row * (size_t)demo->state_dim + 1, (int)m->model->nq);

  // Only what a picture needs: places, and where lights and cameras are.
  mj_kinematics(m->model, m->data);
  mj_comPos(m->model, m->data);
  mj_camlight(m->model, m->data);
}
