#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "engine/run/record_demo.h"
#include "policies/learn/dagger_together.h"

enum { KEPT_FOR_SAFETY = 5 };

typedef struct collection {
  const loomDaggerDef* def;
  loomGate* gate;
  int round, n;
  const char *what, *name;  // what is told; what other processes know it by
  int* pieces;              // (n) demos that came of each episode
  bool own_model;           // demos differ in their models
  char* xml;                // the model of all, where they do not
  int done;
  loomError error;
} collection;

// ---- an episode as demos: each run of rows at which the expert was asked is one

// What the gate says of the rows: the expert's actions are those to learn, whoever acted.
static void add_gate_rows(loomDemoRecord* record, const loomGateEpisode* said, const loomTrace* t, int first,
                          int rows) {
  const int64_t shape[2] = {rows, t->action_dim};
  size_t from = (size_t)first, dim = (size_t)t->action_dim;
  loom_demo_record_array(record, "actions", LOOM_TYPE_F64, said->label + from * dim, 2, shape);
  loom_demo_record_array(record, "executed", LOOM_TYPE_F64, t->actions + from * dim, 2, shape);
  loom_demo_record_array(record, "deviation", LOOM_TYPE_F64, said->deviation + from, 1, shape);

  int64_t* acts = loom_demo_record_room(record, "intervention", LOOM_TYPE_I64, 1, shape);
  for (int r = 0; acts && r < rows; r++) acts[r] = (said->flags[first + r] & LOOM_ROW_EXPERT) != 0;
}

static void part_path(char out[LOOM_DAGGER_PATH], const collection* c, int episode, int number) {
  char name[48];
  snprintf(name, sizeof name, "round_%%d.parts/%d_%d.hdf5", episode, number);
  loom_dagger_path(out, c->def, name, c->round);
}

// Where other processes may write it too, each has a draft of its own; episodes are told one at a time.
static int write_part(const collection* c, const char* path, const loomDemoRecord* record, loomError* err) {
  char draft[LOOM_PATH_MAX];
  loomWriteDef write = loom_default_write_def();
  const loomShare* share = loom_dagger_share_of(c->def);
  if (!share) return loom_demo_record_write(path, record, "demo_0", &write, err);

  loom_share_draft(draft, share, 0, path);
  int code = loom_demo_record_write(draft, record, "demo_0", &write, err);
  return code ? code : loom_share_put(draft, path, err);
}

static int write_piece(const collection* c, const loomRollout* run, const loomTrace* t, loomEpisode* e, int i,
                       int first, int rows, const char* xml, loomError* err) {
  const unsigned arrays =
      LOOM_DEMO_STATES | LOOM_DEMO_REWARDS | LOOM_DEMO_OBS | LOOM_DEMO_EEF_POSES | LOOM_DEMO_OBJECT_POSES;
  char path[LOOM_DAGGER_PATH];

  loomDemoRecord record = {0};
  add_gate_rows(&record, &c->gate->episode[i], t, first, rows);
  loom_demo_record_rows(&record, arrays, t, e, first, rows);

  // Rows of an episode may become several demos, which is why they say where they come from.
  loom_demo_record_attr(&record, loom_attr_int("num_samples", rows));
  loom_demo_record_attr(&record, loom_attr_int("loom_seed", (int64_t)c->def->seed));
  loom_demo_record_attr(&record, loom_attr_int("loom_attempt", (int64_t)run->number));
  loom_demo_record_attr(&record, loom_attr_int("loom_first_row", first));
  loom_demo_record_attr(&record, loom_attr_int("loom_success", run->end == LOOM_RUN_SUCCESS));
  loom_demo_record_attr(&record, loom_attr_string("loom_origin", "dagger"));
  if (xml) loom_demo_record_attr(&record, loom_attr_string("model_file", xml));

  part_path(path, c, i, c->pieces[i]);
  int code = write_part(c, path, &record, err);
  loom_demo_record_destroy(&record);
  return code;
}

static int write_episode(const collection* c, const loomRollout* run, const loomTrace* t, loomEpisode* e,
                         loomError* err) {
  int i = (int)(run->number - c->gate->first), code = LOOM_OK;
  const loomGateEpisode* said = &c->gate->episode[i];
  char* xml = NULL;

  // Where objects' shapes are drawn anew each episode, a demo has the model of its own.
  if (c->own_model) code = loom_episode_xml(&xml, e, err);

  for (int first = 0, last; !code && first < said->rows; first = last + 1) {
    for (last = first; last < said->rows && said->flags[last] & LOOM_ROW_ASKED; last++) continue;
    if (last == first) continue;
    code = write_piece(c, run, t, e, i, first, last - first, xml, err);
    if (!code) c->pieces[i]++;
  }

  free(xml);
  return code;
}

// ---- a round

// Those of other processes are told by whichever thread finds them.
static void tell_episode(collection* c) {
  const loomDaggerDef* def = c->def;
#pragma omp critical(dagger_episodes)
  {
    c->done++;
    if (def->progress) def->progress(def->user, c->round, c->what, c->done, c->n);
  }
}

static int keep_episode(void* user, const loomRollout* run, loomTrace* trace, loomEpisode* e) {
  collection* c = user;
  const loomDaggerDef* def = c->def;

  tell_episode(c);

  // Where the simulator failed the last rows may be anything.
  if (trace && run->end != LOOM_RUN_SIMULATOR && write_episode(c, run, trace, e, &c->error)) return 1;
  return def->stop && *def->stop;
}

static void remove_parts(const collection* c) {
  char path[LOOM_DAGGER_PATH];

  for (int i = 0; c->pieces && i < c->n; i++)
    for (int k = 0; k < c->pieces[i]; k++) {
      part_path(path, c, i, k);
      unlink(path);
    }

  // Where a process that stood still may yet write there, the folder goes with the run's end.
  loom_dagger_path(path, c->def, "round_%d.parts", c->round);
  if (!c->def->together) rmdir(path);
}

// mask/train and mask/safe: every fifth demo (of fewer than five, the last) is for the safety classifier
// alone.
static int set_masks(loomMask mask[2], int* place, int n) {
  int kept = 0, given = 0, every = n < KEPT_FOR_SAFETY ? n : KEPT_FOR_SAFETY;

  // The safe ones are put behind the others, from the last place on, so in reverse.
  for (int i = 0; i < n; i++) {
    bool safe = n > 1 && i % every == every - 1;
    place[safe ? n - ++kept : given++] = i;
  }

  // Turned round they are in the order they came in.
  for (int i = given, k = n - 1; i < k; i++, k--) {
    int swap = place[i];
    place[i] = place[k];
    place[k] = swap;
  }

  mask[0] = (loomMask){"train", given, place};
  mask[1] = (loomMask){"safe", kept, place + given};
  return 1 + (kept > 0);
}

static int assemble_round(const collection* c, loomError* err) {
  int total = 0, n = 0;
  char out[LOOM_DAGGER_PATH];

  for (int i = 0; i < c->n; i++) total += c->pieces[i];
  loom_dagger_path(out, c->def, "round_%d.hdf5", c->round);

  // Nobody was asked: no file, nor what an earlier try left there.
  if (!total) {
    unlink(out);
    return LOOM_OK;
  }

  loomSource* source = calloc((size_t)total, sizeof *source);
  char(*path)[LOOM_DAGGER_PATH] = calloc((size_t)total, sizeof *path);
  int* place = calloc((size_t)total, sizeof *place);
  int code = source && path && place ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory", out);

  // Demos in the order of their episodes, whichever thread was first.
  for (int i = 0; !code && i < c->n; i++)
    for (int k = 0; k < c->pieces[i]; k++, n++) {
      part_path(path[n], c, i, k);
      source[n].path = path[n];
    }

  // Each file says where its rows are from, and has the one model of all where they share one.
  if (!code) {
    loomMask mask[2];
    loomAttr attrs[] = {loom_attr_string("env_args", c->def->env_args),
                        loom_attr_string("loom_origin", "dagger"),
                        loom_attr_int("loom_seed", (int64_t)c->def->seed),
                        loom_attr_int("loom_round", c->round), loom_attr_string("model_file", c->xml)};
    loomAssembleDef def = loom_default_assemble_def();
    def.attr = attrs;
    def.nattr = (int)(sizeof attrs / sizeof *attrs) - !c->xml;
    def.trusted = true;
    def.valid = 0;

    // What this program has just written is not read a second time to be checked.
    if (c->def->gate == LOOM_GATE_SAFETY) {
      def.nmask = set_masks(mask, place, total);
      def.mask = mask;
    }
    code = loom_dataset_assemble(out, source, total, &def, err);
  }

  free(source);
  free(path);
  free(place);
  return code;
}

// Steps of episodes in which the simulator failed are not counted: none of their rows are kept.
static void count_steps(loomDaggerRound* out, const collection* c, const loomRolloutReport* report) {
  double sum = 0;

  out->episodes = report->n;
  out->successes = report->ends[LOOM_RUN_SUCCESS];

  for (int i = 0; i < report->n; i++) {
    const loomGateEpisode* said = &c->gate->episode[i];
    if (report->rollout[i].end == LOOM_RUN_SIMULATOR) continue;

    // Off and acted: a mistake that was caught.
    for (int r = 0; r < said->rows; r++) {
      bool acts = said->flags[r] & LOOM_ROW_EXPERT, off = said->deviation[r] > c->def->safety.tau;
      out->steps++;
      out->expert_steps += acts;
      out->queries += (said->flags[r] & LOOM_ROW_ASKED) != 0;
      out->off += off;
      out->caught += off && acts;
      sum += said->deviation[r];
    }
  }

  out->deviation = out->steps ? sum / (double)out->steps : 0;
}

static int open_model(collection* c, loomError* err) {
  const loomTask* task = c->def->scene->task;
  loomEpisode* e = NULL;
  for (int o = 0; o < task->object_count; o++) c->own_model = c->own_model || task->objects[o].shape_count;

  if (c->own_model) return LOOM_OK;

  // Any episode's model is that of all.
  int code = loom_episode_create(&e, c->def->scene, err);
  if (!code) code = loom_episode_xml(&c->xml, e, err);
  loom_episode_destroy(e);
  return code;
}

static loomRolloutDef rollouts_of(collection* c, int n, uint64_t seed, uint64_t first) {
  loomRolloutDef roll = loom_default_rollout_def();

  roll.n = n;
  roll.reset = c->def->reset;
  roll.seed = seed;
  roll.first = first;
  roll.max_steps = c->def->max_steps;
  roll.threads = c->def->threads;
  roll.done = keep_episode;
  roll.user = c;
  return roll;
}

// ---- episodes of other processes

// What the gate said, but for labels, which are in the rows; and how many demos came of it.
static void put_said(FILE* to, void* user, const loomRollout* run) {
  const collection* c = user;
  int i = (int)(run->number - c->gate->first);
  const loomGateEpisode* said = &c->gate->episode[i];
  int head[] = {said->rows, c->pieces ? c->pieces[i] : 0};

  fwrite(head, sizeof *head, 2, to);
  fwrite(said->deviation, sizeof *said->deviation, (size_t)said->rows, to);
  fwrite(said->flags, sizeof *said->flags, (size_t)said->rows, to);
}

static int take_said(void* user, const loomRollout* run, const char* bytes, size_t n) {
  collection* c = user;
  int head[2], i = (int)(run->number - c->gate->first);
  loomGateEpisode* said = &c->gate->episode[i];
  if (n < sizeof head) return -1;

  memcpy(head, bytes, sizeof head);
  size_t row = sizeof *said->deviation + sizeof *said->flags;
  bool fits = head[0] >= 0 && head[0] <= c->gate->capacity && head[1] >= 0 && head[1] <= head[0];
  if (!fits || n != sizeof head + (size_t)head[0] * row) return -1;

  said->rows = head[0];
  if (c->pieces) c->pieces[i] = head[1];
  bytes += sizeof head;
  memcpy(said->deviation, bytes, (size_t)said->rows * sizeof *said->deviation);
  memcpy(said->flags, bytes + (size_t)said->rows * sizeof *said->deviation, (size_t)said->rows);
  tell_episode(c);
  return 0;
}

static bool is_over(void* user) {
  const collection* c = user;
  return loom_dagger_is_done(c->def, c->name, 0);
}

// Who drives the episodes is the gate.
static int roll_out(loomRolloutReport* report, collection* c, loomRolloutDef* roll, loomError* err) {
  char pieces[80];
  loomRolloutShare share;
  loomPolicyMaker maker = loom_gate_maker(c->gate);
  if (loom_dagger_share_rollouts(&share, pieces, c->def, c->name)) {
    share.put = put_said;
    share.take = take_said;
    share.is_over = is_over;
    share.user = c;
    roll->share = &share;
  }

  int code = loom_rollout(report, c->def->scene, &maker, roll, err);
  roll->share = NULL;
  if (!code || !c->error.code) return code;

  // The reason is what the writing of an episode said, rather than that the rollout was stopped.
  if (err) *err = c->error;
  return c->error.code;
}

// ---- collecting

typedef struct collected {
  collection* c;
  loomDaggerRound* out;
  const loomRolloutReport* report;
} collected;

// The dataset and its counts, which say that it is there. Where nobody was asked there is no dataset.
static int keep_round(void* user, int i, loomError* err) {
  const collected* k = user;
  const loomDaggerDef* def = k->c->def;
  char path[LOOM_DAGGER_PATH];
  loomDaggerReport kept = {.n = 1, .round = k->out};
  (void)i;

  // A process that was killed here may have got through it, and its parts are gone.
  loom_dagger_path(path, def, "collected_%d.csv", k->c->round);
  if (!access(path, F_OK)) return LOOM_OK;

  count_steps(k->out, k->c, k->report);
  int code = assemble_round(k->c, err);
  loom_dagger_path(path, def, "round_%d.hdf5", k->c->round);
  if (!code && def->collected && !access(path, F_OK)) code = def->collected(def->user, path, err);

  loom_dagger_path(path, def, "collected_%d.csv", k->c->round);
  if (!code) code = loom_dagger_write_rounds(path, &kept, err);
  if (!code) remove_parts(k->c);
  return code;
}

int loom_dagger_collect(loomDaggerRound* out, const loomDaggerDef* def, const loomGateDef* gate_def,
                        loomError* err) {
  loomGate gate = {0};
  loomRolloutReport report = {0};
  char path[LOOM_DAGGER_PATH], name[32];
  int round = out->round;
  collection c = {.def = def,
                  .gate = &gate,
                  .round = round,
                  .n = round ? def->episodes : def->demos,
                  .what = "collects",
                  .name = name};
  collected k = {&c, out, &report};

  // No two rounds share a start.
  loomRolloutDef roll = rollouts_of(&c, c.n, def->seed, (uint64_t)round << 32);
  roll.traces = true;
  snprintf(name, sizeof name, "collected-%d", round);
  loom_dagger_path(path, def, "round_%d.parts", round);
  int code = loom_make_folder(path, false, err);
  if (code) return code;

  c.pieces = calloc((size_t)c.n + 1, sizeof *c.pieces);
  code = c.pieces ? open_model(&c, err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a round");

  // Both act, and what each said goes into the gate.
  if (!code)
    code = loom_gate_create(&gate, gate_def, def->scene, roll.first, c.n, loom_dagger_max_steps(def), err);
  if (!code) code = roll_out(&report, &c, &roll, err);
  if (!code) code = loom_dagger_each(def, name, 1, keep_round, &k, err);

  // What a run by itself does not go on with.
  if (code && !def->together) remove_parts(&c);
  loom_rollout_report_destroy(&report);
  loom_gate_destroy(&gate);
  free(c.pieces);
  free(c.xml);
  return code;
}

// ---- measuring

static int write_errors(loomDaggerRound* out, const loomDaggerDef* def, const loomGate* gate, int round,
                        const char* name, loomError* err) {
  char path[LOOM_DAGGER_PATH], *text = NULL;
  size_t size = 0;
  double all = 0, rows = 0;

  FILE* f = open_memstream(&text, &size);
  if (!f) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a table");
  fputs("step,running,deviation,accumulated\n", f);

  // By step, over the episodes that still run; the accumulated deviation is a mean over all.
  for (int t = 0; t < gate->capacity; t++) {
    double sum = 0;
    int running = 0;
    for (int i = 0; i < gate->n; i++) {
      if (gate->episode[i].rows <= t) continue;
      running++;
      sum += gate->episode[i].deviation[t];
    }

    if (!running) break;
    all += sum;
    rows += running;
    fprintf(f, "%d,%d,%.6g,%.6g\n", t, running, sum / running, all / gate->n);
  }

  out->error = rows > 0 ? all / rows : 0;
  bool whole = !fclose(f);
  loom_dagger_path(path, def, name, round);
  int code = whole ? loom_file_write_text(path, text, err)
                   : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a table");
  free(text);
  return code;
}

typedef struct measured {
  collection* c;
  loomDaggerRound* out;
  const loomRolloutReport* report;
  const loomDaggerTrial* trial;
} measured;

static int keep_measured(void* user, int i, loomError* err) {
  const measured* m = user;
  const loomRolloutReport* report = m->report;
  loomDaggerRound* out = m->out;
  (void)i;

  out->evaluated = report->n;
  out->succeeded = report->ends[LOOM_RUN_SUCCESS];
  memcpy(out->ends, report->ends, sizeof out->ends);
  out->rate = report->rate;
  out->within_rate = report->within_rate;
  out->low = report->low;
  out->high = report->high;

  int code = m->trial->errors ? write_errors(out, m->c->def, m->c->gate, m->c->round, m->trial->errors, err)
                              : LOOM_OK;
  return code ? code : m->trial->keep(m->trial->user, err);
}

int loom_dagger_measure(loomDaggerRound* out, const loomDaggerDef* def, const loomGateDef* gate_def,
                        const loomDaggerTrial* trial, loomError* err) {
  loomGate gate = {0};
  loomRolloutReport report = {0};
  bool expert = gate_def->kind == LOOM_GATE_EXPERT && def->expert_episodes > 0;
  int n = expert ? def->expert_episodes : def->evaluations;
  collection c = {
      .def = def, .gate = &gate, .round = trial->round, .n = n, .what = "is measured", .name = trial->name};
  measured m = {&c, out, &report, trial};

  loomRolloutDef roll = rollouts_of(&c, c.n, def->evaluation_seed, 0);
  int code = loom_gate_create(&gate, gate_def, def->scene, 0, c.n, loom_dagger_max_steps(def), err);
  if (!code) code = roll_out(&report, &c, &roll, err);
  if (!code) code = loom_dagger_each(def, trial->name, 1, keep_measured, &m, err);

  loom_rollout_report_destroy(&report);
  loom_gate_destroy(&gate);
  return code;
}
