// Are the starts of kept handover demos those that the task asks for? Against the ranges that its reset
// declares, not against those of the attempts: each number a start is drawn by, as a share of its range, in
// quarters.
//   bench_asked [DEMOS [TRIES [SEED [OUT|- [stratified]]]]]
// With OUT the demos are kept in that dataset, and a run that was ended goes on where it was.
#include "tests/handover_fixture.h"

#include <math.h>

#include "engine/base/expr.h"
#include "generators/run/diversity.h"

enum { NUMBERS = LOOM_DRAWN + LOOM_MAX_VARIABLES };

static const double smallest_p = 0.01, largest_off = 0.15;

// Where in its range a variable was drawn, 0 to 1; ranges may be expressions of the variables before it.
static double share_of_range(const loomPlacement* place, const loomObjectDef* object, int v,
                             const double* values) {
  const char* names[LOOM_MAX_VARIABLES];
  loomError err = {0, ""};
  for (int i = 0; i < v; i++) names[i] = object->variables[i].name;

  for (int r = 0; r < place->range_count; r++) {
    if (strcmp(place->range_names[r], object->variables[v].name)) continue;
    double low, high;
    must(loom_expr_eval(&low, place->ranges[r][0], names, values, v, &err), &err);
    must(loom_expr_eval(&high, place->ranges[r][1], names, values, v, &err), &err);
    return (values[v] - low) / (high - low);
  }
  return NAN;
}

static double between(double value, const double range[2]) {
  return (value - range[0]) / (range[1] - range[0]);
}

// One line a number: how many in each quarter, the quarter that is furthest off, Pearson's chi-square.
static bool told(const char* name, const int64_t* count) {
  double n = 0, x = 0, worst = 0;
  for (int q = 0; q < LOOM_QUARTERS; q++) n += (double)count[q];

  double expected = n / LOOM_QUARTERS;
  for (int q = 0; q < LOOM_QUARTERS; q++) {
    double off = (double)count[q] - expected;
    x += off * off / expected;
    worst = fmax(worst, fabs(off) / expected);
  }

  double p = loom_chi_square_3(x);
  bool kept = p > smallest_p && worst <= largest_off;
  printf("%-9s %5d %5d %5d %5d   worst %4.1f %%   p %.3f%s\n", name, (int)count[0], (int)count[1],
         (int)count[2], (int)count[3], 100 * worst, p, kept ? "" : "   not as asked");
  return kept;
}

static bool compare(const loomGenerateReport* run, const loomTask* task) {
  const loomPlacement* place = &task->resets[0].placements[0];
  const loomObjectDef* object = &task->objects[place->object];
  int64_t count[NUMBERS][LOOM_QUARTERS] = {{0}};

  // Each kept demo's start, number by number.
  for (int64_t i = 0; i < run->result_count; i++) {
    const loomAttemptResult* r = &run->results[i];
    if (r->outcome != LOOM_OUTCOME_SUCCESS) continue;

    // An even turn of the whole circle stays even, whatever the orientations add to it.
    double share[NUMBERS] = {between(r->drawn[0], place->x), between(r->drawn[1], place->y),
                             between(r->drawn[2], place->yaw)};
    for (int v = 0; v < object->variable_count; v++)
      share[LOOM_DRAWN + v] = share_of_range(place, object, v, r->drawn + LOOM_DRAWN);

    for (int k = 0; k < LOOM_DRAWN + object->variable_count; k++)
      if (isfinite(share[k])) count[k][(int)fmax(0, fmin(LOOM_QUARTERS - 1, LOOM_QUARTERS * share[k]))]++;
  }

  bool all = true;
  static const char* const names[LOOM_DRAWN] = {"x", "y", "yaw"};
  for (int k = 0; k < LOOM_DRAWN + object->variable_count; k++) {
    const char* name = k < LOOM_DRAWN ? names[k] : object->variables[k - LOOM_DRAWN].name;
    if (!told(name, count[k])) all = false;
  }
  return all;
}

int main(int argc, char** argv) {
  void* state;
  loomError err = {0, ""};
  loomSourceSet sources;
  loomScene* scene;
  loomGenerateReport report;

  handover_open(&state);
  handover* h = state;
  must(loom_sources_load(&sources, h->task, h->source, &h->roots, &err), &err);
  must(loom_scene_create(&scene, h->task, sources.model_xml, "model", sources.env_args, &h->roots, &err),
       &err);

  loomGenerateDef def = loom_default_generate_def();
  def.successes = argc > 1 ? atoi(argv[1]) : 40;
  def.attempt.tries = argc > 2 ? atoi(argv[2]) : 8;
  def.attempt.seed = argc > 3 ? (uint64_t)atoll(argv[3]) : 31600;
  def.attempt.stratified = argc > 5;
  if (argc > 4 && strcmp(argv[4], "-")) {
    def.out = argv[4];
    def.resume = true;
  }
  must(loom_generate(&report, scene, &sources, &def, &err), &err);

  printf("%d demos of %d attempts, up to %d at a start\n", (int)report.successes, (int)report.attempts,
         def.attempt.tries);
  bool all = compare(&report, h->task);

  loom_generate_report_destroy(&report);
  loom_scene_destroy(scene);
  loom_sources_destroy(&sources);
  handover_close(&state);

  // So few as without arguments say little.
  return all || argc == 1 ? 0 : 1;
}
