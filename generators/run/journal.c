#include "generators/run/journal.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/version.h"

struct loomJournal {
  const loomGenerateDef* def;
  char dir[LOOM_PATH_MAX];
  int fd;
};

// ---- run.json

// What must agree for two runs to make the same demos.
static char* describe_run(const loomScene* scene, const loomSourceSet* sources, const loomGenerateDef* def) {
  uint64_t h = LOOM_HASH_SEED;
  char text[32];
  const loomTask* task = scene->task;
  h = loom_hash(h, scene->xml, strlen(scene->xml));
  h = loom_hash(h, &task->digest, sizeof task->digest);
  // What the command line can change of the task.
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
  h = loom_hash(h, &task->limit_joint_speed, sizeof task->limit_joint_speed);
  h = loom_hash(h, sources->env_args, strlen(sources->env_args));
  for (int i = 0; i < sources->n; i++) {
    h = loom_hash(h, sources->replay[i].target[0], sizeof(loomPose) * (size_t)sources->replay[i].rows);
    h = loom_hash(h, sources->replay[i].end, sizeof sources->replay[i].end);
  }
  snprintf(text, sizeof text, "%016llx", (unsigned long long)h);
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "version", loom_version());
  cJSON_AddStringToObject(root, "mujoco", mj_versionString());
  cJSON_AddStringToObject(root, "task", task->name);
  cJSON_AddStringToObject(root, "reset", task->resets[def->attempt.reset].name);
  cJSON_AddStringToObject(root, "inputs", text);
  snprintf(text, sizeof text, "%llu", (unsigned long long)def->attempt.seed);
  cJSON_AddStringToObject(root, "seed", text);
  cJSON_AddBoolToObject(root, "no_ordering", def->attempt.no_ordering);
  cJSON_AddNumberToObject(root, "noise_scale", def->attempt.noise_scale);
  cJSON_AddNumberToObject(root, "gzip", def->write.gzip);
  cJSON_AddBoolToObject(root, "next_obs", def->next_obs);
  cJSON_AddBoolToObject(root, "keep_failed", def->failed != NULL);
  char* out = cJSON_Print(root);
  cJSON_Delete(root);
  return out;
}

static char* read_file(const char* path) {
  FILE* f = fopen(path, "rb");
  if (!f) return NULL;
  char* text = calloc(1, 65536);
  size_t n = text ? fread(text, 1, 65535, f) : 0;
  fclose(f);
  if (!n) {
    free(text);
    return NULL;
  }
  return text;
}

static int io_error(loomError* err, const char* what, const char* path) {
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

static void sync_dir(const char* path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

// ---- opening

// What run.json is called once the dataset is there.
static const char done_mark[] = "done";

static void remove_parts(const char* dir) {
  DIR* d = opendir(dir);
  if (!d) return;
  char path[LOOM_PATH_MAX + 260];
  for (struct dirent* entry; (entry = readdir(d));) {
    const char* name = entry->d_name;
    // Only what a run puts there: a folder of the user's that happens to have this name keeps its other
    // files.
    if (strncmp(name, "demo-", 5) && strncmp(name, "failed-", 7) && strcmp(name, "journal.bin") &&
        strncmp(name, "run.json", 8)) {
      continue;
    }
    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
  }
  closedir(d);
  snprintf(path, sizeof path, "%s/%s", dir, done_mark);  // last: until then the run is known to be done
  unlink(path);
  rmdir(dir);
}

// The dataset is there. Killed while its parts are removed, the run is done all the same.
static void finish_parts(const char* dir) {
  char from[LOOM_PATH_MAX + 16], to[LOOM_PATH_MAX + 16];
  snprintf(from, sizeof from, "%s/run.json", dir);
  snprintf(to, sizeof to, "%s/%s", dir, done_mark);
  if (!rename(from, to)) remove_parts(dir);
}

static bool parts_are_done(const char* dir) {
  char path[LOOM_PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/%s", dir, done_mark);
  return !access(path, F_OK);
}

static int locked_error(const char* dir, loomError* err) {
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: another run is at work on it; wait for it or choose another output", dir);
}

static bool at_work(const char* dir) {
  char path[LOOM_PATH_MAX + 16];
  snprintf(path, sizeof path, "%s/journal.bin", dir);
  int fd = open(path, O_RDWR);
  bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB);
  if (fd >= 0) close(fd);
  return locked;
}

// A finished dataset is what this run would make only if it has its seed and as many demos.
static int check_complete(const loomGenerateDef* def, loomError* err) {
  loomDataset* dataset = NULL;
  int64_t seed = -1;
  int code = loom_dataset_open(&dataset, def->out, err);
  if (code) return code;
  code = loom_dataset_attr_int(&seed, dataset, "data", "loom_seed", err);
  int64_t n = loom_dataset_demo_count(dataset);
  loom_dataset_close(dataset);
  if (code) return code;
  if (seed == (int64_t)def->attempt.seed && (n >= def->successes || def->attempts)) return 0;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: a finished run left %lld demos of seed %lld there; use --overwrite to start anew, or another -o",
      def->out, (long long)n, (long long)seed);
}

static int check_same_run(const char* path, const char* wanted, loomError* err) {
  char* found = read_file(path);
  bool same = found && !strcmp(found, wanted);
  free(found);
  if (same) return 0;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: the unfinished run there has another task, seed, options or version; use the same ones, or "
      "--overwrite to start anew",
      path);
}

int loom_journal_open(loomJournal** out, const loomScene* scene, const loomSourceSet* sources,
                      const loomGenerateDef* def, bool* complete, loomError* err) {
  *out = NULL;
  char path[LOOM_PATH_MAX + 16], dir[LOOM_PATH_MAX];
  if (strlen(def->out) > LOOM_PATH_MAX - 64)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: path too long", def->out);
  snprintf(dir, sizeof dir, "%s.parts", def->out);
  bool there = !access(def->out, F_OK), parts = !access(dir, F_OK);
  if (parts && (def->overwrite || parts_are_done(dir))) {
    if (at_work(dir)) return locked_error(dir, err);
    remove_parts(dir);
    parts = !access(dir, F_OK) && !def->overwrite;
  }
  *complete = there && !parts && def->resume && !def->overwrite;
  if (*complete) return check_complete(def, err);
  if ((there && !def->overwrite && !(parts && def->resume)) || (parts && !def->resume)) {
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s exists; use --resume to go on with an unfinished run, --overwrite to start anew, or another -o",
        parts ? dir : def->out);
  }
  if (!parts && mkdir(dir, 0777)) return io_error(err, "create the folder", dir);
  char* wanted = describe_run(scene, sources, def);
  loomJournal* j = calloc(1, sizeof *j);
  int code = wanted && j ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a journal");
  snprintf(path, sizeof path, "%s/run.json", dir);
  if (!code)
    code = parts && !access(path, F_OK) ? check_same_run(path, wanted, err)
                                        : loom_file_write_text(path, wanted, err);
  cJSON_free(wanted);
  snprintf(path, sizeof path, "%s/journal.bin", dir);
  int fd = code ? -1 : open(path, O_RDWR | O_CREAT, 0666);
  if (!code && fd < 0) code = io_error(err, "open it", path);
  if (!code && flock(fd, LOCK_EX | LOCK_NB)) {
    code = locked_error(dir, err);
    close(fd);
  }
  if (code) {
    free(j);
    return code;
  }
  off_t size = lseek(fd, 0, SEEK_END);
  if (size % (off_t)sizeof(loomAttemptResult)) {  // a torn last entry
    size -= size % (off_t)sizeof(loomAttemptResult);
    if (ftruncate(fd, size)) size = 0;
  }
  lseek(fd, size, SEEK_SET);
  sync_dir(dir);
  j->def = def;
  j->fd = fd;
  memcpy(j->dir, dir, sizeof dir);
  *out = j;
  return 0;
}

void loom_journal_close(loomJournal* j) {
  if (!j) return;
  close(j->fd);
  free(j);
}

void loom_journal_shard(char path[LOOM_PATH_MAX], const loomJournal* j, uint64_t attempt, bool success) {
  snprintf(path, LOOM_PATH_MAX, "%.*s/%s-%08llu.hdf5", LOOM_PATH_MAX - 64, j->dir,
           success ? "demo" : "failed", (unsigned long long)attempt);
}

int loom_journal_append(loomJournal* j, const loomAttemptResult* results, int n, loomError* err) {
  size_t bytes = sizeof *results * (size_t)n;
  if (!n) return 0;
  if (write(j->fd, results, bytes) != (ssize_t)bytes || fsync(j->fd)) {
    return io_error(err, "write the journal (is the disk full?); free some space and --resume", j->dir);
  }
  return 0;
}

int loom_journal_read(loomAttemptResult** out, int64_t* n, const loomJournal* j, loomError* err) {
  off_t size = lseek(j->fd, 0, SEEK_END);
  *n = size / (off_t)sizeof **out;
  *out = malloc((size_t)size + 1);
  if (!*out) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a journal");
  if (pread(j->fd, *out, (size_t)size, 0) != size) return io_error(err, "read the journal", j->dir);
  for (int64_t i = 0; i < *n; i++) {
    char path[LOOM_PATH_MAX];
    bool success = (*out)[i].outcome == LOOM_OUTCOME_SUCCESS;
    loom_journal_shard(path, j, (uint64_t)i, success);
    if ((*out)[i].attempt != (uint64_t)i || (success && access(path, F_OK))) {
      return loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: entry %lld of the journal does not fit its shards; use --overwrite to start anew", j->dir,
          (long long)i);
    }
  }
  return 0;
}

// ---- finishing

static int assemble(const loomJournal* j, const char* path, const loomGenerateReport* report,
                    const loomSourceSet* sources, bool success, loomError* err) {
  loomSource* shards = calloc((size_t)report->result_count + 1, sizeof *shards);
  char(*paths)[LOOM_PATH_MAX] = calloc((size_t)report->result_count + 1, sizeof *paths);
  int n = 0,
      code = shards && paths ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of shards");
  for (int64_t i = 0; !code && i < report->result_count; i++) {
    const loomAttemptResult* r = &report->results[i];
    if ((r->outcome == LOOM_OUTCOME_SUCCESS) != success || !r->steps) continue;
    loom_journal_shard(paths[n], j, r->attempt, success);
    shards[n].path = paths[n];
    n++;
  }
  if (!code && n) {
    loomAttr attrs[] = {loom_attr_string("env_args", sources->env_args),
                        loom_attr_string("loom_version", loom_version()),
                        loom_attr_int("loom_seed", (int64_t)j->def->attempt.seed)};
    loomAssembleDef def = loom_default_assemble_def();
    def.attr = attrs;
    def.nattr = sizeof attrs / sizeof *attrs;
    def.trusted = true;
    def.valid = success ? 0.1 : 0;
    def.seed = j->def->attempt.seed;
    code = loom_dataset_assemble(path, shards, n, &def, err);
  }
  free(shards);
  free(paths);
  return code;
}

int loom_journal_finish(loomJournal* j, const loomGenerateReport* report, const loomSourceSet* sources,
                        loomError* err) {
  int code = assemble(j, j->def->out, report, sources, true, err);
  if (!code && j->def->failed) code = assemble(j, j->def->failed, report, sources, false, err);
  if (!code && !report->interrupted) finish_parts(j->dir);
  return code;
}
