// Context translation, in double: the gradient of its loss against central differences, and that it learns.
#define LOOM_DOUBLE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/network/translator.h"
#include "policies/nn/optimizer.h"

enum { PAIRS = 2 };

static loomTranslatorDef small(void) {
  loomTranslatorDef def = loom_default_translator_def();
  def.height = 16;
  def.width = 32;

  for (int l = 0; l < LOOM_TRANSLATOR_LEVELS; l++) def.size[l] = 2 + l % 2;
  def.features = 5;
  def.feature = 10;
  return def;
}

static void fill(loomReal* out, size_t count, loomRandom* r) {
  for (size_t i = 0; i < count; i++) out[i] = loom_random_uniform(r);
}

static void gradient(void** state) {
  (void)state;
  const double h = 1e-6;
  loomTranslatorDef def = small();
  loomTranslator t;
  assert_int_equal(loom_translator_create(&t, &def, 4, PAIRS, NULL), 0);
  loomRandom r = loom_random(14, 0, LOOM_PURPOSE_TEST);
  size_t picture = (size_t)loom_translator_dim(&t);
  fill(t.seen, 2 * PAIRS * picture, &r);
  fill(t.first, PAIRS * picture, &r);

  loom_translator_forward(&t, PAIRS);
  loomTranslatorLoss loss = loom_translator_back(&t, PAIRS);
  assert_true(loss.image > 0 && loss.reconstruction > 0 && loss.feature > 0);
  loomReal* slope = test_malloc(t.params.total * sizeof *slope);
  memcpy(slope, t.params.gradient, t.params.total * sizeof *slope);

  double wrong = 0, size = 0;

  for (size_t i = 0; i < t.params.total; i++) {
    double keep = t.params.value[i];
    t.params.value[i] = keep + h;
    loom_translator_forward(&t, PAIRS);
    double above = loom_translator_back(&t, PAIRS).sum;
    t.params.value[i] = keep - h;
    loom_translator_forward(&t, PAIRS);
    double numeric = (above - loom_translator_back(&t, PAIRS).sum) / (2 * h);
    t.params.value[i] = keep;
    wrong += (numeric - slope[i]) * (numeric - slope[i]);
    size += numeric * numeric;
  }
  if (!(size > 0 && sqrt(wrong / size) < 1e-5)) fail_msg("off by %g", sqrt(wrong / size));
  test_free(slope);
  loom_translator_destroy(&t);
}

// A bright column that moves; the other context is its mirror image, brighter.
static void draw_pair(loomTranslator* t, int i, int n, int at) {
  const loomTranslatorDef* d = &t->def;
  size_t picture = (size_t)loom_translator_dim(t);
  loomReal *from = t->seen + (size_t)i * picture, *to = t->seen + (size_t)(n + i) * picture,
           *first = t->first + (size_t)i * picture;
  for (size_t k = 0; k < picture; k++) {
    int x = (int)(k % (size_t)d->width), mirrored = d->width - 1 - x;
    from[k] = x / 4 == at ? 0.6 : 0.1;
    to[k] = mirrored / 4 == at ? 1 : 0.3;
    first[k] = mirrored / 4 == 0 ? 1 : 0.3;
  }
}

static void learns(void** state) {
  (void)state;
  enum { N = 8 };
  loomTranslatorDef def = small();

  for (int l = 0; l < LOOM_TRANSLATOR_LEVELS; l++) def.size[l] = 8;
  def.features = 16;
  loomTranslator t;
  loomAdamDef adam = loom_default_adam_def();
  assert_int_equal(loom_translator_create(&t, &def, 4, N, NULL), 0);
  double first = 0, last = 0;

  for (int step = 0; step < 150; step++) {
    for (int i = 0; i < N; i++) draw_pair(&t, i, N, i);
    loom_translator_forward(&t, N);
    last = loom_translator_back(&t, N).image;
    if (!step) first = last;
    loom_adam_step(&t.params, &adam, 3e-3, (uint64_t)step + 1);
  }
  if (!(last < first / 20)) fail_msg("from %g to %g", first, last);
  loom_translator_destroy(&t);
}

static void sizes(void** state) {
  (void)state;
  loomTranslatorDef def = small();
  loomTranslator t;
  loomError err = {0, ""};
  def.width = 40;
  assert_int_equal(loom_translator_create(&t, &def, 4, 1, &err), LOOM_ERR_USAGE);
}

// Translated in parts, several to one context: as in one go.
static void parts(void** state) {
  (void)state;
  loomTranslatorDef def = small();
  loomTranslator whole, t;
  assert_int_equal(loom_translator_create(&whole, &def, 4, PAIRS, NULL), 0);
  assert_int_equal(loom_translator_create(&t, &def, 4, PAIRS, NULL), 0);
  loomRandom r = loom_random(15, 0, LOOM_PURPOSE_TEST);
  size_t picture = (size_t)loom_translator_dim(&t), features = (size_t)def.features;
  fill(whole.seen, 2 * PAIRS * picture, &r);
  fill(whole.first, picture, &r);
  memcpy(whole.first + picture, whole.first, picture * sizeof *t.first);
  loom_translator_forward(&whole, PAIRS);

  loomReal z[PAIRS * 5];
  memcpy(t.first, whole.first, picture * sizeof *t.first);
  loom_translator_look(&t);
  memcpy(t.seen, whole.seen, PAIRS * picture * sizeof *t.seen);
  loom_translator_see(&t, PAIRS);
  memcpy(z, t.eye.z, sizeof z);
  loom_translator_translate(&t, z, PAIRS, true);
  for (size_t i = 0; i < PAIRS * features; i++) assert_true(fabs(t.code[i] - whole.code[i]) < 1e-12);
  for (size_t i = 0; i < PAIRS * picture; i++) assert_true(fabs(t.made[0][i] - whole.made[0][i]) < 1e-12);

  // Another context makes another picture.
  fill(t.first, picture, &r);
  loom_translator_look(&t);
  loom_translator_translate(&t, z, 1, true);
  double off = 0;
  for (size_t i = 0; i < picture; i++) off += fabs(t.made[0][i] - whole.made[0][i]);
  assert_true(off > 1e-3);
  loom_translator_destroy(&whole);
  loom_translator_destroy(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradient), cmocka_unit_test(parts),
                                     cmocka_unit_test(learns), cmocka_unit_test(sizes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
