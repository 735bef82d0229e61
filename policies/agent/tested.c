#include "policies/agent/tested.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"

loomTry loom_try(const loomRollout* r) {
  return (loomTry){.number = (int64_t)r->number,
                   .start = (int64_t)r->start,
                   .end = (int)r->end,
                   .within = r->within_limits,
                   .breach = (int)r->breach.limit,
                   .steps = r->steps,
                   .jerk = r->jerk};
}

void loom_tested_add(loomTested* t, const loomTry* one) {
  t->n++;
  t->successes += one->end == LOOM_RUN_SUCCESS;
  t->within += one->within;
  t->steps += one->steps;
  t->breaches[one->breach]++;

  // An episode of hardly any step has none.
  if (isnan(one->jerk)) return;
  t->moved++;
  t->jerk += one->jerk;
}

void loom_tested_join(loomTested* t, const loomTested* other) {
  t->n += other->n;
  t->successes += other->successes;
  t->within += other->within;
  t->steps += other->steps;
  for (int l = 0; l < LOOM_LIMITS; l++) t->breaches[l] += other->breaches[l];

  t->moved += other->moved;
  t->jerk += other->jerk;
}

int64_t loom_tested_breaches(const loomTested* t) {
  return t->n - t->breaches[LOOM_LIMIT_NONE];
}

double loom_tested_jerk(const loomTested* t) {
  return t->moved ? t->jerk / (double)t->moved : NAN;
}

bool loom_is_rougher(double before, double after) {
  return after > LOOM_ROUGHER * before;
}

// ---- a table of starts

static void put_jerk(FILE* out, double jerk) {
  if (isnan(jerk)) fputs(",", out);
  if (!isnan(jerk)) fprintf(out, ",%.17g", jerk);
}

static void put_start(FILE* out, const loomTry* a, const loomTry* b, int64_t number) {
  fprintf(out, "%lld,%d,%d,%d,%d,%s,%s", (long long)number, a->end == LOOM_RUN_SUCCESS,
          b->end == LOOM_RUN_SUCCESS, a->within, b->within, loom_limit_name((loomLimit)a->breach),
          loom_limit_name((loomLimit)b->breach));
  put_jerk(out, a->jerk);
  put_jerk(out, b->jerk);
  putc('\n', out);
}

int loom_tested_write(const char* path, const char* const name[2], const loomTry* first,
                      const loomTry* second, int64_t n, loomError* err) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  // Success first, which is what most look for.
  const char *a = name[0], *b = name[1];
  fprintf(out, "start,%s,%s,%s_within,%s_within,%s_breach,%s_breach,%s_jerk,%s_jerk\n", a, b, a, b, a, b, a,
          b);
  for (int64_t i = 0; i < n; i++) put_start(out, &first[i], &second[i], i);

  int code = fclose(out) ? loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path)
                         : loom_file_write_text(path, text, err);
  free(text);
  return code;
}
