// How much everything but physics costs, how threads scale, what a reset takes. Ratios within one run:
// machines are noisy.
#include "tests/handover_fixture.h"

#include "engine/base/clock.h"
#include "engine/sim/near.h"
#include "generators/run/generate.h"

static double run(const loomScene* scene, const loomSourceSet* sources, int threads, int attempts,
                  loomGenerateReport* report) {
  loomError err = {0, ""};

  loomGenerateDef def = loom_default_generate_def();
  def.attempts = attempts;
  def.threads = threads;
  def.attempt.seed = 5;

  must(loom_generate(report, scene, sources, &def, &err), &err);
  return report->seconds;
}

// CPU seconds of bare mj_step on the states and controls of an episode that holds still and then moves.
static void overhead(const loomScene* scene, const loomDemo* demo) {
  loomError err = {0, ""};
  loomEpisode* e;
  must(loom_episode_create(&e, scene, &err), &err);

  double ours = 0, bare = 0;
  for (int round = 0; round < 5; round++) {
    // A demo's actions through our control step.
    must(loom_episode_start(e, demo->states, &err), &err);
    double start = loom_thread_cpu();
    for (int t = 0; t < demo->rows; t++)
      must(loom_episode_step(e, demo->actions + (size_t)t * 14, &err), &err);
    ours += loom_thread_cpu() - start;

    // The same physics without us: the same states and the controls they ended with, stepped by MuJoCo alone.
    must(loom_episode_start(e, demo->states, &err), &err);
    for (int t = 0; t < demo->rows; t++) {
      must(loom_episode_step(e, demo->actions + (size_t)t * 14, &err), &err);
      start = loom_thread_cpu();
      for (int k = 0; k < scene->substeps; k++) mj_step(e->m, e->scratch);
      bare += loom_thread_cpu() - start;

      mju_copy(e->scratch->qpos, e->d->qpos, (int)e->m->nq);
      mju_copy(e->scratch->qvel, e->d->qvel, (int)e->m->nv);
      mju_copy(e->scratch->ctrl, e->d->ctrl, (int)e->m->nu);
      mju_copy(e->scratch->qacc_warmstart, e->d->qacc_warmstart, (int)e->m->nv);
    }
  }

  printf("control step against bare mj_step: %.3f (%.1f us a physics step)\n", ours / bare,
         1e6 * bare / (5.0 * demo->rows * scene->substeps));
  loomNearCounts near = loom_near_counts(e->near);
  printf("%.1f of %d pairs of bodies looked at a physics step, contacts found again in %lld of %lld\n",
         (double)near.looked_at / (double)near.steps, (int)near.pairs, (long long)near.again,
         (long long)near.steps);

  // 200 resets.
  double start = loom_thread_cpu();
  for (int i = 0; i < 200; i++) must(loom_episode_reset(e, 0, 1, (uint64_t)i, &err), &err);
  printf("reset: %.2f ms\n", 1e3 * (loom_thread_cpu() - start) / 200);

  loom_episode_destroy(e);
}

// A demo replayed with contacts between all links looked for, and without those that robots' files call
// apart, in turn.
static void apart(loomTask* task, const loomDemo* demo, const char* env_args, const loomAssetRoots* roots) {
  loomError err = {0, ""};
  loomScene* scene[2];
  loomEpisode* e[2];
  int count[LOOM_MAX_ARMS];
  double cpu[2] = {0, 0}, state[2][200];

  for (int i = 0; i < 2; i++) {
    for (int a = 0; a < task->arm_count; a++) {
      if (!i) count[a] = task->robots[a].apart_count;
      task->robots[a].apart_count = i ? count[a] : 0;
    }
    must(loom_scene_create(&scene[i], task, demo->model_xml, "model", env_args, roots, &err), &err);
    must(loom_episode_create(&e[i], scene[i], &err), &err);
  }

  for (int k = 0; k < 12; k++) {
    int i = k % 2;
    must(loom_episode_start(e[i], demo->states, &err), &err);
    double start = loom_thread_cpu();
    for (int t = 0; t < demo->rows; t++)
      must(loom_episode_step(e[i], demo->actions + (size_t)t * 14, &err), &err);
    cpu[i] += loom_thread_cpu() - start;
    loom_episode_state(state[i], e[i]);
  }

  printf("%d pairs of links left out: %.3f of the time, last states %s\n", (int)scene[1]->model->nexclude,
         cpu[1] / cpu[0],
         memcmp(state[0], state[1], sizeof(double) * (size_t)e[0]->state_dim) ? "differ" : "equal");
  for (int i = 0; i < 2; i++) loom_episode_destroy(e[i]);
  for (int i = 0; i < 2; i++) loom_scene_destroy(scene[i]);
}

int main(void) {
  void* state;
  loomError err = {0, ""};
  loomSourceSet sources;
  loomScene *scene, *own = NULL;
  loomEpisode* episode;
  loomDemo demo;
  loomGenerateReport one, two;

  // The handover, its sources, and one demo's own scene.
  handover_open(&state);
  handover* h = state;
  must(loom_sources_load(&sources, h->task, h->source, &h->roots, &err), &err);
  must(loom_scene_create(&scene, h->task, sources.model_xml, "model", sources.env_args, &h->roots, &err),
       &err);
  must(loom_demo_load(&demo, h->dataset, 5, &err), &err);
  must(loom_replay_open(&own, &episode, h->task, h->dataset, &demo, &h->roots, &err), &err);

  overhead(own, &demo);
  apart(h->task, &demo, sources.env_args, &h->roots);

  // The same attempts by one thread and by two.
  double t1 = run(scene, &sources, 1, 32, &one), t2 = run(scene, &sources, 2, 32, &two);

  const loomTimes* t = &one.times;
  double rest = t->control + t->observe + t->plan + t->write;

  printf("an attempt: %.2f s; control %.1f %%, observe %.1f %%, plan %.1f %% of physics, together %.1f %%\n",
         t1 / 32, 100 * t->control / t->physics, 100 * t->observe / t->physics, 100 * t->plan / t->physics,
         100 * rest / t->physics);
  printf("2 threads against 1: %.2f x\n", t1 / t2);

  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&two);
  loom_episode_destroy(episode);
  loom_scene_destroy(own);
  loom_scene_destroy(scene);
  loom_demo_destroy(&demo);
  loom_sources_destroy(&sources);
  return handover_close(&state);
}
