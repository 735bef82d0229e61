// What the parts of `demoloom view` share. The viewer knows no window: events go in, pictures are drawn
// into whatever OpenGL framebuffer is current. tools/view/view_window.c feeds it from GLFW,
// tools/view/view_script.c from a text file, so that everything the window does can be had without one.
//
// Widgets are made anew in each frame (tools/view/gui.h): view_ui asks them what the user does and lays
// them around the scene, which MuJoCo draws. view_command.c has the one table of all actions: menus, the
// palette, keys, tooltips, help and scripts go by it.
#ifndef LOOM_TOOLS_VIEW_VIEW_H
#define LOOM_TOOLS_VIEW_VIEW_H

#include <mujoco/mujoco.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/data/dataset.h"
#include "engine/draw/chart.h"
#include "engine/draw/video.h"
#include "engine/sim/episode.h"
#include "engine/sim/looks.h"
#include "generators/attempt/attempt.h"
#include "generators/expert/expert.h"
#include "generators/source/replay.h"
#include "generators/source/segment.h"
#include "policies/agent/learned_reward.h"
#include "policies/agent/trained.h"
#include "tools/shared/annotation.h"
#include "tools/shared/common.h"
#include "tools/shared/overlay.h"
#include "tools/shared/teleop.h"
#include "tools/shared/teleop_device.h"
#include "tools/view/gui.h"

enum { VIEW_THUMB_WIDTH = 64, VIEW_THUMB_HEIGHT = 48, VIEW_THUMB_QUEUE = 40 };

typedef struct viewArgs {
  const char *target, *task_name, *script, *segments, *annotated, *record, *reward;
  const char* policy;  // trained, to run live
  const char* other;   // a second file, seen beside the first
  const char* beside;  // a second policy, run beside the first
  const char* demo;    // to show first
  const char* html;    // a page to write instead of a window
  int64_t limit;       // demos of it; 0 = all
  bool headless;       // no window, whatever there is
  bool full;           // full meshes, shadows
  bool overwrite;      // what `annotated`, pictures and films were before
  const char* theme;   // "dark", "light"
  double scale;        // of text and widgets; 0 = as the monitor says
  int width, height;
  int64_t seed;
  loomAssetRoots roots;
} viewArgs;

// ---- list

typedef enum viewMark { VIEW_UNMARKED, VIEW_KEEP, VIEW_REJECT } viewMark;

/// An attempt, expert's run or reset made in the viewer: a demo that is in no file.
typedef struct viewTrial {
  loomDemo demo;
  loomAttemptResult result;
} viewTrial;

typedef struct viewEntry {
  char name[LOOM_NAME_MAX];
  int demo;     // number in the dataset; -1 = a trial
  int rows;     // control steps; 0 = cannot be read
  int outcome;  // loomOutcome; -1 = not known
  char reason[160];
  char source[LOOM_NAME_MAX];  // of arm 0's first subtask; "" = none
  double start[3];             // of the first object, m; NaN = not known
  viewMark mark;
  bool read;  // else only its name is known
  bool has_thumb, tried_thumb;
  bool judged, succeeds;  // by its states, where the file does not tell; by the thumbnails' thread
  loomImage thumb;
  unsigned int picture;            // texture of thumb; 0 = none yet
  viewTrial* trial;                // owned
  int (*ends)[LOOM_MAX_SUBTASKS];  // (arms x subtasks) set by hand, as loomReplay.end; owned; NULL = none
} viewEntry;

typedef enum viewFilter {
  VIEW_ALL,
  VIEW_SUCCEEDED,
  VIEW_FAILED,
  VIEW_KEPT,
  VIEW_REJECTED,
  VIEW_NOT_MARKED,
  VIEW_FILTER_COUNT
} viewFilter;

typedef enum viewSort {
  VIEW_BY_NUMBER,
  VIEW_BY_OUTCOME,
  VIEW_BY_LENGTH,
  VIEW_BY_SOURCE,
  VIEW_BY_REGION,
  VIEW_BY_REASON,
  VIEW_SORT_COUNT
} viewSort;

extern const char* const view_filter_names[];
extern const char* const view_sort_names[];

typedef struct viewList {
  const loomDataset* dataset;
  const loomTask* task;
  int n, capacity;
  int demo_count;    // entries that are demos of the dataset, the first ones
  int read;          // of which the first so many have been read; of others only the name may be known
  viewEntry* entry;  // (n)
  int* by_name;      // (demo_count) those of the dataset in the order of their names
  int shown_count;
  int* shown;             // (shown_count) entries that pass the filter, sorted
  int succeeded, failed;  // of those shown, as far as they have been read
  viewFilter filter;
  viewSort sort;
  bool falls;     // sorted downwards
  char text[64];  // part of name, source or reason that must be there
  bool marks_changed;
  int version;           // counts what has changed of it
  pthread_mutex_t lock;  // thumbnails are written by another thread
} viewList;

int view_list_load(viewList* list, const loomDataset* dataset, const loomTask* task, loomError* err);
/// Read what is told of the demos, for about so long; true when all are. A filter or order reads all at
/// once.
bool view_list_read(viewList* list, double seconds);
/// An entry, read if it was not yet.
viewEntry* view_list_entry(viewList* list, int i);
void view_list_destroy(viewList* list);
/// Does this order begin with the highest, unless told otherwise?
bool view_sort_falls(viewSort sort);
/// Count what is shown anew.
void view_list_count(viewList* list);
/// Work out `shown` anew.
int view_list_update(viewList* list, loomError* err);
/// Entry number by name, or -1.
int view_list_find(const viewList* list, const char* name);
/// Place of an entry among those shown, or -1.
int view_list_place(const viewList* list, int entry);
/// Append a trial; the list owns it then.
int view_list_add(viewList* list, viewTrial* trial, const char* name, const loomTask* task, loomError* err);

enum { VIEW_BARS = 24, VIEW_MOST_SOURCES = 64 };

typedef struct viewSource {
  char name[LOOM_NAME_MAX];
  int n, good;
} viewSource;

/// What is known of all demos listed.
typedef struct viewSummary {
  int seen;                          // the list's version that it is of
  double when;                       // s, by loom_clock
  int listed, known, good, lengths;  // known: whether they succeed; lengths: of how many
  int shortest, middle, longest;     // rows
  int bar[VIEW_BARS];                // how many are of which length
  int source_count, sources_left;    // sources_left: demos of sources beyond those
  viewSource source[VIEW_MOST_SOURCES];
  int starts, cells, all_cells;  // cells: of 5 cm, that a start lies in
  double low[2], high[2];        // of starts, m
} viewSummary;

void view_summarize(viewSummary* summary, const viewList* list);

// ---- the demo that is shown

typedef struct viewStage {
  int entry;  // in the list; -1 = nothing is shown
  loomDemo demo;
  mjModel* model;    // with visual meshes
  loomLooks looks;   // of it, where the demo was disturbed
  mjModel* outline;  // of model (engine/model/model_outline.h); NULL = none could be made
  uint64_t assets;   // hash of what an OpenGL context holds of model
  mjData* data;
  loomScene* scene;  // for conditions, replays and live runs
  loomEpisode* episode;
  loomReplay replay;
  bool has_ends;  // replay.end holds every arm's ends
  char why[256];  // why not
  int segment_count;
  annotationSegment segment[ANNOTATION_MAX_SEGMENTS];
  double* force;   // (rows x arms) sum of normal contact forces on each hand, N; NULL until asked for
  double* ctrl;    // (rows x nu) what the actuators were told; with force
  double* reward;  // (rows x (1 + terms)) of each row's control step, and each term's part of it; NULL until
                   // asked for
} viewStage;

typedef enum viewRunKind { VIEW_RUN_NONE, VIEW_RUN_ATTEMPT, VIEW_RUN_EXPERT, VIEW_RUN_POLICY } viewRunKind;

/// What is run in the window, in real time; paused, what there is of it can be looked at as any demo.
typedef struct viewRun {
  viewRunKind kind;
  int entry;  // of the list, which shows it
  loomTrace trace;
  loomAttempt* attempt;
  loomAttemptResult result;  // of an attempt, so far
  loomExpert expert;
  loomTrained trained;  // read once
  bool has_trained;
  void* instance;  // of the trained policy
  loomPolicy policy;
  loomRunResult run;
  bool to_subtask;  // pause where the next subtask begins
  double owed;      // control steps the simulation is behind
  int published;    // rows of it that the list's entry has
} viewRun;

/// Teleoperation.
typedef struct viewDrive {
  bool open, on;
  teleopSession session;
  char out[LOOM_NAME_MAX + 16];  // where demos go unless --record says
  int entry;                     // of the list, which shows it
  int arm;                       // the one driven; the number of arms = all
  loomTeleopFrame frame;
  bool closed[LOOM_MAX_ARMS];
  bool held[128];                       // keys
  double axis[6];                       // of a gamepad or 3-D mouse, -1 .. 1
  unsigned int buttons;                 // held at the last look
  double mouse_move[3], mouse_turn[3];  // world, since the last step; m, rad
  double owed;                          // control steps the simulation is behind
} viewDrive;

// ---- the application

typedef enum viewDrag {
  VIEW_NO_DRAG,
  VIEW_DRAG_CAMERA,
  VIEW_DRAG_TIME,
  VIEW_DRAG_SPAN,  // the part of the time that is seen
  VIEW_DRAG_BOUNDARY,
  VIEW_DRAG_FORCE,
  VIEW_DRAG_ARM
} viewDrag;

enum { VIEW_PAGES = 8, VIEW_MAX_TRACKS = 8, VIEW_TRACK_LINES = 32 };

/// A plot along the demo: one of the viewer's own pages, or an array of the file.
typedef struct viewTrack {
  int page, arm;  // page -1 = an array
  char key[96];   // its name, "obs/robot0_eef_pos"
  int lines, rows;
  double* value;   // (lines x rows); NULL = this demo has none
  double* pinned;  // (lines x pinned_rows) of another demo; NULL = none
  int pinned_rows;
  char line[VIEW_TRACK_LINES][32];
  bool hidden[VIEW_TRACK_LINES];
} viewTrack;

/// Of the widgets.
typedef struct viewUi {
  double scale;
  int dark;
  float list_width, side_width, plot_height;  // in lines of text, as the user dragged them
  bool focus;                                 // the palette's field takes the keys
  bool find;                                  // the list's does
  char palette_text[64], help_text[64];
  int palette_at;
  int frames;          // still to be drawn though nothing has changed but what the mouse is over
  double seconds;      // since the last frame
  int reveal;          // entry that the list scrolls to; -1 = none
  bool ordered;        // the list's order was set by a command
  int page;            // lines of the list in sight
  double first, last;  // rows of the time that are seen
  guiBox lanes;        // of the arms on the timeline
  float lane_top[LOOM_MAX_ARMS], lane_height;
  double hovered;      // row under the mouse in a plot or on the timeline; -1 = none
  guiBox plots;        // all of them; of no height = there are none
  float plot_numbers;  // width of the plots' numbers, at their left
  double hovering;     // the same of the frame being made
  unsigned int scene;  // the scene's last picture, a texture
  bool has_scene;      // of this size
} viewUi;

/// A mark or the ends of a demo's subtasks, before [0] and after [1].
typedef struct viewEdit {
  int entry;
  bool is_mark;
  viewMark mark[2];
  bool has_ends[2];  // else they were those found
  int ends[2][LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
} viewEdit;

/// A demo with a mark, as it was when saving began.
typedef struct viewMarked {
  char name[LOOM_NAME_MAX];
  viewMark mark;
} viewMarked;

/// A save that goes on: demos are replayed between frames, and a thread of its own writes.
typedef struct viewSave {
  bool on, ends, marks, use;  // ends, marks: are saved; use: given says ends
  loomReplay* replay;         // (list.n), n of which are there
  int n, at, version;         // at: entries looked at; version: of the edits that are saved
  loomSegmentFile given;
  loomScene* scene;  // that demos are replayed in, one after the other
  double began;      // s, by loom_clock
  viewMarked* marked;
  int marked_count;

  pthread_t writer;
  bool writing, has_writer;  // has_writer: else the window's own thread writes
  atomic_bool wrote;         // what follows is told then
  int code;
  loomError error;
  bool wrote_ends, wrote_marks;
  loomNames left_out;
} viewSave;

/// Edits that are not saved, in a file.
typedef struct viewJournal {
  char path[LOOM_PATH_MAX];
  FILE* file;    // held by this process; NULL = there is none
  bool refused;  // it cannot be
  int found;     // edits of an earlier session, until the user says what is to be done with them
} viewJournal;

typedef struct viewApp viewApp;

/// What the window shows in place of demos, with widgets, keys and commands of its own: the twin that is
/// edited (tools/view/twin.h). Nothing of it is NULL.
typedef struct viewGuest {
  void (*ui)(viewApp* app);    // a frame's widgets; says where the scene is (app->view)
  void (*pose)(viewApp* app);  // brings app->stage.data to what is to be drawn
  void (*advance)(viewApp* app);
  bool (*busy)(const viewApp* app);                 // does something go on that will change the picture?
  bool (*command)(viewApp* app, const char* line);  // a line of a script; false: there is none such
  bool (*key)(viewApp* app, int key, int mods);     // false: it means nothing
  void (*tell)(viewApp* app, struct cJSON* out);    // its state, for scripts
  bool (*where)(viewApp* app, const char* what, double at[2]);  // a thing in the scene, pixels
} viewGuest;

/// What a user can do. `name` and `arg` are its line in a script; actions without a label are there for
/// scripts alone.
typedef struct viewAction {
  const char *name, *arg, *menu, *label, *tip;
  void (*run)(viewApp* app, const char* arg);
  int key, mods;
  size_t flag;  // where viewApp has the int that it switches; 0 = it is no switch
} viewAction;

struct viewApp {
  const viewArgs* args;
  const viewGuest* guest;  // NULL: demos
  loomTask* task;
  loomDataset* dataset;
  char path[LOOM_PATH_MAX];
  viewList list;
  viewStage stage;

  double row;  // control steps; fractions while playing
  bool playing, loop, live;
  bool is_source;     // the dataset is the task's source demos
  bool ends_changed;  // of subtasks, and not saved
  bool has_scene, has_context;
  double speed;
  double owed;   // control steps the simulation is behind
  double clock;  // seconds since the start, by view_advance

  mjModel* blank;          // of no demo
  uint64_t drawn_assets;   // what the context holds, as a hash
  int first;               // entry to open with
  int stage_id, drawn_id;  // counts what was shown; what the scene was made for
  mjvScene scene;
  mjrContext context;
  int framebuffer;  // mjFB_WINDOW or mjFB_OFFSCREEN
  mjvCamera camera;
  bool has_view;  // the camera has been set to a model
  bool alone;     // no other thread works yet: a child process may compile models
  mjvOption option;
  mjvPerturb perturb;
  mjtNum selected_at[3];
  int tracked;  // body the free camera follows; 0 = none

  viewEdit* edit;  // (edit_count), of which the first edit_at are done and the others undone
  int edit_count, edit_at;
  int edit_saved;    // edits that were done when it was saved; -1 = others
  bool edit_open;    // the last one goes on: a drag
  int edit_version;  // counts them all
  viewSave save;
  const loomRewardDef* reward;  // what is plotted as such
  loomRewardDef* own_reward;    // of --reward; NULL = the task's
  loomLearnedReward* learned_reward;
  viewJournal journal;
  bool quits;         // once it is saved
  bool script_waits;  // until it is saved

  viewUi ui;
  viewTrack track[VIEW_MAX_TRACKS];
  int track_count;
  loomNames keys;              // arrays of the demo shown that can be plotted
  char pinned[LOOM_NAME_MAX];  // the demo whose lines stay in the plots; "" = none

  int show_list, show_timeline, show_ui, show_pictures, show_paths, show_targets, show_ghost, show_coverage,
      show_frame;
  int camera_choice;  // of the menu: 0 free, 1.. the model's
  int reset_choice;
  int seed;

  int width, height;
  mjrRect view;  // the 3-D picture
  int scroll;    // first line of the list
  viewDrag drag;
  int drag_button;
  int drag_arm, drag_subtask;  // boundary
  int wanted_entry;            // to be shown once the window says so; -1 = none
  bool told_wanted;            // it has said so

  loomSourceSet sources;  // for paths and ghosts; n = 0 until asked for
  loomSourceSet tried;    // those of them that attempts are made of, borrowed
  overlayGhost ghost;
  loomScene* trial_scene;
  loomEpisode* trial_episode;
  loomDataset* source_dataset;
  int trial_count;
  viewRun run;
  viewDrive drive;
  viewSummary summary;

  viewApp* other;  // what is seen at the right, without widgets of its own; NULL = nothing is compared
  viewArgs other_args;
  double tolerance;  // m, rad: what differs by more differs
  double* start;     // (other's demos x start_dim) first states; NULL until asked for
  int start_dim;

  mjModel* thumb_model;  // of the demo shown first, for the thumbnails' thread, which then compiles none
  char* thumb_xml;
  loomScene* thumb_scene;  // likewise, in which outcomes are found
  pthread_t thumb_thread;
  bool has_thumb_thread;
  volatile bool thumb_stop;
  bool thumb_fresh;  // the list has moved: other thumbnails are wanted
  int unknown[VIEW_THUMB_QUEUE], unknown_count, unknown_at;  // whose outcome is wanted; under list.lock
  int wanted[VIEW_THUMB_QUEUE], wanted_count, wanted_at, thumb_asked, thumb_done,
      thumb_seen;  // under list.lock

  loomVideo* film;  // of a script without a window; NULL = none
  char film_path[LOOM_PATH_MAX];
  char export_path[LOOM_PATH_MAX];  // of the plots' picture, once so many frames are drawn
  int export_frames;
  loomError lost;  // why the first of the demos that could not be shown; the exit status tells
  char message[512];
  double message_until;
  bool quit, dirty;
  double began, listed;          // s, by loom_clock: the program; the list's first picture
  double listed_cpu;             // s
  double frame_cpu, frame_wall;  // s, of the frames drawn since they were last told
  int frames;
};

/// Open the dataset or task named by args and list its demos, but draw nothing yet.
int view_open(viewApp* app, const viewArgs* args, loomError* err);
/// The same without widgets, and its end.
int view_open_data(viewApp* app, const viewArgs* args, loomError* err);
void view_close_data(viewApp* app);
/// Show the demo it opens with, and begin with the thumbnails.
void view_show_first(viewApp* app);
void view_close(viewApp* app);
/// Show entry i; what cannot be shown is told in the message line.
void view_show(viewApp* app, int entry);
/// The entry shown has changed: show it anew, at a row.
void view_reshow(viewApp* app, double row);
/// As little as any of it can do with: its sizes and colors, and an empty stage.
void view_set_defaults(viewApp* app);
void view_say(viewApp* app, const char* format, ...) LOOM_PRINTF(2, 3);
/// Time goes by.
void view_advance(viewApp* app, double seconds);
/// Row shown now.
int view_row(const viewApp* app);
void view_go(viewApp* app, double row);

// stage (view_stage.c)
/// Drawing on a CPU costs triangles: the stage shows simplified meshes unless --full asks for all of them.
loomSimplifyDef view_simplify(void);
/// Show an entry in place of the one shown; on an error none is.
int view_stage_open(viewApp* app, int entry, loomError* err);
void view_stage_close(viewStage* stage);
/// Bring the drawn data to a row.
void view_stage_pose(viewApp* app, int row);
/// What an arm's segments look like from the ends.
void view_stage_segments(viewApp* app);
/// The demo shown, as timeline and overlays want it.
annotation view_annotation(const viewApp* app);
int view_stage_forces(viewApp* app, loomError* err);
/// Move the end of a subtask; coordinated ones follow. Returns whether anything moved.
bool view_stage_move_end(viewApp* app, int arm, int subtask, int end);

// two side by side (view_compare.c)
int view_compare_open(viewApp* app, loomError* err);
void view_compare_close(viewApp* app);
/// Another demo is shown: show the one that belongs beside it.
void view_compare_follow(viewApp* app);
/// Are there two?
bool view_compare_shown(const viewApp* app);
/// The first row where positions differ by more than app->tolerance; -1 = none.
int view_compare_row(const viewApp* app);
/// Go there; a tolerance above 0 is kept.
void view_compare_go(viewApp* app, double tolerance);
/// The second policy runs from where the first began, under its number.
void view_compare_run(viewApp* app, int number);
/// "FILE: DEMO", of either side.
void view_compare_name(char out[2 * LOOM_NAME_MAX + 64], const viewApp* side);

// saving (view_save.c)
/// Begin to; where it takes long the window goes on meanwhile.
void view_save(viewApp* app);
/// What is being written is waited for; what only was to be is let go.
void view_save_close(viewApp* app);
/// A part of it, for about so long.
void view_save_advance(viewApp* app, double seconds);
/// How far it is, as widgets.
void view_save_tell(const viewApp* app);

// what is not saved, kept for after a crash (view_journal.c)
/// Look for edits of a session that ended early.
void view_journal_open(viewApp* app);
/// An entry has been edited.
void view_journal_note(viewApp* app, int entry);
/// Everything is saved.
void view_journal_saved(viewApp* app);
/// Take the edits that were found, or not.
void view_journal_restore(viewApp* app);
void view_journal_forget(viewApp* app);
/// keep: what is not saved is offered again next time.
void view_journal_close(viewApp* app, bool keep);

// edits (view_edit.c)
/// Do one that was found, as if the user did it.
void view_edit_take(viewApp* app, const viewEdit* edit);
/// Note that an entry's mark or ends become these, before they do.
void view_edit_mark(viewApp* app, int entry, viewMark mark);
void view_edit_ends(viewApp* app, int entry, int (*ends)[LOOM_MAX_SUBTASKS]);
/// Undo (-1) or redo (1) one.
void view_edit_step(viewApp* app, int way);
/// Is anything other than it was saved?
bool view_edit_unsaved(const viewApp* app);

/// Meshes and textures of a model as a number.
uint64_t view_asset_hash(const mjModel* model);

// drawing (view_draw.c); the OpenGL context is current
/// OpenGL's functions for the widgets.
int view_connect(guiFunction (*find)(void* self, const char* name), void* self, loomError* err);
/// The window's size in pixels has changed.
void view_resize(viewApp* app, int width, int height);
int view_draw(viewApp* app, loomError* err);
void view_free_gl(viewApp* app);
/// Where the left (0) and the right (1) of two are seen; of one, all of it.
mjrRect view_part(const viewApp* app, int part);
/// Overlays appended to app->scene (view_overlay.c).
void view_add_overlays(viewApp* app);

// widgets
/// A frame of them: what the user has done with them happens here (view_ui.c).
void view_ui(viewApp* app);
/// All events that have come, and what they ask for, without a picture.
void view_digest(viewApp* app);
void view_ui_list(viewApp* app, guiBox box);   // view_list_panel.c
void view_ui_side(viewApp* app, guiBox box);   // view_side.c
void view_compare_section(viewApp* app);       // of it: view_compare.c
void view_summary_section(viewApp* app);       // view_summary.c
void view_ui_time(viewApp* app, guiBox box);   // view_time.c
void view_ui_plots(viewApp* app, guiBox box);  // view_plot.c
void view_ui_menus(viewApp* app);              // view_palette.c
void view_ui_dialogs(viewApp* app);
/// A button, icon, checkbox of an action, by its line in a script; its tooltip has the key.
void view_ui_button(viewApp* app, const char* line, float width);
void view_ui_icon(viewApp* app, const char* line, guiIcon icon, bool on);
void view_ui_switch(viewApp* app, const char* line);
/// "Ctrl+K", "Space"; "" = none.
void view_key_name(char out[32], int key, int mods);

// the timeline (view_time.c), pixels from the window's left or top
float view_time_height(const viewApp* app);
/// From the timeline's left edge to the lanes.
float view_time_gutter(void);
double view_time_x(const viewApp* app, double row);
double view_time_row(const viewApp* app, double x);
/// Are the demo's subtasks known, and its end?
bool view_time_known(const viewApp* app);
/// The middle of an arm's lane.
double view_time_y(const viewApp* app, int arm);
/// See all of the demo; or more or less of it, around a row.
void view_time_fit(viewApp* app);
void view_time_zoom(viewApp* app, double factor, double around);

/// What can be plotted of an arm: its lines, each a value a row, and their names (view_series.c).
typedef struct viewSeries {
  const char *title, *unit;
  bool whole;                                   // of the task, not of each arm
  int (*replay)(viewApp* app, loomError* err);  // its actions first, once; NULL = known without
  double (*value)(const viewApp* app, int arm, int line, int row);
  int (*lines)(const viewApp* app, int arm);
  void (*name)(char out[32], const viewApp* app, int arm, int line);
} viewSeries;
extern const viewSeries view_series[VIEW_PAGES];
/// "arm 0 joint speed", or what a series of the whole task is called.
void view_series_name(char out[160], int page, int arm);
/// Plots of it: one, or one an arm.
int view_series_arms(const viewApp* app, int page);

// rewards (view_reward.c)
/// What is plotted as the reward: that of --reward, or the task's own.
int view_reward_open(viewApp* app, loomError* err);
void view_reward_close(viewApp* app);
/// Of the demo shown, by replaying its actions, once.
int view_stage_rewards(viewApp* app, loomError* err);
void view_reward_name(char out[32], const viewApp* app, int arm, int line);

// plots (view_plot.c)
/// The viewer's own page for each arm; 0 = no plots.
void view_plot_page(viewApp* app, int page);
/// One more: a page (-1 = the array `key`) of an arm.
void view_plot_add(viewApp* app, int page, int arm, const char* key);
/// The lines of the demo shown stay, paler, below those of the next ones; or go again.
void view_plot_pin(viewApp* app);
/// The demo shown is another one.
void view_plot_refresh(viewApp* app);
void view_plot_close(viewApp* app);
/// "arm 0 joint speed, rad/s", or its key.
void view_plot_title(char out[160], const viewTrack* track);

// plots as files (view_export.c)
/// "csv" or "png" (FILE-DEMO-plots.csv, in this folder), or the file's name.
void view_export(viewApp* app, const char* what);
/// A frame has been drawn: where it is the one, it is written.
void view_export_drawn(viewApp* app);

// input (view_input.c); x and y in pixels from the top left corner, keys as mjKEY_ in mjui.h or a letter
enum { VIEW_SHIFT = GUI_SHIFT, VIEW_CONTROL = GUI_CONTROL, VIEW_ALT = GUI_ALT, VIEW_KEY_SPACE = ' ' };
void view_key(viewApp* app, int key, int mods);
void view_key_up(viewApp* app, int key, int mods);
void view_char(viewApp* app, unsigned int letter);
/// Buttons are mjBUTTON_ in mjui.h.
void view_press(viewApp* app, int button, int mods);
void view_release(viewApp* app, int button, int mods);
void view_move(viewApp* app, double x, double y, int mods);
void view_scroll(viewApp* app, double amount);
/// What the mouse does with the scene, by a canvas over it.
void view_scene_input(viewApp* app, const guiCanvas* canvas);
/// One of MuJoCo's visual flags or groups, by the key of its own viewer.
bool view_visual_key(viewApp* app, int key, int mods);

// actions (view_command.c)
extern const viewAction view_actions[];
extern const int view_action_count;
/// Do one by its line in a script ("play", "sort length"); false = there is none.
bool view_command(viewApp* app, const char* line);
/// The action of a key; false when there is none.
bool view_command_key(viewApp* app, int key, int mods);
/// Of such a line, or NULL.
const viewAction* view_action(const char* line);
void view_do(viewApp* app, const viewAction* action);
/// Is what it switches on?
bool view_action_on(const viewApp* app, const viewAction* action);
/// What plays or runs stands still.
void view_stop(viewApp* app);
/// Show the demo `by` places further down the list.
void view_move_in_list(viewApp* app, int by);
/// The list anew, after its filter, order or text changed.
void view_relist(viewApp* app);
/// Something the user did may have changed the picture.
void view_touched(viewApp* app);
/// Show an entry after the next frame, which says that it is being loaded.
void view_want(viewApp* app, int entry);
/// Such an entry, once a frame has said so.
void view_show_wanted(viewApp* app);

// live (view_live.c)
/// Load the task's source demos, if they are not there yet; false when that failed (which is told).
bool view_live_sources(viewApp* app);
/// Ready to run attempts in app->trial_episode; false when that failed (which is told).
bool view_live_ready(viewApp* app);
void view_live_reset(viewApp* app);
/// A demo of a trace's rows; malloc'ed.
viewTrial* view_live_trial(const loomTrace* trace, loomEpisode* episode, loomError* err);
/// The same, now with more rows.
int view_live_grow(viewTrial* trial, const loomTrace* trace, loomError* err);
/// Append it to the list as `what`, and show it.
void view_live_add(viewApp* app, const loomEpisode* episode, viewTrial* trial, const char* what,
                   loomError* err);
/// The episode that goes on in the window now, or NULL.
loomEpisode* view_live_episode(const viewApp* app);
/// Show an episode as it stands, as a demo of one row, `what` it is.
void view_live_show_start(viewApp* app, loomEpisode* episode, const char* what);
void view_live_toggle(viewApp* app);
void view_live_step(viewApp* app);

// runs (view_run.c)
/// Begin; the number is the attempt's, -1 = the next.
void view_run_start(viewApp* app, viewRunKind kind, int number);
void view_run_advance(viewApp* app, double seconds);
/// Is one begun and not over?
bool view_run_open(const viewApp* app);
/// Go on, to where the next subtask begins (an attempt's; the expert's step).
void view_run_to_subtask(viewApp* app);
/// Stand still and show what there is of it.
void view_run_pause(viewApp* app);
/// All that is left, at once.
void view_run_finish(viewApp* app);
/// Leave it as far as it has come.
void view_run_end(viewApp* app);
void view_run_close(viewApp* app);

// thumbnails (view_thumb.c)
void view_thumb_start(viewApp* app);
/// Ask for those that can be seen and some further on, and for their outcomes where the file does not tell.
void view_thumb_want(viewApp* app);
/// Take what the thread has found; true when there was something.
bool view_thumb_take(viewApp* app);
/// What a demo's outcome is when its states alone tell.
void view_list_judge(viewList* list, int entry, bool succeeds);
void view_thumb_stop(viewApp* app);

// where it runs (view_window.c, view_script.c)
int view_run_window(viewApp* app, loomError* err);
int view_run_headless(viewApp* app, loomError* err);

typedef struct viewScript viewScript;
/// Where the script is a file, its pictures and films are asked for at once: LOOM_ERR_USAGE and LOOM_ERR_IO
/// as of loom_output_open.
int view_script_open(viewScript** out, const viewApp* app, const char* path, loomError* err);
void view_script_close(viewScript* script);
/// Run lines up to the next that wants frames or a picture: *wait is the frames to let go by, `shot` the
/// PNG to write then ("" = none). 0, 1 at the end, or an error that names FILE:LINE.
int view_script_next(viewScript* script, viewApp* app, int* wait, char shot[LOOM_PATH_MAX], loomError* err);
/// Write such a picture, which must not be there unless the script itself or --overwrite replaces it.
int view_script_shot(viewScript* script, viewApp* app, const char* path, loomError* err);
/// The framebuffer's picture, created here.
int view_read(viewApp* app, loomImage* out, loomError* err);
/// The same as PNG.
int view_write_png(viewApp* app, const char* path, loomError* err);

// teleoperation (view_drive.c)
/// Begin to drive, or end it.
void view_drive_toggle(viewApp* app);
void view_drive_close(viewApp* app);
void view_drive_advance(viewApp* app, double seconds);
/// Does driving take this key? Letters are held until released.
bool view_drive_key(viewApp* app, int key, int mods);
void view_drive_release(viewApp* app, int key);
/// The mouse was dragged, pixels: in the plane of the table, or turning.
void view_drive_mouse(viewApp* app, double dx, double dy, bool turn);
void view_drive_grip(viewApp* app);
void view_drive_next_arm(viewApp* app);
/// Where the keys move the hands, into the scene.
void view_drive_draw(viewApp* app);
/// How things stand, as widgets; and what the keys do, as a part of the panel at the right.
void view_drive_tell(const viewApp* app);
void view_drive_section(const viewApp* app);

#endif
