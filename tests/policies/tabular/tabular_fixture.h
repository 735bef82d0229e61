// What the tests of tables share.
#ifndef LOOM_TESTS_POLICIES_TABULAR_FIXTURE_H
#define LOOM_TESTS_POLICIES_TABULAR_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/tabular/plan.h"
#include "policies/tabular/worlds.h"

static inline void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static inline void near_to(double got, double wanted, double tolerance) {
  if (!(fabs(got - wanted) <= tolerance)) fail_msg("%.15g, wanted %.15g to %g", got, wanted, tolerance);
}

static inline loomMdp world(const char* spec, uint64_t seed, double gamma, int horizon) {
  loomWorldDef def = {.spec = spec, .seed = seed};
  loomError err;
  loomMdp m;
  must(loom_world_make(&m, &def, &err), &err);
  m.gamma = gamma;
  m.horizon = horizon;
  must(loom_mdp_check(&m, &err), &err);
  return m;
}

static inline double* numbers(size_t n) {
  double* out = calloc(n, sizeof *out);
  assert_non_null(out);
  return out;
}

// A file of that text, for one reading.
static inline const char* write_mdp(const char* text) {
  static char path[64];
  snprintf(path, sizeof path, "/tmp/loom-mdp-%ld.mdp", (long)getpid());
  FILE* f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  return path;
}

#endif
