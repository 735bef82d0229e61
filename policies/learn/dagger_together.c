#include "policies/learn/dagger_together.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/data/dataset.h"

struct loomDaggerTogether {
  loomShare* share;
  char folder[LOOM_DAGGER_PATH];
  int spare;  // the worker that has no episodes
};

int loom_dagger_join(loomDaggerTogether** out, const loomDaggerDef* def, loomRunFolder* folder,
                     loomError* err) {
  *out = NULL;
  loomDaggerTogether* t = calloc(1, sizeof *t);
  if (!t) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a shared run");

  loom_dagger_path(t->folder, def, LOOM_DAGGER_TOGETHER, 0);
  t->spare = loom_rollout_holders(def->threads);
  const loomShareDef share = {
      .folder = t->folder, .beat = def->heartbeat, .workers = t->spare + 1, .tell = loom_dataset_tell};
  int code = loom_make_folder(t->folder, false, err);
  if (!code) code = loom_share_open(&t->share, &share, err);

  // From here on others come in.
  if (!code) loom_run_folder_share(folder);
  if (code)
    free(t);
  else
    *out = t;
  return code;
}

// Files of such names in a folder, and then the folder, unless others have something there.
static void sweep(const char* path, const char* pattern) {
  DIR* dir = opendir(path);
  if (!dir) return;

  for (struct dirent* entry; (entry = readdir(dir));) {
    char at[LOOM_DAGGER_PATH + 256];
    snprintf(at, sizeof at, "%s/%s", path, entry->d_name);
    if (!fnmatch(pattern, entry->d_name, 0)) unlink(at);
  }
  closedir(dir);
  rmdir(path);
}

// What a process that stood still may have written into a round's folder when that was over.
static void sweep_parts(const char* run) {
  DIR* dir = opendir(run);
  if (!dir) return;

  for (struct dirent* entry; (entry = readdir(dir));) {
    char at[LOOM_DAGGER_PATH + 256];
    snprintf(at, sizeof at, "%s/%s", run, entry->d_name);
    if (!fnmatch("round_*.parts", entry->d_name, 0)) sweep(at, "[0-9]*_[0-9]*.hdf5*");
  }
  closedir(dir);
}

void loom_dagger_leave(loomDaggerTogether* t, loomRunFolder* folder, bool over) {
  const char* run = folder->def.path;
  char path[LOOM_DAGGER_PATH];
  if (t) loom_share_close(t->share);
  free(t);
  if (!over || !run || (folder->def.shared && !loom_run_folder_is_last(folder))) return;

  // Also where one alone has gone on with what others had begun.
  sweep_parts(run);
  snprintf(path, sizeof path, "%.*s/" LOOM_DAGGER_TOGETHER "/" LOOM_SHARE_LEASES, LOOM_PATH_MAX - 1, run);
  sweep(path, "*-*");
  snprintf(path, sizeof path, "%.*s/" LOOM_DAGGER_TOGETHER, LOOM_PATH_MAX - 1, run);
  sweep(path, "*-*");
}

// ---- what one does for all

static void mark_path(char out[LOOM_DAGGER_PATH + 96], const loomDaggerDef* def, const char* name, int i) {
  snprintf(out, LOOM_DAGGER_PATH + 96, "%s/done-%.64s-%08d", def->together->folder, name, i);
}

bool loom_dagger_is_done(const loomDaggerDef* def, const char* name, int i) {
  char mark[LOOM_DAGGER_PATH + 96];
  if (!def->together) return false;
  mark_path(mark, def, name, i);
  return !access(mark, F_OK);
}

typedef struct pieces {
  loomShareRun run;
  const loomDaggerDef* def;
  int (*make)(void* user, int i, loomError* err);
  void* user;
} pieces;

static int look_for_mark(bool* known, void* user, int i, loomError* err) {
  const pieces* p = user;
  (void)err;
  *known = loom_dagger_is_done(p->def, p->run.name, i);
  return LOOM_OK;
}

// The first one that nobody has in hand.
static int make_one(void* user, loomError* err) {
  pieces* p = user;
  int holder = p->def->together->spare, code = LOOM_OK;
  bool mine = false;

  for (int i = 0; !code && !mine && i < p->run.n; i++) {
    char mark[LOOM_DAGGER_PATH + 96];
    code = loom_share_begin(&mine, &p->run, holder, i, err);
    if (code || !mine) continue;

    // The mark says that it is done, so it comes last.
    mark_path(mark, p->def, p->run.name, i);
    code = p->make(p->user, i, err);
    if (!code) code = loom_file_write_text(mark, "", err);
    loom_share_end(&p->run, holder, i, !code);
  }
  return code;
}

int loom_dagger_each(const loomDaggerDef* def, const char* name, int n,
                     int (*make)(void* user, int i, loomError* err), void* user, loomError* err) {
  int code = LOOM_OK;
  if (!def->together) {
    for (int i = 0; !code && i < n; i++) code = make(user, i, err);
    return code;
  }

  pieces p = {.run = {.share = def->together->share,
                      .name = name,
                      .n = n,
                      .user = &p,
                      .look = look_for_mark,
                      .stop = def->stop},
              .def = def,
              .make = make,
              .user = user};
  code = loom_share_rounds(&p.run, make_one, err);
  if (code || !p.run.missing) return code;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: stopped; the other processes go on", def->folder);
}

// ---- episodes

const loomShare* loom_dagger_share_of(const loomDaggerDef* def) {
  return def->together ? def->together->share : NULL;
}

bool loom_dagger_share_rollouts(loomRolloutShare* out, char name_of_pieces[80], const loomDaggerDef* def,
                                const char* name) {
  if (!def->together) return false;
  snprintf(name_of_pieces, 80, LOOM_ROLLOUT_PIECES "%.60s", name);
  *out = (loomRolloutShare){.share = def->together->share, .name = name_of_pieces, .stop = def->stop};
  return true;
}
