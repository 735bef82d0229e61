// demoloom verify: are a demo's arrays those that were written, and those that its states give?
#include "tools/command/verify_arrays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/data/one_arm.h"
#include "engine/run/record_demo.h"

// Observations are as smooth as states: replayed states this close give numbers this close.
static const double same_state = 1e-6, same_number = 1e-5, other_simulator = 1e-3;

void array_verdict_destroy(arrayVerdict* v) {
  loom_names_destroy(&v->wrong);
  loom_names_destroy(&v->otherwise);
  loom_names_destroy(&v->agree);
  loom_names_destroy(&v->unknown);
}

// ---- what its states give

// Every recorded state by itself, as `replay -o` observes them.
static int trace_states(loomTrace* t, loomEpisode* e, const loomDemo* demo, loomError* err) {
  int code = loom_trace_create(t, e, demo->rows, err);
  for (int r = 0; !code && r < demo->rows; r++) {
    code = loom_episode_start(e, demo->states + (ptrdiff_t)r * demo->state_dim, err);
    if (!code) loom_trace_add(t, e, demo->actions + (ptrdiff_t)r * demo->action_dim);
  }
  return code;
}

// A quaternion and its negative are one rotation.
static double row_error(const double* a, const double* b, int64_t n, bool quaternion) {
  double plus = 0, minus = 0;
  for (int64_t i = 0; i < n; i++) {
    double d = fabs(a[i] - b[i]), s = fabs(a[i] + b[i]);
    plus = d <= plus ? plus : d;  // and not a number is the largest error
    minus = s <= minus ? minus : s;
  }
  return quaternion && minus < plus ? minus : plus;
}

static int compare(arrayVerdict* v, const loomDataset* ds, const char* object, const loomField* field,
                   double tolerance, bool ours, loomNames* compared, loomError* err) {
  loomArray kept;
  char text[512];
  if (!loom_dataset_has(ds, object, field->path)) return 0;
  if (loom_dataset_doubles(&kept, ds, object, field->path, NULL)) return 0;  // its digest's matter

  if (!strcmp(field->path, "datagen_info/eef_pose")) loom_array_with_arms(&kept);
  bool same_shape = kept.rank == field->rank;
  for (int i = 0; i < field->rank && same_shape; i++) same_shape = kept.shape[i] == field->shape[i];

  // Of strangers an array of that name may be another thing.
  int code = 0;
  text[0] = '\0';
  if (!same_shape && ours)
    snprintf(text, sizeof text, "%s: has another shape than its states give", field->path);
  if (same_shape || ours) code = loom_names_add(compared, field->path);

  // How many rows are off, and the first of them.
  int64_t rows = field->shape[0], dim = rows && same_shape ? kept.count / rows : 0, off = 0;
  for (int64_t r = 0; r < rows && same_shape; r++) {
    double now[64 * 16];
    if (dim > (int64_t)(sizeof now / sizeof *now)) break;
    for (int64_t i = 0; i < dim; i++)
      now[i] = field->type == LOOM_TYPE_F64 ? ((const double*)field->data)[r * dim + i]
                                            : (double)((const int64_t*)field->data)[r * dim + i];
    double error = row_error((double*)kept.data + r * dim, now, dim, loom_ends_with(field->path, "quat"));
    if (error <= tolerance) continue;
    if (!off++)
      snprintf(text, sizeof text, "%s: row %lld is %.3g off what its state gives (%.0e allowed)", field->path,
               (long long)r, error, tolerance);
  }
  loom_array_destroy(&kept);

  // Damage hits some rows; what is off in most of a stranger's rows may be made by another rule.
  bool by_rule = !ours && 10 * off > rows;
  if (!code && text[0]) code = loom_names_add(by_rule ? &v->otherwise : &v->wrong, text);
  if (!code && !ours && same_shape && !off) code = loom_names_add(&v->agree, field->path);
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a verdict") : 0;
}

// What the driver of the episode meant cannot be computed, but it must be poses.
static int check_targets(arrayVerdict* v, const loomDataset* ds, const char* object, loomNames* compared,
                         loomError* err) {
  static const char name[] = "datagen_info/target_pose";
  loomArray kept;
  char text[128] = "";
  if (!loom_dataset_has(ds, object, name) || loom_dataset_doubles(&kept, ds, object, name, NULL)) return 0;

  loom_array_with_arms(&kept);
  int64_t poses = kept.rank == 4 && kept.shape[2] == 4 && kept.shape[3] == 4 ? kept.count / 16 : 0;
  for (int64_t i = 0; i < poses && !text[0]; i++) {
    const double* m = (double*)kept.data + 16 * i;
    double off = fabs(m[15] - 1) + fabs(m[12]) + fabs(m[13]) + fabs(m[14]);
    for (int r = 0; r < 3; r++)
      for (int k = 0; k < 3; k++)
        off = fmax(off, fabs(m[4 * r] * m[4 * k] + m[4 * r + 1] * m[4 * k + 1] + m[4 * r + 2] * m[4 * k + 2] -
                             (r == k)));
    if (!(off <= other_simulator))
      snprintf(text, sizeof text, "%s: row %lld is no pose", name, (long long)(i / kept.shape[1]));
  }
  loom_array_destroy(&kept);

  int code = poses ? loom_names_add(compared, name) : 0;
  if (!code && text[0]) code = loom_names_add(&v->wrong, text);
  return code ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a verdict") : 0;
}

static int compare_computed(arrayVerdict* v, const loomDataset* ds, const char* object, const loomDemo* demo,
                            loomEpisode* e, loomTrace* replayed, double state_error, loomNames* compared,
                            loomError* err) {
  bool same = state_error <= same_state && replayed->rows == demo->rows;
  bool ours = loom_dataset_has_attr(ds, object, "loom_attempt");
  loomTrace shown = {0};
  loomDemoRecord record = {0};
  unsigned arrays = LOOM_DEMO_OBS | LOOM_DEMO_EEF_POSES | LOOM_DEMO_OBJECT_POSES;
  int code = same ? 0 : trace_states(&shown, e, demo, err);

  // Rewards, dones and commands follow other rules in other programs.
  if (same) arrays |= LOOM_DEMO_NEXT_OBS;
  if (same && ours) arrays |= LOOM_DEMO_REWARDS | LOOM_DEMO_GRIPPERS;
  if (same) loom_trace_put_grippers(replayed, e);
  if (!code) loom_demo_record_rows(&record, arrays, same ? replayed : &shown, e, 0, demo->rows);

  loomRecord all;
  if (!code) code = loom_demo_record_finish(&all, &record, NULL, err);
  for (int i = 0; !code && i < record.nfield; i++)
    code =
        compare(v, ds, object, &record.field[i], same ? same_number : other_simulator, ours, compared, err);
  loom_demo_record_destroy(&record);
  loom_trace_destroy(&shown);
  return code;
}

// ---- what was written

typedef struct listing {
  const loomNames* compared;
  const loomNames* without;  // a digest
  arrayVerdict* v;
} listing;

static int list_unknown(void* user, const char* name, const loomArray* array, int readable,
                        const loomError* why) {
  (void)array, (void)readable, (void)why;
  const listing* l = user;
  bool replayed = !strcmp(name, "actions") || !strcmp(name, "states");
  if (replayed || loom_names_has(l->compared, name) || (l->v->digested && !loom_names_has(l->without, name)))
    return 0;
  return loom_names_add(&l->v->unknown, name);
}

int verify_settle(arrayVerdict* v, int n) {
  for (int i = 0; i < n; i++) {
    loomNames* list = &v[i].otherwise;
    int kept = 0;

    for (int k = 0; k < list->n; k++) {
      char name[512];
      snprintf(name, sizeof name, "%.*s", (int)strcspn(list->name[k], ":"), list->name[k]);
      bool elsewhere = false;
      for (int j = 0; j < n && !elsewhere; j++) elsewhere = loom_names_has(&v[j].agree, name);

      // By the same rule as here in another demo: then it is wrong in this one.
      if (!elsewhere) {
        list->name[kept++] = list->name[k];
        continue;
      }
      int code = loom_names_add(&v[i].wrong, list->name[k]);
      free(list->name[k]);
      if (code) return code;
    }
    list->n = kept;
  }
  return 0;
}

int verify_arrays(arrayVerdict* v, const loomDataset* ds, int number, const loomDemo* demo, loomEpisode* e,
                  loomTrace* trace, double state_error, loomError* err) {
  *v = (arrayVerdict){0};
  const char* object = loom_dataset_demo_path(ds, number);
  loomNames compared = {0};
  loomDigestCheck check = {0};

  // First the digests: they know every bit.
  int code = loom_dataset_check_demo(&check, ds, number, err);
  v->digested = check.carried;
  for (int i = 0; !code && i < check.differ.n; i++) {
    char text[1500];
    snprintf(text, sizeof text, "%s: is not as it was written", check.differ.name[i]);
    code = loom_names_add(&v->wrong, text);
  }

  // Then what the simulator says, whoever wrote it.
  if (!code) code = compare_computed(v, ds, object, demo, e, trace, state_error, &compared, err);
  if (!code) code = check_targets(v, ds, object, &compared, err);
  listing list = {&compared, &check.without, v};
  if (!code) code = loom_dataset_visit(ds, object, list_unknown, &list, err);

  loom_digest_check_destroy(&check);
  loom_names_destroy(&compared);
  if (code) array_verdict_destroy(v);
  return code;
}
