// What a thread does for the twin's window: drafts, edits and checks, one after the other.
#include <stdlib.h>
#include <string.h>

#include "tools/view/twin.h"

// ---- the list

// Its file may be written by the thread at the same time.
static int save_list(twinWindow* w, loomError* err) {
  pthread_mutex_lock(&w->job.lock);
  int code = loom_twin_list_save(&w->list, err);
  pthread_mutex_unlock(&w->job.lock);
  return code;
}

static void changed(twinWindow* w) {
  loomError err = {0, ""};
  if (save_list(w, &err)) twin_wrong(w, &err);
  w->version++;
  w->checked = false;

  w->app.ui.frames = 3;
}

void twin_add(twinWindow* w, const char* command) {
  loomError err = {0, ""};
  pthread_mutex_lock(&w->job.lock);
  int code = loom_twin_list_add(&w->list, command, &err);
  pthread_mutex_unlock(&w->job.lock);

  w->error[0] = '\0';
  w->tried = !code;
  if (code) twin_wrong(w, &err);
  if (!code) changed(w);
}

void twin_step(twinWindow* w, int way) {
  pthread_mutex_lock(&w->job.lock);
  bool moved = loom_twin_list_step(&w->list, way);
  pthread_mutex_unlock(&w->job.lock);

  w->error[0] = '\0';
  w->tried = false;
  if (moved) changed(w);
}

// ---- in the thread

static bool tell_step(void* user, const char* what, double seconds) {
  twinWindow* w = user;
  pthread_mutex_lock(&w->job.lock);
  snprintf(w->job.step, sizeof w->job.step, "%.150s, %.0f s", what, seconds);
  pthread_mutex_unlock(&w->job.lock);
  return w->job.stop || tool_stop;
}

// What it becomes; the folder's files are about to be that, unless it is a draft.
static int look(void* user, const loomTwinSeen* seen, loomError* err) {
  twinWindow* w = user;
  int code = twin_shown_make(&w->job.shown, seen, w->app.args->full, err);
  pthread_mutex_lock(&w->job.lock);
  if (!code && !seen->draft) code = loom_twin_list_begin(&w->list, seen, err);
  pthread_mutex_unlock(&w->job.lock);
  return code;
}

static int run_edit(twinWindow* w, twinJob* job) {
  loomTwinEditDef def = w->def;
  def.script = w->list.path;
  def.text = job->script;
  def.base = w->list.begun ? w->list.base : NULL;
  def.draft = job->kind == TWIN_DRAFT;
  def.step = tell_step;
  def.seen = look;
  def.user = w;

  pthread_mutex_lock(&job->lock);
  int code = loom_twin_list_check(&w->list, &job->err);
  pthread_mutex_unlock(&job->lock);
  if (!code) code = loom_twin_edit(&job->edited, &def, &job->err);
  pthread_mutex_lock(&job->lock);
  if (!code && !job->edited.draft) code = loom_twin_list_end(&w->list, job->script, &job->err);
  pthread_mutex_unlock(&job->lock);

  return code;
}

// The folder as it is: it is looked at, or checked.
static int run_scene(twinWindow* w, twinJob* job) {
  loomTwinCheckDef def = loom_default_twin_check_def();
  loomAssetRoots roots = {0};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  bool checks = job->kind == TWIN_CHECK;
  def.seed = (uint64_t)w->app.args->seed;
  tell_step(w, checks ? "whether it simulates" : "the scene", 0);

  int code = loom_task_find(&task, w->def.folder, &job->err);
  if (!code) code = loom_asset_roots_copy(&roots, w->def.roots, &job->err);
  if (!code) code = loom_task_assets(&roots, task, NULL, &job->err);
  if (!code) code = loom_scene_of_task(&scene, task, &roots, &job->err);
  if (!code && checks) code = loom_twin_check(&job->check, scene, &def, &job->err);
  loomTwinSeen seen = {.task = task, .scene = scene};
  if (!code && !checks) code = twin_shown_make(&job->shown, &seen, w->app.args->full, &job->err);

  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
  return code;
}

static void* run_job(void* user) {
  twinWindow* w = user;
  twinJob* job = &w->job;
  job->code = job->kind == TWIN_CHECK || job->kind == TWIN_LOOK ? run_scene(w, job) : run_edit(w, job);
  job->ended = true;
  return NULL;
}

// ---- begun and ended

static void free_result(twinJob* job) {
  twin_shown_destroy(&job->shown);
  loom_twin_edited_destroy(&job->edited);
  loom_twin_check_destroy(&job->check);
  free(job->script);
  job->script = NULL;
  job->kind = TWIN_NO_JOB;
}

static void begin_job(twinWindow* w, twinJobKind kind) {
  twinJob* job = &w->job;
  loomError err = {0, ""};
  job->kind = kind;
  job->version = w->version;
  job->ended = job->stop = false;
  job->code = 0;
  job->err = (loomError){0, ""};
  job->step[0] = '\0';
  job->shown = (twinShown){0};
  job->edited = (loomTwinEdited){0};
  job->check = (loomTwinCheck){0};
  job->script = NULL;

  int code = loom_twin_list_script(&job->script, &w->list, &err);
  if (!code && pthread_create(&job->thread, NULL, run_job, w))
    code = loom_error_set(&err, LOOM_ERR_MEMORY, "no thread can be started");
  if (!code) return;
  twin_wrong(w, &err);
  w->failed = true;
  free_result(job);
}

// What it shows takes the place of what was shown: the same body stays chosen.
static void show(twinWindow* w, twinShown* shown) {
  viewApp* app = &w->app;
  bool first = !w->shown.model;
  twin_shown_destroy(&w->shown);
  w->shown = *shown;
  *shown = (twinShown){0};

  app->stage.entry = 0;
  app->stage.model = w->shown.model;
  app->stage.data = w->shown.data;
  app->stage.assets = view_asset_hash(w->shown.model);
  app->stage_id++;
  app->dirty = true;
  if (first) loom_free_camera(&app->camera, w->shown.model, w->shown.start);
  memset(w->tries, 0, sizeof w->tries);

  // On to what mostly comes next.
  if (*w->next && twin_shown_find(&w->shown, w->next) >= 0) {
    snprintf(w->chosen, sizeof w->chosen, "%s", w->next);
    if (twin_tool_fits(w, w->next_tool)) w->tool = w->next_tool;
  }
  w->next[0] = '\0';
  if (*w->chosen && !twin_chosen(w)) w->chosen[0] = '\0';
  twin_tool_begin(w, w->tool);
  twin_pose(app);
}

// A command that cannot be done was none: the list is what it was before.
static void take_back(twinWindow* w) {
  loomError err = {0, ""};
  pthread_mutex_lock(&w->job.lock);
  loom_twin_list_drop(&w->list);
  pthread_mutex_unlock(&w->job.lock);

  if (save_list(w, &err)) twin_wrong(w, &err);
  w->tried = false;
  w->version++;

  if (w->job.kind != TWIN_DO) w->shown_version = w->version;  // it was never shown
}

// What is told of what was just done, and was not told before.
static void tell_notes(twinWindow* w, const loomTwinEdited* edited) {
  static const char* const sides[] = {"-x", "+x", "-y", "+y", "-z", "+z"};
  char text[400] = "", wall[160];
  size_t n = 0, k = 0;
  for (int i = 0; i < edited->notes.n; i++) {
    const char* note = edited->notes.name[i];
    if (loom_names_has(&w->notes, note) || loom_names_add(&w->notes, note) || n >= sizeof text) continue;
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? "; " : "", note);
  }

  // The wall around the last cavity.
  const loomTwinWall* last = edited->nwall ? &edited->wall[edited->nwall - 1] : NULL;
  for (int s = 0; last && s < 6 && k < sizeof wall; s++)
    k += (size_t)snprintf(wall + k, sizeof wall - k, last->open[s] < 1 ? "%s%s %.0f mm" : "%s%s none",
                          s ? ", " : "", sides[s], 1000 * last->thickness[s]);
  if (last && !loom_names_has(&w->notes, wall) && !loom_names_add(&w->notes, wall) && n < sizeof text)
    snprintf(text + n, sizeof text - n, "%sthe cavity's wall, at its thinnest: %s", n ? "; " : "", wall);
  if (*text) view_say(&w->app, "%s", text);
}

static void end_job(twinWindow* w) {
  twinJob* job = &w->job;
  pthread_join(job->thread, NULL);
  bool now = job->version == w->version;

  if (job->code == LOOM_ERR_INTERRUPTED) {
    free_result(job);
    return;
  }
  if (job->code && now) {
    twin_wrong(w, &job->err);
    if (w->tried && job->kind != TWIN_CHECK) {
      take_back(w);
    } else {
      w->failed = true;
    }
    w->wants_check = false;
  }
  if (!job->code && job->shown.model && now) {
    w->shown_version = job->version;
    job->shown.draft = job->edited.draft;
    show(w, &job->shown);
  }
  if (!job->code && job->kind == TWIN_DO) w->tried = false;
  if (!job->code && now) tell_notes(w, &job->edited);
  if (!job->code && job->kind == TWIN_CHECK) {
    loom_twin_check_destroy(&w->check);
    w->check = job->check;
    w->checked = true;
    job->check = (loomTwinCheck){0};
  }
  free_result(job);
  w->app.ui.frames = 3;
}

bool twin_job_is_done(const twinWindow* w) {
  char* script;
  if (loom_twin_list_script(&script, &w->list, NULL)) return true;
  bool done = loom_twin_list_is_done(&w->list, script);
  free(script);
  return done;
}

bool twin_job_all_done(twinWindow* w) {
  return w->version == w->shown_version && twin_job_is_done(w);
}

void twin_job_advance(twinWindow* w) {
  if (w->job.kind && w->job.ended) end_job(w);
  if (w->job.kind) {
    if (w->job.version != w->version) w->job.stop = true;
    return;
  }

  // After what cannot be done nothing is, until the list is another one.
  if (w->failed && w->version == w->shown_version) return;
  if (w->version != w->shown_version || !w->shown.model) {
    if (w->failed && w->job.version == w->version) return;
    w->failed = false;
    begin_job(w, twin_job_is_done(w) ? TWIN_LOOK : TWIN_DRAFT);
  } else if (!twin_job_all_done(w)) {
    begin_job(w, TWIN_DO);
  } else if (w->wants_check) {
    w->wants_check = false;
    begin_job(w, TWIN_CHECK);
  }
}

int twin_job_open(twinWindow* w, loomError* err) {
  if (!pthread_mutex_init(&w->job.lock, NULL)) return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "no lock can be made");
}

void twin_job_close(twinWindow* w) {
  if (w->job.kind) {
    w->job.stop = true;
    pthread_join(w->job.thread, NULL);
    free_result(&w->job);
  }
  pthread_mutex_destroy(&w->job.lock);
}
