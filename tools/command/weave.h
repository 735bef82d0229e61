// demoloom weave: from a handful of demos to a policy, a stage after the other. What its parts share.
#ifndef LOOM_TOOLS_COMMAND_WEAVE_H
#define LOOM_TOOLS_COMMAND_WEAVE_H

#include <cjson/cJSON.h>

#include "engine/base/run_folder.h"
#include "tools/shared/common.h"

enum { WEAVE_PATH = LOOM_PATH_MAX + 96, WEAVE_STAGES = 48, WEAVE_WORDS = 64, WEAVE_SOURCES = 8 };

typedef struct weaveArgs {
  const char *task, *folder, *plan, *reset, *source;
  int policy;  // loomPolicyKind
  double hours;
  int64_t seed, threads, evaluations, sources;
  bool resume, overwrite, json;
  loomAssetRoots roots;
} weaveArgs;

/// How much of everything: what a run decides as it goes, by its clock, and keeps in FOLDER/plan.yaml. With
/// the same plan another run makes the same bytes. 0 = not decided yet.
typedef struct weavePlan {
  loomName source[WEAVE_SOURCES];  // (source_count) demos that demos are made of; none: all there are
  int source_count;
  int64_t looks;        // episodes by which is found out where a policy fails, and how often
  int64_t max_steps;    // control steps of an episode that tests a policy
  int64_t demos;        // in the first round, half of them where the first policy fails
  int64_t first_steps;  // of training the first policy, which only shows where
  int64_t steps;        // of training in each round
  int64_t rounds;       // of more demos where the policy fails, and of training anew on all
  int64_t finetune;     // control steps; -1 = none
  bool gentle;          // a policy that often succeeds
  int64_t taught;       // successes that the student learns from
  int64_t student_steps;
} weavePlan;

/// A command line of this program.
typedef struct weaveLine {
  int argc;
  char* argv[WEAVE_WORDS + 1];  // (argc) malloc'ed
} weaveLine;

/// A stage that is done: FOLDER/stages/NAME.json.
typedef struct weaveStage {
  char name[40];
  double seconds, core_seconds;
  cJSON*
      result;  // what the command said on stdout: an object, the last line's where there are several; may be NULL
} weaveStage;

typedef struct weaveRun {
  const weaveArgs* args;
  weavePlan plan;
  loomRunFolder folder;
  int n;
  weaveStage stage[WEAVE_STAGES];  // in the order in which they were done
} weaveRun;

// ---- weave_stage.c

void weave_word(weaveLine* line, const char* word);
void weave_option(weaveLine* line, const char* option, const char* value);  // NULL: none
void weave_number(weaveLine* line, const char* option, int64_t value);
/// FOLDER/NAME.
void weave_file(weaveLine* line, const char* option, const weaveRun* run, const char* name);

void weave_line_free(weaveLine* line);

/// Run a command in a child of its own, unless its stage is done already; frees the line.
/// LOOM_ERR_INTERRUPTED once tool_stop is set; LOOM_ERR_IO (LOOM_ERR_USAGE for a status of 2) names the
/// command that failed.
int weave_stage(weaveRun* run, const char* name, int (*command)(int, char**), weaveLine* line,
                loomError* err);
/// The stage of that name, or NULL.
const weaveStage* weave_find(const weaveRun* run, const char* name);
/// A number of its result, 0 where there is none; "a.b": b of a.
double weave_value(const weaveRun* run, const char* name, const char* key);
/// Which source demos a stage's screening found best, and how many; 0: there was none.
int weave_kept_sources(loomName out[WEAVE_SOURCES], const weaveRun* run, const char* name);
/// So far, of all stages.
double weave_seconds(const weaveRun* run);

// ---- weave_plan.c

int weave_plan_read(weavePlan* plan, const char* path, loomError* err);
/// Whether nothing is left to decide.
bool weave_plan_is_whole(const weavePlan* plan);
int weave_plan_keep(const weaveRun* run, loomError* err);
/// How long things take here (s): a demo that is kept, a step of training, a control step of finetuning, an
/// episode of a test.
typedef struct weaveCosts {
  double demo, step, control_step, episode;
  double rows;  // of a demo
} weaveCosts;
/// Fill in what is not decided of demos and of the first policy, for so many seconds in all.
void weave_plan_data(weavePlan* plan, const weaveCosts* costs, double seconds);
/// And of training in each round, once the first policy has told how long a step takes.
void weave_plan_training(weavePlan* plan, const weaveCosts* costs, double seconds);
/// One more round of demos, or finetuning? `before` and `now`: shares that succeeded without the last round
/// and with it; `spent` and `round`: seconds in all so far, and of that round; `left` for either.
/// `finetunes`: whether there would be any.
bool weave_more_demos(double before, double now, double spent, double round, double left, bool finetunes);
/// Fill in finetuning and the student, for so many seconds that are left. evaluations: of the tests to come.
void weave_plan_rest(weavePlan* plan, const weaveCosts* costs, double left, double success,
                     int64_t evaluations);

// ---- weave_run.c

/// All stages that are not done yet.
int weave_run(weaveRun* run, loomError* err);

// ---- weave_report.c

/// stages, policy and ONNX file, as --json and report.json have it. The caller deletes it.
cJSON* weave_report_json(const weaveRun* run);
/// A table on stdout.
void weave_report_print(const weaveRun* run);
/// FOLDER/report.png: success against time.
int weave_report_draw(const weaveRun* run, loomError* err);

#endif
