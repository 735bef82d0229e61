// What tests of experts share: scenes with a scripted expert, by the path of their task; the bar of
// scenes/README.md as that says it; the demonstrator's and the teacher's episodes.
#ifndef LOOM_TESTS_EXPERT_FIXTURE_H
#define LOOM_TESTS_EXPERT_FIXTURE_H

#include "tests/scene_fixture.h"

#include <unistd.h>

#include "generators/expert/expert.h"

typedef struct expertScene {
  loomAssetRoots roots;
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;
} expertScene;

/// robots: the folder of the task's robots.
static inline void open_expert_scene(expertScene* s, const char* file, const char* robots) {
  loomError err = {0, ""};
  char label[LOOM_PATH_MAX], *xml = NULL;
  *s = (expertScene){0};

  add_assets(&s->roots, "robosuite-1.4.1");
  add_assets(&s->roots, "robosuite-1.5.2");
  must(loom_task_load(&s->task, file, robots, &err), &err);
  must(loom_task_model(&xml, label, s->task, &s->roots, &err), &err);
  must(loom_scene_create(&s->scene, s->task, xml, label, NULL, &s->roots, &err), &err);
  must(loom_episode_create(&s->e, s->scene, &err), &err);
  must(loom_trace_create(&s->trace, s->e, s->task->max_steps, &err), &err);
  free(xml);
}

static inline void close_expert_scene(expertScene* s) {
  loom_trace_destroy(&s->trace);
  loom_episode_destroy(s->e);
  loom_scene_destroy(s->scene);
  loom_task_destroy(s->task);
  loom_asset_roots_destroy(&s->roots);
}

/// The indented lines below the line `title` of a text, without their margin, to a file.
static inline void write_block(const char* text, const char* title, const char* path) {
  const char* line = strstr(text, title);
  FILE* f = fopen(path, "w");
  assert_true(line && f);
  line = strchr(line, '\n') + 1;

  while (*line == '\n' || !strncmp(line, "    ", 4)) {
    const char* end = strchr(line, '\n');
    if (*line != '\n') fprintf(f, "%.*s\n", (int)(end - line - 4), line + 4);
    line = end + 1;
  }
  assert_int_equal(fclose(f), 0);
}

/// bar/task.yaml and its scene of scenes/README.md, into a folder that is made; *task names the former.
static inline void write_bar(char folder[128], char task[160]) {
  const char* tmp = getenv("TMPDIR");
  char path[160];
  size_t room = 1 << 20;
  char* text = calloc(room, 1);
  FILE* f = fopen("scenes/README.md", "rb");
  assert_true(text && f && fread(text, 1, room - 1, f) > 0);
  fclose(f);

  snprintf(folder, 128, "%s/loom-bar-XXXXXX", tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/scene.xml", folder);
  write_block(text, "`bar/scene.xml`:", path);
  snprintf(task, 160, "%s/task.yaml", folder);
  write_block(text, "`bar/task.yaml`:", task);
  free(text);
}

static inline void remove_bar(const char* folder) {
  char path[160];
  snprintf(path, sizeof path, "%s/scene.xml", folder);
  unlink(path);
  snprintf(path, sizeof path, "%s/task.yaml", folder);
  unlink(path);
  rmdir(folder);
}

#endif
