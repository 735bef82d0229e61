// demoloom distill, and finetuning by a policy's own successes: the folder of a run and its settings.
#include <stdio.h>
#include <stdlib.h>

#include "tools/command/distill.h"

static const char settings_file[] = DISTILL_SETTINGS;

loomRunFolderDef distill_folder_def(const distillArgs* a, const distillFolder* f) {
  return (loomRunFolderDef){.path = a->folder,
                            .parents = true,
                            .mode = loom_folder_mode(a->overwrite, a->resume),
                            .mark = settings_file,
                            .own = f->own,
                            .folders = f->folders,
                            .inner = f->inner,
                            .ninput = f->ninput,
                            .input = f->input,
                            .alternative = f->alternative};
}

// What the training is, whatever its threads and the folder's name, which decide nothing.
static int put_training(FILE* f, const loomTrainConfig* config, loomError* err) {
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  *c = *config;
  c->train.threads = c->rollout.threads = 0;
  snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "student");

  char* training = loom_train_config_text(c);
  if (training) fprintf(f, "---\n%s", training);
  free(c);
  free(training);
  return training ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
}

int distill_open_folder(distillRun* run, const distillFolder* folder, loomError* err) {
  loomRunFolderDef def = distill_folder_def(run->args, folder);
  char* text = NULL;
  size_t size = 0;
  FILE* f = open_memstream(&text, &size);
  if (!f) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");

  int code = folder->put(f, run, err);
  if (!code) code = put_training(f, run->config, err);
  if (fclose(f) && !code) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");

  if (!code) code = loom_run_folder_open(&run->folder, &def, err);
  if (!code) code = loom_run_folder_settings(&run->folder, settings_file, text, err);
  free(text);
  return code;
}

void distill_close(distillRun* run) {
  tool_tries_destroy(&run->demos);
  tool_tries_destroy(&run->eval_teacher);
  tool_tries_destroy(&run->eval_student);

  loom_run_folder_close(&run->folder);
  loom_trained_destroy(&run->teacher);
  loom_scene_destroy(run->scene);
  loom_task_destroy(run->task);
  free(run->config);
}
