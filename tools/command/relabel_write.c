// demoloom relabel: the dataset with inferred actions.
#include <stdio.h>
#include <stdlib.h>

#include "engine/run/record_demo.h"
#include "tools/command/relabel.h"
#include "tools/shared/common.h"

enum { ATTRS = 10 };

// What follows from actions: where they send the hands, and what grippers do. Names as generated demos have
// them.
static void add_targets(loomDemoRecord* record, const relabeling* r, const relabelDemo* d) {
  int arms = r->layout.arm_count;
  double* target = loom_demo_record_room(record, "datagen_info/target_pose", LOOM_TYPE_F64, 4,
                                         (int64_t[]){d->rows, arms, 4, 4});
  double* grip = loom_demo_record_room(record, "datagen_info/gripper_action", LOOM_TYPE_F64, 2,
                                       (int64_t[]){d->rows, arms});
  loomPose last[LOOM_MAX_ARMS];
  const double* action = d->actions;

  for (int t = 0; target && grip && t < d->rows; t++) {
    for (int a = 0; a < arms; a++) {
      const loomArm* arm = &r->episode->arms[a];
      loomPose eef = loom_motion_eef(&r->layout, a, d->motion.row + (ptrdiff_t)t * r->layout.dim);
      last[a] = loom_arm_target(arm, eef, t ? last[a] : eef, action);
      loom_pose_to_matrix(target + (ptrdiff_t)16 * (t * arms + a), last[a]);
      for (int k = 0; k < arm->robot->gripper_dim; k++)
        grip[t * arms + a] += action[arm->pose_dim + k] / arm->robot->gripper_dim;
      action += loom_arm_action_dim(arm);
    }
  }
}

static int list_attrs(loomAttr attr[ATTRS], char text[256], const relabeling* r) {
  const relabelArgs* a = r->a;
  int n = 0, at = 0;
  attr[n++] = loom_attr_string("loom_relabel_method", relabel_methods[a->method]);
  attr[n++] = loom_attr_string("loom_relabel_task", r->task->name);
  if (a->method != RELABEL_INVERSE) return n;

  at = snprintf(text, 256, "perceptron of each arm, hidden");

  for (int i = 0; i < a->model.hidden.n; i++)
    at += snprintf(text + at, 256 - (size_t)at, " %d", a->model.hidden.size[i]);
  snprintf(text + at, 256 - (size_t)at, ", %d steps of %d rows, digest %016llx", a->model.steps,
           a->model.batch, (unsigned long long)r->now->digest);
  attr[n++] = loom_attr_string("loom_relabel_model", text);
  attr[n++] = loom_attr_string("loom_relabel_play", loom_self_play_names[a->play]);
  attr[n++] = loom_attr_int("loom_relabel_steps", r->now->steps);
  attr[n++] = loom_attr_int("loom_relabel_seed", a->seed);
  if (!(a->alpha > 0)) return n;
  attr[n++] = loom_attr_double("loom_relabel_alpha", a->alpha);
  attr[n++] = loom_attr_int("loom_relabel_round", r->now->round);
  return n;
}

static int assemble(relabeling* r, const char* path, loomDemoRecord* record, loomRecord* extra,
                    loomSource* source, loomError* err) {
  char text[256];
  loomAttr attr[ATTRS];
  int code = 0;
  for (int i = 0; !code && i < r->n; i++) {
    const relabelDemo* d = &r->demo[i];
    loom_demo_record_array(&record[i], "actions", LOOM_TYPE_F64, d->actions, 2,
                           (int64_t[]){d->rows, r->episode->action_dim});
    add_targets(&record[i], r, d);
    code = loom_demo_record_finish(&extra[i], &record[i], NULL, err);
    source[i] = (loomSource){loom_dataset_path(r->dataset), loom_dataset_demo_name(r->dataset, i)};
  }
  if (code) return code;

  // Actions in other forms are no longer true either.
  loomNames left_out = {0, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attr;
  def.nattr = list_attrs(attr, text, r);
  def.extra = extra;
  def.leave_out = "action_dict";
  def.keep_names = true;
  def.left_out = &left_out;
  code = loom_dataset_assemble(path, source, r->n, &def, err);
  tool_tell_left_out(&left_out, !code);
  return code;
}

int relabel_write(relabeling* r, const char* path, loomError* err) {
  size_t n = (size_t)r->n;
  loomDemoRecord* record = calloc(n, sizeof *record);
  loomRecord* extra = calloc(n, sizeof *extra);
  loomSource* source = calloc(n, sizeof *source);
  int code = record && extra && source ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for demos");

  if (!code) code = assemble(r, path, record, extra, source, err);
  for (size_t i = 0; record && i < n; i++) loom_demo_record_destroy(&record[i]);
  free(record);
  free(extra);
  free(source);
  return code;
}
