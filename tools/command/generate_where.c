#include "tools/command/generate_where.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/base/statistics.h"
#include "policies/agent/rollout.h"
#include "policies/agent/trained.h"
#include "tools/shared/common.h"
#include "tools/shared/policy_task.h"

// Far beyond the numbers of starts that attempts come to.
static const uint64_t first_start = UINT64_C(1) << 48;

// ---- the map

typedef struct watching {
  int done, failed, n;
  double start;
} watching;

static int note_episode(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  watching* w = user;
  char note[64];
  (void)trace, (void)episode;

  w->done++;
  w->failed += rollout->end != LOOM_RUN_SUCCESS;
  snprintf(note, sizeof note, "episodes, %d fail", w->failed);
  tool_progress("rolled out", w->done, w->n, loom_clock() - w->start, note);
  return tool_stop;
}

// The starts of the episodes, drawn again.
static int put_starts(loomStartMap* map, const loomRolloutReport* report, const generateWhere* w,
                      const loomScene* scene, loomError* err) {
  loomEpisode* e = NULL;
  int code = loom_episode_create(&e, scene, err);
  for (int i = 0; !code && i < report->n; i++) {
    code = loom_episode_reset(e, w->reset, w->seed, report->rollout[i].start, err);
    if (!code) loom_start_map_put(map, i, e, report->rollout[i].end != LOOM_RUN_SUCCESS);
  }

  loom_episode_destroy(e);
  if (!code) loom_start_map_finish(map);
  return code;
}

static int roll_out(loomRolloutReport* out, loomTrained* trained, const generateWhere* w,
                    const loomScene* scene, loomError* err) {
  watching seen = {.n = w->episodes, .start = loom_clock()};
  loomPolicyMaker maker = loom_trained_maker(trained);
  loomRolloutDef def = loom_default_rollout_def();
  def.n = w->episodes;
  def.reset = w->reset;
  def.seed = w->seed;
  def.first = first_start;
  def.threads = w->threads;
  def.done = note_episode;
  def.user = &seen;

  // What it is to see is known to be there before the first of many.
  int code = loom_rollout_try(scene, &maker, &def, err);
  if (!code) code = loom_rollout(out, scene, &maker, &def, err);
  tool_progress_end();
  if (code != LOOM_ERR_INTERRUPTED) return code;
  return loom_error_set(err, code, "interrupted after %d of %d episodes, before the first attempt", seen.done,
                        w->episodes);
}

int generate_where(loomStartMap** out, const generateWhere* w, const loomScene* scene, loomError* err) {
  loomTrained trained = {0};
  loomTask* task = NULL;
  loomRolloutReport report = {0};
  *out = NULL;

  int code = loom_trained_load(&trained, w->policy, err);
  if (!code) code = tool_policy_task(&task, &trained, w->policy, w->task, err);
  if (!code) code = roll_out(&report, &trained, w, scene, err);
  if (!code) code = loom_start_map_create(out, scene->task, report.n, err);
  if (!code) code = put_starts(*out, &report, w, scene, err);
  if (code) {
    loom_start_map_destroy(*out);
    *out = NULL;
  }

  loom_rollout_report_destroy(&report);
  loom_task_destroy(task);
  loom_trained_destroy(&trained);
  return code;
}

// ---- the report

static int bin_of(double value, const double range[2], int bins) {
  int i = (int)floor((value - range[0]) / (range[1] - range[0]) * bins);
  return i < 0 ? 0 : i >= bins ? bins - 1 : i;
}

static cJSON* cell_json(int episodes, int failures) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "episodes", episodes);
  cJSON_AddNumberToObject(out, "failures", failures);
  return out;
}

cJSON* generate_where_json(const loomStartMap* map, const char* policy, const loomRegions* g) {
  int episodes[LOOM_REPORT_GRID][LOOM_REPORT_GRID] = {{0}},
      failures[LOOM_REPORT_GRID][LOOM_REPORT_GRID] = {{0}};
  int turns[LOOM_REPORT_YAWS] = {0}, failed_turns[LOOM_REPORT_YAWS] = {0};
  for (int i = 0; i < map->n && map->dims; i++) {
    const double* at = map->at + (ptrdiff_t)i * map->dims;
    double yaw = atan2(at[2], at[3]);
    while (yaw < g->yaw[0] && yaw + 2 * M_PI <= g->yaw[1]) yaw += 2 * M_PI;

    int x = bin_of(at[0], g->x, LOOM_REPORT_GRID), y = bin_of(at[1], g->y, LOOM_REPORT_GRID);
    int turn = bin_of(yaw, g->yaw, LOOM_REPORT_YAWS);
    episodes[y][x]++;
    failures[y][x] += map->failed[i];
    turns[turn]++;
    failed_turns[turn] += map->failed[i];
  }

  // In the order of the report's regions, which say where each is.
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "policy", policy);
  cJSON_AddNumberToObject(out, "episodes", map->n);
  cJSON_AddNumberToObject(out, "failures", map->failures);
  cJSON *cells = cJSON_AddArrayToObject(out, "cells"), *yaws = cJSON_AddArrayToObject(out, "yaws");
  for (int y = 0; y < LOOM_REPORT_GRID; y++)
    for (int x = 0; x < LOOM_REPORT_GRID; x++)
      cJSON_AddItemToArray(cells, cell_json(episodes[y][x], failures[y][x]));
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) cJSON_AddItemToArray(yaws, cell_json(turns[i], failed_turns[i]));
  return out;
}

void generate_where_print(const loomStartMap* map, const char* policy) {
  double low, high;
  loom_wilson(&low, &high, map->failures, map->n);
  printf("%s failed in %d of %d episodes (95 %% interval %.1f to %.1f %%); starts are drawn where it does\n",
         policy, map->failures, map->n, 100 * low, 100 * high);
}
