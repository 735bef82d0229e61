// demoloom relabel: how far inferred actions are from those that demos have.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/command/relabel.h"

static const char* const part_names[RELABEL_PARTS] = {
    [RELABEL_POSITION] = "position",
    [RELABEL_ROTATION] = "rotation",
    [RELABEL_JOINTS] = "joints",
    [RELABEL_GRIPPER] = "gripper",
};

// Absolute orientations are axes times angles, of which two are the same rotation and, near half a turn, far
// apart: compared is the one nearer to `to` (A). The number `k` of it.
static double nearer(const double* from, const double* to, int k, const loomEpisode* e) {
  int at = 0, a = 0;
  while (k >= at + loom_arm_action_dim(&e->arms[a])) at += loom_arm_action_dim(&e->arms[a++]);
  const loomControllerDef* c = &e->arms[a].control;
  int number = k - at;
  if (c->delta || c->type == LOOM_JOINT_POSITION || number < 3 || number > 5) return from[k];

  const double *x = from + at + 3, *y = to + at + 3;
  double angle = mju_norm3(x), other[3];
  if (angle < 1e-9) return from[k];
  mju_scl3(other, x, 1 - 2 * mjPI / angle);
  return mju_dist3(other, y) < mju_dist3(x, y) ? other[number - 3] : from[k];
}

static relabelPart part_of(const loomEpisode* e, int number) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    if (number >= loom_arm_action_dim(arm)) {
      number -= loom_arm_action_dim(arm);
      continue;
    }
    if (number >= arm->pose_dim) return RELABEL_GRIPPER;
    if (arm->control.type == LOOM_JOINT_POSITION) return RELABEL_JOINTS;
    return number < 3 ? RELABEL_POSITION : RELABEL_ROTATION;
  }

  return RELABEL_GRIPPER;
}

static void find_ranges(relabelErrors* out, const relabelDemo* demo, int n) {
  for (int k = 0; k < out->action_dim; k++) {
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
      for (int t = 0; demo[i].truth && t < demo[i].rows; t++) {
        double x = demo[i].truth[(ptrdiff_t)t * out->action_dim + k];
        low = fmin(low, x);
        high = fmax(high, x);
      }
    out->range[k] = high - low;
  }
}

static int ascending(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static relabelError summarize(double* x, int64_t n) {
  if (!n) return (relabelError){NAN, NAN};
  qsort(x, (size_t)n, sizeof *x, ascending);
  return (relabelError){x[(n - 1) / 2], x[(int64_t)ceil(0.9 * (double)n) - 1]};
}

/// Numbers of an action that are looked at together: `which` of the part numbers, or all of them.
typedef struct errorPick {
  int part, number;  // -1 = any
} errorPick;

static relabelError collect(double* x, const relabelErrors* errors, const relabelDemo* demo, int n,
                            const loomEpisode* e, errorPick pick) {
  int64_t count = 0;

  for (int k = 0; k < errors->action_dim; k++) {
    bool wanted = (pick.number < 0 || pick.number == k) && (pick.part < 0 || (int)part_of(e, k) == pick.part);
    for (int i = 0; wanted && i < n; i++)
      for (int t = 0; demo[i].truth && t < demo[i].rows; t++) {
        ptrdiff_t at = (ptrdiff_t)t * errors->action_dim;
        double range = errors->range[k] > 0 ? errors->range[k] : 1;
        const double *inferred = demo[i].actions + at, *truth = demo[i].truth + at;
        x[count++] = fabs(nearer(inferred, truth, k, e) - truth[k]) / range;
      }
  }
  return summarize(x, count);
}

int relabel_compare(relabelErrors* out, const relabelDemo* demo, int n, const loomEpisode* e,
                    loomError* err) {
  *out = (relabelErrors){.action_dim = e->action_dim};
  for (int i = 0; i < n; i++) out->rows += demo[i].truth ? demo[i].rows : 0;
  out->known = out->rows > 0;
  if (!out->known) return 0;

  double* x = malloc((size_t)out->rows * (size_t)e->action_dim * sizeof *x);
  if (!x) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for errors");

  find_ranges(out, demo, n);
  out->all = collect(x, out, demo, n, e, (errorPick){-1, -1});
  for (int p = 0; p < RELABEL_PARTS; p++) out->part[p] = collect(x, out, demo, n, e, (errorPick){p, -1});
  for (int k = 0; k < e->action_dim; k++) out->each[k] = collect(x, out, demo, n, e, (errorPick){-1, k});
  free(x);
  return 0;
}

// ---- told

static void add_error(cJSON* to, relabelError error) {
  cJSON_AddNumberToObject(to, "median", error.median);
  cJSON_AddNumberToObject(to, "p90", error.p90);
}

void relabel_errors_json(cJSON* out, const relabelErrors* errors) {
  cJSON* all = cJSON_AddObjectToObject(out, "error");
  cJSON_AddNumberToObject(all, "rows", (double)errors->rows);
  add_error(all, errors->all);
  for (int p = 0; p < RELABEL_PARTS; p++)
    if (!isnan(errors->part[p].median))
      add_error(cJSON_AddObjectToObject(all, part_names[p]), errors->part[p]);

  cJSON* each = cJSON_AddArrayToObject(all, "each");
  for (int k = 0; k < errors->action_dim; k++) {
    cJSON* one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "range", errors->range[k]);
    add_error(one, errors->each[k]);
    cJSON_AddItemToArray(each, one);
  }
}

void relabel_errors_print(const relabelErrors* errors) {
  printf("error, %% of range     median    90 %%   (%lld rows that have actions)\n", (long long)errors->rows);
  printf("%-20s %8.2f %7.2f\n", "all", 100 * errors->all.median, 100 * errors->all.p90);
  for (int p = 0; p < RELABEL_PARTS; p++)
    if (!isnan(errors->part[p].median))
      printf("%-20s %8.2f %7.2f\n", part_names[p], 100 * errors->part[p].median, 100 * errors->part[p].p90);

  for (int k = 0; k < errors->action_dim; k++)
    printf("number %-13d %8.2f %7.2f\n", k, 100 * errors->each[k].median, 100 * errors->each[k].p90);
}
