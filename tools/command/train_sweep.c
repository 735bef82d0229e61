#include "tools/command/train_sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/run_folder.h"
#include "engine/base/statistics.h"
#include "engine/draw/chart.h"
#include "policies/data/survey.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"

// ---- one run

typedef struct result {
  int64_t size, seed;
  int demos;  // that there were
  int successes, tests, best_epoch;
  double seconds;  // of training, by this process
  char policy[32];
} result;

static double success_rate(const result* r) {
  return r->tests ? (double)r->successes / r->tests : NAN;
}

static void run_folder(char out[LOOM_PATH_MAX], const loomTrainConfig* base, int64_t size, int64_t seed) {
  int room = LOOM_PATH_MAX - 64;
  if (size)
    snprintf(out, LOOM_PATH_MAX, "%.*s/%lld-seed-%lld", room, base->checkpoint.folder, (long long)size,
             (long long)seed);
  else
    snprintf(out, LOOM_PATH_MAX, "%.*s/all-seed-%lld", room, base->checkpoint.folder, (long long)seed);
}

static cJSON* result_json(const trainSweep* sweep, const result* r) {
  double low, high;
  cJSON* out = cJSON_CreateObject();

  // What was trained, by which the best policy is known.
  cJSON_AddNumberToObject(out, "demos", r->demos);
  cJSON_AddNumberToObject(out, "seed", (double)r->seed);
  cJSON_AddStringToObject(out, "policy", r->policy);
  cJSON_AddNumberToObject(out, "best_epoch", r->best_epoch);
  cJSON_AddNumberToObject(out, "seconds", r->seconds);
  cJSON_AddNumberToObject(out, "tests", r->tests);
  if (!r->tests) return out;

  // What the tests gave, with Wilson's interval.
  loom_wilson(&low, &high, r->successes, r->tests);
  cJSON_AddNumberToObject(out, "test_seed", (double)sweep->test_seed);
  cJSON_AddNumberToObject(out, "successes", r->successes);
  cJSON_AddNumberToObject(out, "success", success_rate(r));
  cJSON_AddNumberToObject(out, "success_low", low);
  cJSON_AddNumberToObject(out, "success_high", high);
  return out;
}

static double number_of(const cJSON* json, const char* name) {
  const cJSON* item = cJSON_GetObjectItem(json, name);
  return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

// What an earlier sweep with the same tests found.
static bool read_result(result* r, const char* path, const trainSweep* sweep) {
  char text[4096] = "";
  FILE* file = fopen(path, "rb");
  if (!file) return false;

  // A result is below 4 KB; anything longer is none of ours.
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  cJSON* json = loom_json_parse(text, n, NULL);

  // Another number of tests, or other starts, would be another result.
  const cJSON* policy = cJSON_GetObjectItem(json, "policy");
  bool same = number_of(json, "tests") == (double)sweep->tests && cJSON_IsString(policy) &&
              (!sweep->tests || number_of(json, "test_seed") == (double)sweep->test_seed);
  if (same) {
    r->tests = (int)sweep->tests;
    r->demos = (int)number_of(json, "demos");
    r->successes = r->tests ? (int)number_of(json, "successes") : 0;
    r->best_epoch = (int)number_of(json, "best_epoch");
    r->seconds = number_of(json, "seconds");
    snprintf(r->policy, sizeof r->policy, "%s", policy->valuestring);
  }

  cJSON_Delete(json);
  return same;
}

static int stop_tests(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  (void)rollout;
  (void)trace;
  (void)episode;
  const loomTrainDef* def = user;
  return def->stop && *def->stop;
}

// Closed loop from starts that chose no checkpoint.
static int test_policy(result* r, const trainSweep* sweep, const loomTrainConfig* c, const loomTrainDef* def,
                       loomError* err) {
  static const char* const names[] = {"best_success", "best_loss", "last"};
  char path[LOOM_PATH_MAX + 64];
  loomTrained trained;
  loomRolloutReport report;

  // The best policy there is: by success, else by validation loss, else the last.
  for (int i = 0; i < 3; i++) {
    snprintf(r->policy, sizeof r->policy, "%s.safetensors", names[i]);
    snprintf(path, sizeof path, "%s/%s", c->checkpoint.folder, r->policy);
    if (loom_is_file(path)) break;
  }
  if (!sweep->tests) return 0;

  int code = loom_trained_load(&trained, path, err);
  if (code) return code;

  // As the configuration's own rollouts, but of other starts.
  loomRolloutDef rollout = loom_default_rollout_def();
  loomPolicyMaker maker = loom_trained_maker(&trained);
  rollout.n = (int)sweep->tests;
  rollout.seed = (uint64_t)sweep->test_seed;
  rollout.reset = c->rollout.reset[0] ? loom_task_find_reset(def->scene->task, c->rollout.reset) : 0;
  rollout.max_steps = c->rollout.max_steps;
  rollout.threads = c->rollout.threads;
  rollout.done = stop_tests;
  rollout.user = (void*)def;

  // The same starts for all policies of the sweep.
  code = loom_rollout(&report, def->scene, &maker, &rollout, err);
  if (!code) {
    r->tests = report.n;
    r->successes = report.ends[LOOM_RUN_SUCCESS];
    loom_rollout_report_destroy(&report);
  }

  loom_trained_destroy(&trained);
  return code;
}

static int open_data(loomData** out, const loomTrainConfig* c, loomError* err) {
  loomConfigDataDef data;
  loom_config_data_def(&data, c, false);
  data.def.prefetch = false;
  return loom_data_open(out, &data.def, err);
}

// A file of the same name may hold other demos by the next time.
static int digest_data(uint64_t* out, const loomTrainConfig* c, loomError* err) {
  loomData* opened;
  int code = open_data(&opened, c, err);
  if (!code) code = loom_survey_digest(out, opened, err);
  loom_data_close(opened);
  return code;
}

static int count_demos(int* out, const loomTrainConfig* c, loomError* err) {
  loomData* opened;

  // Of a file's first demos there may be fewer than asked for.
  int code = open_data(&opened, c, err);
  if (code) return code;
  *out = loom_data_info(opened)->demos;
  loom_data_close(opened);
  return 0;
}

static int run_one(result* r, const trainSweep* sweep, const loomTrainConfig* base, const loomTrainDef* def,
                   loomError* err) {
  char path[LOOM_PATH_MAX + 64];
  loomTrainState state = {0};
  loomTrainDef train = *def;
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  // The base configuration with this run's seed and size, in a folder of its own.
  *c = *base;
  c->train.seed = (int)r->seed;
  for (int i = 0; r->size && i < c->data.file_count; i++) c->data.file[i].first = (int)r->size;
  run_folder(c->checkpoint.folder, base, r->size, r->seed);

  snprintf(path, sizeof path, "%s/result.json", c->checkpoint.folder);

  // A run that has a result is not done again; one that was stopped goes on.
  int code = 0;
  if (!read_result(r, path, sweep)) {
    train.config = c;
    train.resume = true;
    train.overwrite = false;
    code = count_demos(&r->demos, c, err);
    if (!code) code = loom_train(&state, &train, err);
    tool_progress_end();

    // What the training came to.
    r->seconds = state.seconds;
    r->best_epoch = state.best_epoch;
    if (!code) code = test_policy(r, sweep, c, def, err);

    // The result is written last: it says that the run is done.
    cJSON* json = code ? NULL : result_json(sweep, r);
    if (!code) code = tool_write_json(path, json, err);
    cJSON_Delete(json);
  }

  free(c);
  return code;
}

// ---- all of them

// Of each size over its seeds: successes of tests put together, and the seeds' own rates.
typedef struct sizeResult {
  int demos, successes, tests, seeds;
  double low, high, lowest, highest;
} sizeResult;

static sizeResult sum_up(const trainSweep* sweep, const result* results, int size) {
  sizeResult out = {.lowest = 1};

  // A size's seeds lie beside each other.
  for (int i = 0; i < sweep->nseed; i++) {
    const result* r = &results[size * sweep->nseed + i];
    out.demos = r->demos;
    out.seeds++;
    out.successes += r->successes;
    out.tests += r->tests;
    out.lowest = fmin(out.lowest, success_rate(r));
    out.highest = fmax(out.highest, success_rate(r));
  }

  if (out.tests) loom_wilson(&out.low, &out.high, out.successes, out.tests);
  return out;
}

static void print_sweep_table(const trainSweep* sweep, const result* results) {
  printf("demos    seeds  success  95 %% interval    of each seed\n");
  for (int i = 0; i < sweep->nsize; i++) {
    sizeResult s = sum_up(sweep, results, i);
    // A size's tests together, then each seed's own rate.
    if (s.tests)
      printf("%-7d %6d  %5.1f %%  %5.1f to %5.1f   ", s.demos, s.seeds, 100.0 * s.successes / s.tests,
             100 * s.low, 100 * s.high);
    else
      printf("%-7d %6d  not tested                 ", s.demos, s.seeds);

    // Each seed's own rate tells how far one run can be trusted.
    for (int k = 0; s.tests && k < sweep->nseed; k++)
      printf(" %.0f", 100 * success_rate(&results[i * sweep->nseed + k]));
    putchar('\n');
  }
}

static int write_results(const trainSweep* sweep, const result* results, const char* folder, loomError* err) {
  char path[LOOM_PATH_MAX + 32];
  cJSON *out = cJSON_CreateObject(), *runs = cJSON_AddArrayToObject(out, "runs"),
        *sizes = cJSON_AddArrayToObject(out, "sizes");

  // Each run, in the order of sizes and seeds.
  for (int i = 0; i < sweep->nsize * sweep->nseed; i++)
    cJSON_AddItemToArray(runs, result_json(sweep, &results[i]));

  // And each size, over its seeds.
  for (int i = 0; i < sweep->nsize; i++) {
    sizeResult s = sum_up(sweep, results, i);
    cJSON* one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "demos", s.demos);
    cJSON_AddNumberToObject(one, "seeds", s.seeds);
    cJSON_AddNumberToObject(one, "tests", s.tests);

    // Of tests only, where there were any.
    if (s.tests) {
      cJSON_AddNumberToObject(one, "success", (double)s.successes / s.tests);
      cJSON_AddNumberToObject(one, "success_low", s.low);
      cJSON_AddNumberToObject(one, "success_high", s.high);
      cJSON_AddNumberToObject(one, "lowest_seed", s.lowest);
      cJSON_AddNumberToObject(one, "highest_seed", s.highest);
    }
    cJSON_AddItemToArray(sizes, one);
  }

  snprintf(path, sizeof path, "%s/sweep.json", folder);
  int code = tool_write_json(path, out, err);
  if (sweep->json) tool_print_report(out);
  cJSON_Delete(out);
  return code;
}

// Success against demos on a logarithmic scale: all tests of a size with their interval, and each seed's.
static int draw_sweep(const trainSweep* sweep, const result* results, const char* folder, loomError* err) {
  enum { WIDTH = 800, HEIGHT = 500 };
  char path[LOOM_PATH_MAX + 32], text[64];
  loomTextDef title = {.size = 15, .bold = true, .color = loom_color_ink};
  loomTextDef tick = {.size = 12, .align = LOOM_ALIGN_CENTER, .color = loom_color_grey};
  double first = INFINITY, last = 0, before[2] = {0, 0};

  // The axis spans the sizes, in powers of ten.
  for (int i = 0; i < sweep->nsize; i++) {
    double x = log10(sum_up(sweep, results, i).demos);
    first = fmin(first, x);
    last = fmax(last, x);
  }

  // A margin on both sides; the share from 0 to 1.
  loomAxes axes = {
      {80, 50, WIDTH - 110, HEIGHT - 110}, {first - 0.2, last + 0.2}, {0, 1}, 1e9, 0.2, NULL, NULL};
  loomChart* chart;
  int code = loom_chart_create(&chart, WIDTH, HEIGHT, err);
  if (code) return code;

  // Axes with their captions.
  loom_axes_draw(chart, &axes, true);
  snprintf(text, sizeof text, "share of %lld tests a seed that succeed, 95 %% interval",
           (long long)sweep->tests);
  loom_chart_text(chart, axes.box.x, 30, &title, text);
  loom_chart_text(chart, axes.box.x + axes.box.w / 2, HEIGHT - 15, &tick, "demos (each dot a seed)");

  // A line through the sizes' rates, each with its interval and its seeds as dots.
  for (int i = 0; i < sweep->nsize; i++) {
    sizeResult s = sum_up(sweep, results, i);
    double at = log10(s.demos), x = loom_axes_x(&axes, at);
    double y = loom_axes_y(&axes, (double)s.successes / s.tests);
    if (i) loom_chart_segment(chart, before[0], before[1], x, y, 2, loom_color_good);
    loom_axes_interval(chart, &axes, at, s.low, s.high);

    // Seeds as dots, on the size's place.
    for (int k = 0; k < sweep->nseed; k++)
      loom_chart_dot(chart, x, loom_axes_y(&axes, success_rate(&results[i * sweep->nseed + k])), 4,
                     loom_color_blue);

    // How many demos, below the axis.
    snprintf(text, sizeof text, "%d", s.demos);
    loom_chart_text(chart, x, axes.box.y + axes.box.h + 18, &tick, text);
    before[0] = x;
    before[1] = y;
  }

  snprintf(path, sizeof path, "%s/sweep.png", folder);
  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}

enum { TESTS = 100 };  // a run, unless told otherwise

static int by_value(const void* a, const void* b) {
  int64_t x = *(const int64_t*)a, y = *(const int64_t*)b;
  return (x > y) - (x < y);
}

static int run_all(const trainSweep* sweep, result* results, const loomTrainConfig* config,
                   const loomTrainDef* def, loomError* err) {
  int n = sweep->nsize * sweep->nseed, code = 0;
  for (int i = 0; !code && i < n; i++) {
    result* r = &results[i];
    r->size = sweep->size[i / sweep->nseed];
    r->seed = sweep->seed[i % sweep->nseed];
    code = run_one(r, sweep, config, def, err);
    if (code) break;
    fprintf(stderr, "run %d of %d: %d demos, seed %lld: ", i + 1, n, r->demos, (long long)r->seed);
    if (r->tests)
      fprintf(stderr, "%d of %d tests succeed\n", r->successes, r->tests);
    else
      fputs("not tested\n", stderr);
  }

  // The tables, once all of it is known.
  if (!code) code = write_results(sweep, results, config->checkpoint.folder, err);
  if (!code && sweep->tests) code = draw_sweep(sweep, results, config->checkpoint.folder, err);
  if (!code && !sweep->json) print_sweep_table(sweep, results);
  return code;
}

// Whatever decides a result but a run's own size and seed, without threads, which decide nothing.
static char* settings_text(const trainSweep* sweep, const loomTrainConfig* config, const loomTrainDef* def,
                           uint64_t data_digest) {
  char *text = NULL, *training = NULL;
  size_t size = 0;
  loomTrainConfig* c = malloc(sizeof *c);
  FILE* f = c ? open_memstream(&text, &size) : NULL;

  if (f) {
    *c = *config;
    c->train.seed = c->train.threads = c->rollout.threads = 0;
    for (int i = 0; i < c->data.file_count; i++) c->data.file[i].first = 0;
    snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "runs");

    // What the policies are tested on, then how they are trained.
    const loomTask* task = def->scene ? def->scene->task : NULL;
    if (task) fprintf(f, "task: %s  # %016llx\n", task->name, (unsigned long long)task->digest);
    fprintf(f, "data_content: %016llx\n", (unsigned long long)data_digest);
    fprintf(f, "tests: %lld\ntest_seed: %lld\n", (long long)sweep->tests, (long long)sweep->test_seed);
    training = loom_train_config_text(c);
    fprintf(f, "---\n%s", training ? training : "");
  }

  // All of it or nothing.
  if (f && (fclose(f) || !training)) {
    free(text);
    text = NULL;
  }
  free(training);
  free(c);
  return text;
}

// A folder that has a sweep already goes on with the same settings only.
static int open_sweep_folder(loomRunFolder* out, const trainSweep* sweep, const loomTrainConfig* config,
                             const loomTrainDef* def, loomError* err) {
  static const char* const own[] = {"sweep.yaml", "sweep.json", "sweep.png", NULL};
  static const char* const folders[] = {"*-seed-*", NULL};
  static const char* const inner[] = {LOOM_TRAIN_FILES, "result.json", NULL};
  loomRunFolderDef folder = {.path = config->checkpoint.folder,
                             .parents = true,
                             .mode = def->overwrite ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_RESUME,
                             .mark = "sweep.yaml",
                             .own = own,
                             .folders = folders,
                             .inner = inner,
                             .alternative = "train into another folder, or --overwrite this one"};
  int code = loom_run_folder_open(out, &folder, err);
  if (code) return code;

  uint64_t digest = 0;
  code = digest_data(&digest, config, err);
  if (code) return code;

  char* text = settings_text(sweep, config, def, digest);
  code = text ? loom_run_folder_settings(out, folder.mark, text, err)
              : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  free(text);
  return code;
}

// Before the first of many runs: the data has the demos of the largest size.
static int check_sizes(const trainSweep* sweep, const loomTrainConfig* base, loomError* err) {
  int64_t most = sweep->size[sweep->nsize - 1];
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  *c = *base;
  for (int i = 0; most && i < c->data.file_count; i++) c->data.file[i].first = (int)most;
  int demos, code = count_demos(&demos, c, err);
  free(c);
  return code;
}

int train_sweep(const trainSweep* given, const loomTrainConfig* config, const loomTrainDef* def,
                loomError* err) {
  trainSweep sweep = *given;

  // Tests are closed loop: those that are asked for need a task.
  if (!def->scene && sweep.tests > 0)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "--tests %lld: there is no task to test on; name it with --task, and leave out "
                          "--rollouts 0",
                          (long long)sweep.tests);
  if (sweep.tests < 0) sweep.tests = def->scene ? TESTS : 0;

  // Starts that chose a checkpoint would flatter it.
  if (sweep.tests && sweep.test_seed == config->rollout.seed)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "the tests' seed %lld has chosen the checkpoints; take another --test-seed",
                          (long long)sweep.test_seed);

  // Sizes in order, so that the table and the chart read from small to large.
  qsort(sweep.size, (size_t)sweep.nsize, sizeof *sweep.size, by_value);
  int unsized = check_sizes(&sweep, config, err);
  if (unsized) return unsized;
  size_t n = (size_t)sweep.nsize * (size_t)sweep.nseed;
  result* results = calloc(n, sizeof *results);
  if (!results) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %zu runs", n);

  // Each run has a folder of its own in this one; those with a result are done.
  loomRunFolder folder = {0};
  int code = open_sweep_folder(&folder, &sweep, config, def, err);
  if (!code) code = run_all(&sweep, results, config, def, err);
  loom_run_folder_close(&folder);
  free(results);
  return code;
}
