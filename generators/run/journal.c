#include "generators/run/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/crew.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/record_log.h"
#include "engine/base/version.h"
#include "generators/attempt/recover.h"
#include "generators/attempt/start_map.h"
#include "generators/attempt/tries.h"
#include "generators/run/made.h"
#include "generators/run/settings.h"

struct loomJournal {
  const loomGenerateDef* def;
  loomCrew crew;       // OUT.parts
  loomRecordLog* log;  // the results of attempts 0, 1, 2, ...
  char *settings, *limits;
};

// ---- run.json

// What the command line can change of the task.
static uint64_t digest_choices(const loomTask* task) {
  uint64_t h = LOOM_HASH_SEED;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int strategy = (int)task->subtasks[a][k].select.strategy;
      h = loom_hash(h, &strategy, sizeof strategy);
    }
  }
  for (int i = 0; i < task->rule_count; i++) {
    int scheme = (int)task->rules[i].scheme;
    h = loom_hash(h, &scheme, sizeof scheme);
  }
  h = loom_hash(h, &task->limit_penetration, sizeof task->limit_penetration);
  return loom_hash(h, &task->limit_joint_speed, sizeof task->limit_joint_speed);
}

static uint64_t digest_sources(const loomSourceSet* sources) {
  uint64_t h = loom_hash(LOOM_HASH_SEED, sources->env_args, strlen(sources->env_args));
  for (int i = 0; i < sources->n; i++) {
    h = loom_hash(h, sources->replay[i].target[0], sizeof(loomPose) * (size_t)sources->replay[i].rows);
    h = loom_hash(h, sources->replay[i].end, sizeof sources->replay[i].end);
  }
  return h;
}

// What must agree for two runs to make the same demos, each by its name: on a difference the line is told.
// Without scene and sources, what is known before these are loaded.
static cJSON* describe_run(const loomTask* task, const loomScene* scene, const loomSourceSet* sources,
                           const loomGenerateDef* def) {
  cJSON* root = loom_settings_begin("generate", task, scene, def->attempt.reset, def->attempt.seed);
  if (sources) loom_settings_add_digest(root, "source_demos", digest_sources(sources));
  loom_settings_add_digest(root, "select_scheme_limits", digest_choices(task));
  if (def->cleaned) cJSON_AddBoolToObject(root, "cleaned", true);

  // The options.
  cJSON_AddNumberToObject(root, "best_sources", def->best_sources);
  cJSON_AddBoolToObject(root, "no_ordering", def->attempt.no_ordering);
  cJSON_AddBoolToObject(root, "no_preview", def->attempt.no_preview);
  cJSON_AddNumberToObject(root, "noise_scale", def->attempt.noise_scale);
  cJSON_AddNumberToObject(root, "tries", def->attempt.tries);
  cJSON_AddBoolToObject(root, "stratified", def->attempt.stratified);
  cJSON_AddNumberToObject(root, "gzip", def->write.gzip);
  cJSON_AddBoolToObject(root, "next_obs", def->next_obs);
  cJSON_AddBoolToObject(root, "keep_failed", def->failed != NULL);

  // By name and content: a set may be a file of its own.
  if (def->attempt.disturb) {
    cJSON_AddStringToObject(root, "disturb", def->attempt.disturb->name);
    loom_settings_add_digest(root, "disturb_content", def->attempt.disturb->digest);
  }
  if (def->attempt.where) loom_settings_add_digest(root, "where", def->attempt.where->digest);
  if (def->attempt.recover) {
    cJSON_AddNumberToObject(root, "recover", def->attempt.recover->share);
    cJSON_AddStringToObject(root, "recover_from", def->attempt.recover->name);
    loom_settings_add_digest(root, "recover_content", def->attempt.recover->digest);
  }
  return root;
}

static char* settings_text(const loomScene* scene, const loomSourceSet* sources, const loomGenerateDef* def) {
  cJSON* root = describe_run(scene->task, scene, sources, def);
  char* out = cJSON_Print(root);
  cJSON_Delete(root);
  return out;
}

// What says when there are enough: an unfinished run may go on with others, a finished one is done by these.
static char* describe_limits(const loomGenerateDef* def) {
  cJSON* root = cJSON_CreateObject();
  cJSON_AddNumberToObject(root, "successes", (double)def->successes);
  cJSON_AddNumberToObject(root, "attempts", (double)def->attempts);
  cJSON_AddNumberToObject(root, "seconds", def->seconds);
  cJSON_AddNumberToObject(root, "max_failures", (double)def->max_failures);
  char* out = cJSON_Print(root);
  cJSON_Delete(root);
  return out;
}

// ---- journal.bin

// What the journal keeps of an attempt: all of it.
#define RESULT_MEMBERS(X) \
  X(U64, attempt)         \
  X(I32, outcome)         \
  X(I32, arm)             \
  X(I32, subtask)         \
  X(I32, condition)       \
  X(I32, part)            \
  X(F64, value)           \
  X(TEXT, subject)        \
  X(TEXT, reason)         \
  X(I32, steps)           \
  X(I32, recover)         \
  X(I32, recover_step)    \
  X(I64, physics_steps)   \
  X(I64, rewound)         \
  X(I64, detours)         \
  X(I64, redrawn) X(I32, source) X(I32, begin) X(F64, drawn) X(F64, path) X(F64, object_start)

#define RESULT_COLUMN(type, member) LOOM_COLUMN(loomAttemptResult, type, member),
static const loomColumn result_column[] = {RESULT_MEMBERS(RESULT_COLUMN)};
static const loomColumns result_columns = {"attempts", sizeof(loomAttemptResult),
                                           sizeof result_column / sizeof *result_column, result_column};

#define RESULT_BYTES(type, member) +sizeof(((loomAttemptResult*)0)->member)
_Static_assert(sizeof(loomAttemptResult) == 0 RESULT_MEMBERS(RESULT_BYTES),
               "RESULT_MEMBERS lists all members of loomAttemptResult, and there are no gaps between them");

const loomColumns* loom_journal_columns(void) {
  return &result_columns;
}

static int open_log(loomRecordLog** out, const loomRunFolder* folder, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, folder, "journal.bin");
  int code = loom_record_log_open(out, path, &result_columns, err);
  if (code != LOOM_ERR_FORMAT) return code;

  // Its columns are others: a record cannot be read as one of ours.
  return loom_error_set(err, code, "%s: journal of another version; use --overwrite to start anew", path);
}

// ---- the folder

// What says when a shared run has enough, and that it has given up and left a file of what there is.
static const char limits_file[] = "limits.json", given_up[] = "given_up";

static const char* const own_files[] = {"demo-*",    "failed-*",         "journal.bin",
                                        "run.json",  LOOM_REPLACES_FILE, LOOM_MADE_PATTERN,
                                        limits_file, given_up,           NULL};
static const char* const own_folders[] = {LOOM_SHARE_LEASES, NULL};
static const char* const own_leases[] = {LOOM_MADE_PATTERN, "end.*", LOOM_SHARE_NOW, NULL};

static loomRunFolderDef journal_folder(const char* path, loomFolderMode mode, bool shared) {
  return (loomRunFolderDef){.path = path,
                            .mode = mode,
                            .shared = shared,
                            .mark = "run.json",
                            .own = own_files,
                            .folders = own_folders,
                            .inner = own_leases,
                            .alternative = "use --overwrite to start anew"};
}

static int remove_journal_parts(const char* path, loomError* err) {
  loomRunFolder folder;
  loomRunFolderDef def = journal_folder(path, LOOM_FOLDER_OVERWRITE, false);
  int code = loom_run_folder_open(&folder, &def, err);
  if (!code) loom_run_folder_remove(&folder, LOOM_CREW_DONE);
  return code;
}

static const char anew[] = "use --overwrite to start anew, or another -o";

// Settings, and whose dataset it is that the new one will replace.
static int begin_folder(loomJournal* j, const char* folder, loomError* err) {
  const loomGenerateDef* def = j->def;
  int code = LOOM_OK;

  bool notes = !j->crew.folder.resumed && def->overwrite;
  const char* written[] = {def->out, def->failed};
  for (int i = 0; i < 2 && written[i]; i++) {
    if (!code && notes) code = loom_dataset_note_replaced(folder, written[i], err);
    if (!code && !def->overwrite)
      code = loom_dataset_check_replaced(folder, written[i], j->settings, anew, err);
  }
  return code ? code : loom_run_folder_settings(&j->crew.folder, "run.json", j->settings, err);
}

static int open_journal(loomJournal* j, const char* folder, loomError* err) {
  loomRunFolderDef def = journal_folder(folder, LOOM_FOLDER_RESUME, false);
  int code = loom_run_folder_open(&j->crew.folder, &def, err);
  if (!code) code = begin_folder(j, folder, err);
  return code ? code : open_log(&j->log, &j->crew.folder, err);
}

// What lies in the places of a run's files: nothing, unless it is this run's, or to be thrown away.
static int check_places(const loomGenerateDef* def, const char* folder, bool there, bool parts,
                        loomError* err) {
  if (def->overwrite) return LOOM_OK;
  if ((there && !(parts && def->resume)) || (parts && !def->resume))
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s exists; use --resume to go on with an unfinished run, --overwrite to start anew, or another -o",
        parts ? folder : def->out);

  // What an earlier part of this run left is replaced, which is known once its folder is open; another's is
  // not.
  if (!parts && def->failed && !access(def->failed, F_OK))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s is there already; %s", def->failed, anew);
  return LOOM_OK;
}

static int parts_of(char folder[LOOM_PATH_MAX], const loomGenerateDef* def, loomError* err) {
  if (strlen(def->out) > LOOM_PATH_MAX - 64)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: path too long", def->out);
  snprintf(folder, LOOM_PATH_MAX, "%s.parts", def->out);
  return LOOM_OK;
}

// The settings that a run left, with what is known of this one's in the place of theirs: the rest is taken
// to be the same. NULL where there is nothing to compare.
static char* with_known(const char* kept, const loomTask* task, const loomGenerateDef* def) {
  cJSON *root = loom_json_read(kept), *known = describe_run(task, NULL, NULL, def);
  for (const cJSON* item = known ? known->child : NULL; item; item = item->next)
    if (cJSON_HasObjectItem(root, item->string))
      cJSON_ReplaceItemInObjectCaseSensitive(root, item->string, cJSON_Duplicate(item, true));

  char* out = root ? cJSON_Print(root) : NULL;
  cJSON_Delete(known);
  cJSON_Delete(root);
  return out;
}

// Of a dataset that is there all must agree, of an unfinished run what decides its demos.
static int check_left(const loomTask* task, const loomGenerateDef* def, const char* folder, bool parts,
                      loomError* err) {
  enum { MOST = 1 << 20 };  // bytes
  char file[LOOM_PATH_MAX + 16], *kept = NULL, *limits = NULL;
  snprintf(file, sizeof file, "%s/run.json", folder);

  // What cannot be read is told by who goes on with it.
  int code = parts ? loom_read_text(&kept, NULL, file, MOST, NULL)
                   : loom_dataset_run_settings(&kept, def->out, anew, err);
  if (code) return parts ? LOOM_OK : code;

  char* now = with_known(kept, task, def);
  if (now && parts) code = loom_settings_compare(file, kept, now, anew, err);
  if (now && !parts) limits = describe_limits(def);
  if (limits) code = loom_dataset_check_run(def->out, now, limits, anew, err);
  cJSON_free(limits);
  cJSON_free(now);
  free(kept);
  return code;
}

int loom_journal_check(const loomTask* task, const loomGenerateDef* def, loomError* err) {
  char folder[LOOM_PATH_MAX];
  int code = parts_of(folder, def, err);
  if (code || def->overwrite) return code;

  bool there = !access(def->out, F_OK), parts = !access(folder, F_OK) && !loom_crew_is_done(folder);
  bool complete = there && !parts && (def->resume || def->share);
  if (!complete && !def->share) code = check_places(def, folder, there, parts, err);
  return code || !(complete || parts) ? code : check_left(task, def, folder, parts, err);
}

// A finished dataset, and beside it the file of failed attempts unless there were none: their shards are
// gone.
static int check_complete(const loomJournal* j, loomError* err) {
  const loomGenerateDef* def = j->def;
  loomDataset* ds = NULL;
  int64_t failures = 0;
  int code = loom_dataset_check_run(def->out, j->settings, j->limits, anew, err);
  if (code || !def->failed) return code;
  if (!access(def->failed, F_OK))
    return loom_dataset_check_run(def->failed, j->settings, j->limits, anew, err);

  code = loom_dataset_open(&ds, def->out, err);
  if (!code) code = loom_dataset_attr_int(&failures, ds, "data", LOOM_RUN_FAILURES, err);
  loom_dataset_close(ds);
  if (code || !failures) return code;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: is not there, and %s is complete: its %lld failed attempts are no longer known; "
                        "--overwrite makes both anew",
                        def->failed, def->out, (long long)failures);
}

// ---- a folder that several processes share

// What says when there is enough is one thing while any of them is at work.
static int share_limits(const loomJournal* j, loomError* err) {
  static const char other[] = "begin with others once all of them have ended";
  char path[LOOM_RUN_FILE_MAX], *kept = NULL;
  loom_run_folder_path(path, &j->crew.folder, limits_file);
  int code = LOOM_OK;

  // A run that went on by itself may have left less than it had given up with.
  if (j->crew.folder.alone) {
    char mark[LOOM_RUN_FILE_MAX];
    loom_run_folder_path(mark, &j->crew.folder, given_up);
    unlink(mark);
    return loom_file_write_text(path, j->limits, err);
  }

  code = loom_read_text(&kept, NULL, path, 1 << 16, err);
  if (!code) code = loom_settings_compare(path, kept, j->limits, other, err);
  free(kept);
  return code;
}

// The first process begins the run while all others wait.
static int begin_together(loomJournal* j, const char* folder, loomError* err) {
  int code = begin_folder(j, folder, err);
  if (!code) code = share_limits(j, err);
  if (!code) code = open_log(&j->log, &j->crew.folder, err);
  return code ? code : loom_crew_begin(&j->crew, err);
}

// Join the run in the folder, begin it there, or find it done.
static int join_journal(loomJournal* j, bool* complete, const char* folder, loomError* err) {
  const loomGenerateDef* def = j->def;
  const loomRunFolderDef where = journal_folder(folder, LOOM_FOLDER_RESUME, true);
  bool anew_here = access(folder, F_OK) && access(def->out, F_OK);
  if (anew_here && def->failed && !access(def->failed, F_OK))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s is there already; %s", def->failed, anew);

  int code = loom_crew_join(&j->crew, complete, def->out, &where, err);
  if (code) return code;
  return *complete ? check_complete(j, err) : begin_together(j, folder, err);
}

bool loom_journal_is_over(const loomJournal* j) {
  return loom_crew_is_over(&j->crew) || loom_run_folder_has(&j->crew.folder, given_up);
}

const char* loom_journal_folder(const loomJournal* j) {
  return j->crew.folder.def.path;
}

// ---- begin and end

static int begin_journal(loomJournal* j, bool* complete, loomError* err) {
  const loomGenerateDef* def = j->def;
  char folder[LOOM_PATH_MAX];
  int unnamed = parts_of(folder, def, err);
  if (unnamed) return unnamed;
  if (def->share) return join_journal(j, complete, folder, err);
  bool there = !access(def->out, F_OK), parts = !access(folder, F_OK);

  // An earlier run's parts, which nobody will go on with.
  if (parts && (def->overwrite || loom_crew_is_done(folder))) {
    int code = remove_journal_parts(folder, err);
    if (code) return code;
    parts = !access(folder, F_OK) && !def->overwrite;
  }

  // A finished dataset is what this run would make only if all its settings are this run's.
  *complete = there && !parts && def->resume && !def->overwrite;
  if (*complete) return check_complete(j, err);
  int code = check_places(def, folder, there, parts, err);
  return code ? code : open_journal(j, folder, err);
}

int loom_journal_open(loomJournal** out, const loomScene* scene, const loomSourceSet* sources,
                      const loomGenerateDef* def, bool* complete, loomError* err) {
  *out = NULL;
  loomJournal* j = calloc(1, sizeof *j);
  if (!j) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a journal");
  j->def = def;
  j->settings = settings_text(scene, sources, def);
  j->limits = describe_limits(def);
  int code = j->settings && j->limits ? begin_journal(j, complete, err)
                                      : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a journal");

  // Of a complete dataset there is none.
  if (code || *complete)
    loom_journal_close(j);
  else
    *out = j;
  return code;
}

void loom_journal_close(loomJournal* j) {
  if (!j) return;
  loom_record_log_close(j->log);
  loom_crew_leave(&j->crew);
  cJSON_free(j->settings);
  cJSON_free(j->limits);
  free(j);
}

void loom_journal_discard(loomJournal* j) {
  loom_run_folder_remove(&j->crew.folder, NULL);
  loom_journal_close(j);
}

void loom_journal_shard(char path[LOOM_PATH_MAX], const loomJournal* j, uint64_t attempt, bool success) {
  snprintf(path, LOOM_PATH_MAX, "%.*s/%s-%08llu.hdf5", LOOM_PATH_MAX - 64, j->crew.folder.def.path,
           success ? "demo" : "failed", (unsigned long long)attempt);
}

int loom_journal_append(loomJournal* j, const loomAttemptResult* results, int n, loomError* err) {
  int code = loom_record_log_append(j->log, results, n, err);
  if (code != LOOM_ERR_IO) return code;

  // Most likely the disk is full; the run goes on once there is room.
  return loom_error_set(err, code, "%s: the journal cannot be written (%s); free some space and --resume",
                        j->crew.folder.def.path, strerror(errno));
}

static int refuse_entry(const loomJournal* j, int64_t i, const char* why, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, &j->crew.folder, "journal.bin");
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s: entry %lld of the journal %s; use --overwrite to start anew", path, (long long)i,
                        why);
}

// One entry an attempt, in their order: the next try at a start where the one before failed, else the next
// start.
static int check_order(const loomAttemptResult* results, int64_t n, const loomJournal* j, loomError* err) {
  const loomAttemptDef* def = &j->def->attempt;
  uint64_t next = 0;
  int64_t i = 0;
  for (; i < n && results[i].attempt == next; i++) next = loom_attempt_next(def, &results[i]);
  if (i == n) return LOOM_OK;

  return refuse_entry(j, i, "is another attempt's", err);
}

// What an attempt recovered from is one of the ways that there are.
static int check_ways(const loomAttemptResult* results, int64_t n, const loomJournal* j, loomError* err) {
  const loomRecover* recover = j->def->attempt.recover;
  int ways = recover ? recover->count : 0;

  for (int64_t i = 0; i < n; i++)
    if (results[i].recover < -1 || results[i].recover >= ways)
      return refuse_entry(j, i, "recovers from what there is not", err);
  return LOOM_OK;
}

int loom_journal_read(loomAttemptResult** out, int64_t* n, const loomJournal* j, loomError* err) {
  void* records = NULL;
  int code = loom_record_log_read(&records, n, j->log, NULL, err);
  if (!code) code = check_order(records, *n, j, err);
  if (!code) code = check_ways(records, *n, j, err);
  *out = records;
  return code;
}

// ---- finishing

// Those of which a file of failed attempts has something.
static int64_t count_failures(const loomGenerateReport* report) {
  int64_t n = 0;
  for (int64_t i = 0; i < report->result_count; i++)
    n += report->results[i].outcome != LOOM_OUTCOME_SUCCESS && report->results[i].steps;
  return n;
}

static int assemble_shards(const loomJournal* j, const char* path, const loomGenerateReport* report,
                           const loomSourceSet* sources, bool success, loomError* err) {
  loomSource* shards = calloc((size_t)report->result_count + 1, sizeof *shards);
  char(*paths)[LOOM_PATH_MAX] = calloc((size_t)report->result_count + 1, sizeof *paths);
  int n = 0,
      code = shards && paths ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of shards");

  // The attempts' demos, in their order.
  for (int64_t i = 0; !code && i < report->result_count; i++) {
    const loomAttemptResult* r = &report->results[i];
    if ((r->outcome == LOOM_OUTCOME_SUCCESS) != success || !r->steps) continue;
    loom_journal_shard(paths[n], j, r->attempt, success);
    shards[n].path = paths[n];
    n++;
  }

  if (!code && n) {
    loomAttr attrs[6] = {loom_attr_string("env_args", sources->env_args),
                         loom_attr_string("loom_version", loom_version()),
                         loom_attr_int("loom_seed", (int64_t)j->def->attempt.seed)};
    loomAssembleDef def = loom_default_assemble_def();
    def.attr = attrs;
    def.nattr = 3 + loom_run_attrs(attrs + 3, j->settings, report->interrupted ? NULL : j->limits);
    if (!report->interrupted) attrs[def.nattr++] = loom_attr_int(LOOM_RUN_FAILURES, count_failures(report));
    def.trusted = true;
    def.valid = success ? 0.1 : 0;
    def.seed = j->def->attempt.seed;
    code = loom_dataset_assemble(path, shards, n, &def, err);
  }
  free(shards);
  free(paths);
  return code;
}

int loom_journal_finish(loomJournal* j, loomGenerateReport* report, const loomSourceSet* sources,
                        loomError* err) {
  const char *parts = j->crew.folder.def.path, *failed = j->def->failed;
  report->kept_old = report->interrupted && (loom_dataset_replaces(parts, j->def->out) ||
                                             (failed && loom_dataset_replaces(parts, failed)));
  if (report->kept_old) return LOOM_OK;

  int code = assemble_shards(j, j->def->out, report, sources, true, err);
  if (!code && j->def->failed) code = assemble_shards(j, j->def->failed, report, sources, false, err);
  if (code || report->interrupted) return code;

  // Others who are in it learn that this has been done.
  char to[LOOM_RUN_FILE_MAX];
  bool shared = j->crew.folder.def.shared;
  loom_run_folder_path(to, &j->crew.folder, given_up);
  if (report->gave_up) return shared ? loom_file_write_text(to, "", err) : code;

  // The dataset is there: the run is done from here on.
  if (!loom_crew_finish(&j->crew, NULL) && !shared) loom_run_folder_remove(&j->crew.folder, LOOM_CREW_DONE);
  return code;
}
