#include "tools/command/dataset_robosuite.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/data/dataset.h"
#include "engine/data/robosuite_file.h"
#include "tools/shared/common.h"

/// What each demo gets.
typedef struct models {
  int n;
  loomAttr* attr;      // (n) its model, renamed
  loomRecord* record;  // (n)
  loomSource* source;  // (n)
} models;

static int rename_model(models* m, const loomDataset* d, int i, loomError* err) {
  const char* demo = loom_dataset_demo_path(d, i);
  const char* holder = loom_dataset_has_attr(d, demo, "model_file") ? demo : "data";
  char* xml = NULL;
  int code = loom_dataset_attr_string(&xml, d, holder, "model_file", err);
  if (code) return code;

  char* renamed = loom_robosuite_model(xml);
  free(xml);
  if (!renamed) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  m->attr[i] = loom_attr_string("model_file", renamed);
  m->record[i] = (loomRecord){.nattr = 1, .attr = &m->attr[i]};
  m->source[i] = (loomSource){loom_dataset_path(d), loom_dataset_demo_name(d, i)};
  m->n = i + 1;

  return 0;
}

static int rename_models(models* m, const loomDataset* d, loomError* err) {
  int n = loom_dataset_demo_count(d), code = 0;
  size_t room = (size_t)n + 1;
  m->attr = calloc(room, sizeof *m->attr);
  m->record = calloc(room, sizeof *m->record);
  m->source = calloc(room, sizeof *m->source);
  if (!m->attr || !m->record || !m->source)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);
  if (!n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", loom_dataset_path(d));

  for (int i = 0; !code && i < n; i++) code = rename_model(m, d, i, err);

  return code;
}

static void free_models(models* m) {
  for (int i = 0; i < m->n; i++) free((char*)m->attr[i].text);
  free(m->attr);
  free(m->record);
  free(m->source);
}

static int write_copy(const char* out, const models* m, const char* env_args, const char* env,
                      const char* env_info, loomError* err) {
  double start = loom_clock();
  loomNames left_out = {0, NULL};
  loomAttr attrs[] = {loom_attr_string("env_args", env_args), loom_attr_string("env", env),
                      loom_attr_string("env_info", env_info),
                      loom_attr_string("repository_version", "1.4.1")};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = 4;
  def.extra = m->record;
  def.keep_names = true;
  def.left_out = &left_out;
  def.progress = tool_show_copied;
  def.user = &start;
  int code = loom_dataset_assemble(out, m->source, m->n, &def, err);
  tool_progress_end();
  tool_tell_left_out(&left_out, !code);
  return code;
}

int dataset_robosuite(const char* in, const char* out, bool overwrite, toolOutputs* outputs, loomError* err) {
  loomDataset* d = NULL;
  models m = {0};
  char *env_args = NULL, *env = NULL, *env_info = NULL;

  tool_catch_signals();
  int code = tool_output_dataset(outputs, out, tool_output_mode(overwrite), &in, 1, err);
  if (!code) code = loom_dataset_open(&d, in, err);
  if (!code) code = loom_dataset_env_args(&env_args, d, err);

  // Whether it could be played is asked first.
  if (!code) code = loom_robosuite_env_info(&env, &env_info, env_args, in, err);
  if (!code) code = rename_models(&m, d, err);
  if (!code) code = write_copy(out, &m, env_args, env, env_info, err);

  free_models(&m);
  free(env);
  free(env_info);
  free(env_args);
  loom_dataset_close(d);

  return code;
}
