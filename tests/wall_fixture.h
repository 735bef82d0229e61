// The task of tests/own with a wall between the hands and what they go for, and links that can touch
// something: no source demo knows of either.
#ifndef LOOM_TESTS_WALL_FIXTURE_H
#define LOOM_TESTS_WALL_FIXTURE_H

#include "tests/own_fixture.h"

// Where its middle is, and from face to face, m.
#define WALL_X 0.14
#define WALL_THICK 0.02

typedef struct walled {
  own* o;
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;
  double x[2][2];  // where the task places its objects
} walled;

// `what` comes before the first place where `mark` is.
static inline char* insert(char* text, const char* mark, const char* what) {
  char* at = strstr(text, mark);
  assert_non_null(at);
  size_t head = (size_t)(at - text), size = strlen(text) + strlen(what) + 1;
  char* out = malloc(size);
  assert_non_null(out);
  snprintf(out, size, "%.*s%s%s", (int)head, text, what, at);
  free(text);
  return out;
}

/// Up to `top` (m); objects are behind it.
static inline void build_wall(walled* w, double top) {
  char label[LOOM_PATH_MAX], *xml = NULL, wall[200];
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  snprintf(wall, sizeof wall, "<geom name=\"wall\" type=\"box\" size=\"%g 0.7 %g\" pos=\"%g 0 %g\"/>",
           WALL_THICK / 2, top / 2, WALL_X, top / 2);

  must(loom_task_model(&xml, label, w->o->task, &roots, &err), &err);
  xml = insert(xml, "<body name=\"box\"", wall);
  xml = insert(xml, "<joint name=\"y0\"",
               "<geom name=\"elbow\" type=\"box\" size=\"0.02 0.02 0.02\" pos=\"0.06 0 0.1\"/>");
  must(loom_scene_create(&w->scene, w->o->task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&w->e, w->scene, &err), &err);
  must(loom_trace_create(&w->trace, w->e, w->o->task->max_steps, &err), &err);
  free(xml);

  for (int i = 0; i < 2; i++) {
    double* x = w->o->task->resets[0].placements[i].x;
    memcpy(w->x[i], x, sizeof w->x[i]);
    x[0] = 0.24;
    x[1] = 0.3;
  }
  must(loom_episode_reset(w->e, 0, 5, 1, &err), &err);
}

static inline void take_wall_down(walled* w) {
  for (int i = 0; i < 2; i++) memcpy(w->o->task->resets[0].placements[i].x, w->x[i], sizeof w->x[i]);
  loom_trace_destroy(&w->trace);
  loom_episode_destroy(w->e);
  loom_scene_destroy(w->scene);
}

static inline int geom_of(const walled* w, const char* name) {
  int id = mj_name2id(w->e->m, mjOBJ_GEOM, name);
  assert_true(id >= 0);
  return id;
}

#endif
