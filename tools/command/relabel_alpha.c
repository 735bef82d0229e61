// demoloom relabel --alpha: BCO(alpha) (Torabi, Warnell and Stone, "Behavioral cloning from observation",
// 2018, section 4.3 and algorithm 1): the policy that was learned from inferred actions gathers transitions
// that are those of the task, more and more, from which inverse models learn as well.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "policies/agent/rollout.h"
#include "policies/agent/trained.h"
#include "policies/learn/bc.h"
#include "policies/learn/config_keys.h"
#include "tools/command/relabel.h"
#include "tools/shared/common.h"

static const char settings_file[] = "relabel.yaml";

// ---- the folder

static char* settings_text(const relabeling* r, const loomTrainConfig* c, loomError* err) {
  const relabelArgs* a = r->a;
  uint64_t digest = LOOM_HASH_SEED;
  char *text = NULL, *training = loom_train_config_text(c);
  size_t size;
  int code = loom_hash_file(&digest, loom_dataset_path(r->dataset), err);
  FILE* out = code || !training ? NULL : open_memstream(&text, &size);
  if (out) {
    fprintf(out, "relabel:\n  data: %016llx\n  alpha: %.9g\n  tries: %lld\n", (unsigned long long)digest,
            a->alpha, (long long)a->tries);
    fprintf(out, "  play: %d\n  steps: %lld\n  length: %lld\n  reset: %d\n  seed: %lld\n", a->play,
            (long long)a->steps, (long long)a->length, r->reset, (long long)a->seed);
    fprintf(out, "  fit: [%d, %d, %.9g", a->model.steps, a->model.batch, a->model.rate);
    for (int i = 0; i < a->model.hidden.n; i++) fprintf(out, ", %d", a->model.hidden.size[i]);
    fprintf(out, "]\n%s", training);
    if (fclose(out)) code = LOOM_ERR_MEMORY;
  }
  if (!code && !text) code = LOOM_ERR_MEMORY;
  if (code == LOOM_ERR_MEMORY) loom_error_set(err, code, "no memory for settings");
  free(training);
  return text;
}

static int open_folder(relabeling* r, const loomTrainConfig* c, loomError* err) {
  static const char* const own[] = {settings_file, "round_*.hdf5", NULL};
  static const char* const folders[] = {"round_*", NULL};
  static const char* const inner[] = {LOOM_TRAIN_FILES, NULL};
  const relabelArgs* a = r->a;
  const char* const input[] = {loom_dataset_path(r->dataset), a->config};
  // --overwrite beside --resume is of OUT.
  loomRunFolderDef def = {.path = a->folder,
                          .parents = true,
                          .mode = loom_folder_mode(a->overwrite && !a->resume, a->resume),
                          .mark = settings_file,
                          .own = own,
                          .folders = folders,
                          .inner = inner,
                          .ninput = a->config ? 2 : 1,
                          .input = input,
                          .alternative = "take another --folder"};
  int code = loom_run_folder_open(&r->folder, &def, err);
  if (code) return code;

  char* text = settings_text(r, c, err);
  code = text ? loom_run_folder_settings(&r->folder, settings_file, text, err) : LOOM_ERR_MEMORY;
  free(text);
  return code;
}

static void round_path(char out[LOOM_RUN_FILE_MAX], const relabeling* r, const char* end) {
  char name[48];
  snprintf(name, sizeof name, "round_%d%.30s", r->round, end);
  loom_run_folder_path(out, &r->folder, name);
}

// ---- a round's policy

static void tell_training(void* user, const loomTrainState* s, bool epoch_done) {
  const relabeling* r = user;
  char what[48];
  (void)epoch_done;
  snprintf(what, sizeof what, "round %d: trained", r->round);
  tool_progress_from(what, s->first, s->step, s->steps, s->seconds, "steps");
}

// One checkpoint, at its end, is all that is needed of it.
static int train_policy(relabeling* r, const loomTrainConfig* how, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomTrainState state;
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  *c = *how;

  round_path(path, r, ".hdf5");
  int code = relabel_write(r, path, err);
  if (!code) code = loom_config_use(c, path, err);
  round_path(path, r, "");
  snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "%.*s", LOOM_PATH_MAX - 1, path);
  c->train.threads = (int)r->a->threads;
  c->checkpoint.every = c->train.epochs;
  c->checkpoint.keep = 1;
  c->checkpoint.best = false;

  const loomTrainDef def = {
      .config = c, .resume = true, .stop = &tool_stop, .progress = tell_training, .user = r};
  if (!code) code = loom_train(&state, &def, err);
  tool_progress_end();
  free(c);
  return code && tool_stop ? relabel_stopped(r, err) : code;
}

// ---- it acts

/// Episodes of one rollout, by their numbers.
typedef struct acting {
  relabeling* r;
  uint64_t first;
  loomMotion* motion;  // (tries)
  int done, code;
  loomError* err;
} acting;

// Row by row as demos' states are seen; the last row's action leads to what is not known.
static int see_episode(loomMotion* out, relabeling* r, const loomTrace* trace, loomError* err) {
  const double grip[LOOM_MAX_ARMS] = {0};
  loomEpisode* e = r->episode;

  int code = loom_motion_create(out, &r->layout, trace->rows, e->action_dim, err);
  if (!code) code = loom_episode_start(e, trace->states, err);
  for (int t = 0; !code && t < trace->rows; t++) {
    code = loom_episode_show(e, trace->states + (ptrdiff_t)t * trace->state_dim, grip, err);
    if (!code) loom_motion_see(out->row + (ptrdiff_t)t * out->dim, &r->layout, e);
  }
  if (!code)
    memcpy(out->actions, trace->actions, (size_t)trace->rows * (size_t)e->action_dim * sizeof *out->actions);
  return code;
}

static int keep_episode(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  acting* act = user;
  (void)episode;

  loomMotion* motion = &act->motion[rollout->number - act->first];
  if (trace && trace->rows > 1) act->code = see_episode(motion, act->r, trace, act->err);
  tool_progress("acted", ++act->done, (int)act->r->a->tries, loom_clock() - act->r->start, "episodes");
  return act->code || tool_stop;
}

// Into those that models learn from.
static int add_motions(loomSelfPlay* play, loomMotion* motion, int n, int64_t* steps, loomError* err) {
  loomMotion* grown = realloc(play->episode, (size_t)(play->n + n) * sizeof *grown);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for episodes");
  play->episode = grown;

  for (int i = 0; i < n; i++) {
    if (motion[i].rows < 2) continue;
    play->episode[play->n++] = motion[i];
    play->steps += motion[i].rows - 1;
    *steps += motion[i].rows - 1;
    motion[i] = (loomMotion){0};
  }

  return 0;
}

// `tries` episodes from number `first` on: how many succeed (share), and what they went through.
static int let_act(double* rate, int64_t* steps, relabeling* r, loomTrained* policy, int64_t first,
                   loomError* err) {
  int n = (int)r->a->tries;
  acting acts = {.r = r, .first = (uint64_t)first, .err = err};
  acts.motion = calloc((size_t)n, sizeof *acts.motion);
  if (!acts.motion) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for episodes");

  loomRolloutReport report;
  loomRolloutDef def = loom_default_rollout_def();
  def.n = n;
  def.first = (uint64_t)first;
  def.reset = r->reset;
  def.seed = (uint64_t)r->a->seed;
  def.threads = (int)r->a->threads;
  def.traces = true;
  def.done = keep_episode;
  def.user = &acts;
  loomPolicyMaker maker = loom_trained_maker(policy);

  r->start = loom_clock();
  int code = loom_rollout(&report, r->scene, &maker, &def, acts.code ? NULL : err);
  tool_progress_end();
  if (acts.code) code = acts.code;

  if (!code) {
    *rate = report.rate;
    code = add_motions(&r->play, acts.motion, n, steps, err);
    loom_rollout_report_destroy(&report);
  }
  for (int i = 0; i < n; i++) loom_motion_destroy(&acts.motion[i]);
  free(acts.motion);
  return code && tool_stop ? relabel_stopped(r, err) : code;
}

// The first episodes tell how good it is; more follow until they are alpha times as long as self-play was.
static int try_policy(relabeling* r, int64_t wanted, loomError* err) {
  enum { MOST_TIMES = 1000 };
  char path[LOOM_RUN_FILE_MAX];
  loomTrained policy;
  round_path(path, r, "/last.safetensors");
  int code = loom_trained_load(&policy, path, err);
  if (code) return code;

  // Success is told of the first ones alone.
  int64_t steps = 0;
  double other;

  code = let_act(&r->rate[r->round], &steps, r, &policy, 0, err);

  for (int i = 1; !code && steps < wanted && i < MOST_TIMES; i++)
    code = let_act(&other, &steps, r, &policy, i * r->a->tries, err);
  loom_trained_destroy(&policy);
  return code;
}

// ---- rounds

// Actions of all demos, side by side.
static void copy_actions(double* out, const relabeling* r, bool back) {
  for (int i = 0; i < r->n; i++) {
    size_t n = (size_t)r->demo[i].rows * (size_t)r->episode->action_dim;
    if (back)
      memcpy(r->demo[i].actions, out, n * sizeof *out);
    else
      memcpy(out, r->demo[i].actions, n * sizeof *out);
    out += n;
  }
}

static int go_round(relabeling* r, const loomTrainConfig* how, double* best, loomError* err) {
  int64_t wanted = (int64_t)ceil(r->a->alpha * (double)r->a->steps);
  int code = r->round ? relabel_infer_again(r, err) : relabel_infer(r, err);
  if (!code) code = train_policy(r, how, err);
  if (!code) code = try_policy(r, wanted, err);

  // As long as none succeeds, the one that knows most is kept.
  bool better = r->rate[r->round] > r->rate[r->best] || !(r->rate[r->best] > 0);
  if (code || !better) return code;

  r->best = r->round;
  copy_actions(best, r, false);
  return 0;
}

int relabel_alpha(relabeling* r, loomError* err) {
  enum { EPOCHS = 12 };  // each round trains anew
  const relabelArgs* a = r->a;
  loomTrainConfig* how = malloc(sizeof *how);
  double* best = calloc((size_t)r->rows * (size_t)r->episode->action_dim, sizeof *best);
  int code = how && best ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for actions");
  if (!code) *how = loom_default_train_config(LOOM_KIND_DIFFUSION_MLP);
  if (!code) how->train.epochs = EPOCHS;
  if (!code && a->config) code = loom_train_config_load(how, a->config, err);
  if (!code) {
    how->rollout.task[0] = 0;  // none while it trains
    how->data.file_count = 0;
    how->train.seed = (int)a->seed;
    how->train.threads = 0;  // no matter of settings
    code = open_folder(r, how, err);
  }

  for (r->round = 0; !code; r->round++) {
    code = go_round(r, how, best, err);
    if (!code && (r->best < r->round || r->round == a->rounds)) break;
  }
  if (!code) {
    copy_actions(best, r, true);
    r->now = &r->made[r->best];
    code = relabel_compare(&r->errors, r->demo, r->n, r->episode, err);
  }
  free(how);
  free(best);
  return code;
}
