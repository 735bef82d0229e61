// The window of `demoloom twin edit`: a twin as it will simulate, with handles on it. Whatever is done there
// is a command of the script (generators/twin/edit_script.h), put at the end of a list that the folder keeps
// (generators/twin/edit_list.h) and done by the function that does scripts; undoing takes one off again. A
// thread does them: first as a draft, which is seen at once, then with convex pieces, into the folder.
// Internal.
#ifndef LOOM_TOOLS_VIEW_TWIN_H
#define LOOM_TOOLS_VIEW_TWIN_H

#include <stdatomic.h>

#include "engine/base/output.h"
#include "generators/twin/check.h"
#include "generators/twin/edit_list.h"
#include "generators/twin/edit_script.h"
#include "tools/view/view.h"

enum { TWIN_BODIES = LOOM_TWIN_BODIES, TWIN_RESETS = 64, TWIN_GRIPS = 16 };

// ---- what is shown

/// A body that can be chosen: an object, a part of one, or a robot.
typedef struct twinBody {
  char name[LOOM_TWIN_NAME];
  int id;                  // in the model
  int parent, root;        // of the list; -1: the world
  int depth;               // below its object
  int robot;               // number; -1 = none
  int joint;               // its slide or hinge in the model; -1 = none
  double low[3], high[3];  // what is seen of it, m in its frame
  double pos[3], quat[4];  // where the model has it
  double place[3], yaw;    // of an object the same; of a robot where the task puts it
  int shoulder;            // of a robot: the joint that its reach is from; -1 = not known
  double reach;            // m
} twinBody;

/// Where a reset distribution puts a body.
typedef struct twinReset {
  char in[LOOM_TWIN_NAME];
  int body;              // of the list
  bool on_joint, plain;  // plain: ranges of x, y, z and yaw and no more
  double joint[2], x[2], y[2], z, yaw[2], radius;
} twinReset;

/// A model to be seen, and what of it can be touched.
typedef struct twinShown {
  mjModel* model;
  mjData* data;
  double* start;  // (nq) where it begins: robots in their posture
  bool draft;
  int n;
  twinBody body[TWIN_BODIES];
  int nreset;
  twinReset reset[TWIN_RESETS];
  int nname;  // reset distributions
  char name[8][LOOM_TWIN_NAME];
} twinShown;

/// Of the scene that an edit makes; in any thread.
int twin_shown_make(twinShown* out, const loomTwinSeen* seen, bool full, loomError* err);
void twin_shown_destroy(twinShown* shown);
/// Of the list; -1 = none of that name.
int twin_shown_find(const twinShown* shown, const char* name);

// ---- what is done, by a thread

typedef enum twinJobKind { TWIN_NO_JOB, TWIN_LOOK, TWIN_DRAFT, TWIN_DO, TWIN_CHECK } twinJobKind;

typedef struct twinJob {
  twinJobKind kind;
  pthread_t thread;
  atomic_bool ended, stop;
  int version;   // of the list, whose script this is
  char* script;  // malloc'ed
  twinShown shown;
  loomTwinEdited edited;
  loomTwinCheck check;
  int code;
  loomError err;
  pthread_mutex_t lock;  // of what follows, and of the window's list
  char step[200];        // what it is at
} twinJob;

// ---- the window

typedef enum twinTool {
  TWIN_MOVE,
  TWIN_TURN,
  TWIN_SCALE,
  TWIN_CUT,
  TWIN_PLANE,
  TWIN_JOINT,
  TWIN_CAVITY,
  TWIN_PANEL,
  TWIN_HANDLE,
  TWIN_WEIGH,
  TWIN_RESET,
  TWIN_REMOVE,
  TWIN_STAND,
  TWIN_TOOLS
} twinTool;

/// A thing in the scene that is dragged along a line, or round one.
typedef struct twinGrip {
  const char* name;
  double at[3];     // where it is held, m in the world
  double axis[3];   // along it, or about it
  bool turns, box;  // box: it turns the box of the command about the box's own middle
  guiRgba color;
  int n;             // what dragging by one unit adds to `value`
  double* value;     // (n)
  double way[3];     // (n)
  double low, high;  // what each value is kept between; both 0 = anything
  double size;       // m; below 0, pixels; 0 = 70 pixels
  double tip[2];     // where it is seen, pixels
  bool seen;
} twinGrip;

/// A camera that is to be put by known points: its command so far, and the pixel whose point comes next.
typedef struct twinCamera {
  bool open;
  loomEditCommand c;
  char path[512];            // of its picture
  unsigned char* rgb;        // that, until it is a texture
  unsigned int texture;      // 0: none is shown
  bool has_picture, chosen;  // chosen: of the pixel
  double pixel[2];
  guiBox box;  // where it is seen
} twinCamera;

typedef struct twinWindow {
  viewApp app;  // first: a guest's functions are given this
  loomTwinEditDef def;
  loomTwinList list;
  int version, shown_version;  // of the list: counts its changes
  bool tried;                  // the last change of the list is an addition that is not known to work
  twinJob job;
  twinShown shown;
  bool wants_check, checked, failed;
  int checked_version;
  loomTwinCheck check;
  char error[1024];  // what went wrong last; "" = nothing
  loomNames notes;   // what was told of the commands so far
  loomOutput lock;   // nobody else's window

  // What is chosen, and the command that is being made.
  char chosen[LOOM_TWIN_NAME];
  twinTool tool;
  char next[LOOM_TWIN_NAME];  // to be chosen, with this tool, once what was done is shown; "" = as it is
  twinTool next_tool;
  loomEditCommand c;
  int side, axis_choice, in;  // of choices
  double axis_yaw;
  char save[LOOM_PATH_MAX], typed[512];
  twinCamera camera;
  double try[TWIN_BODIES];  // of each body's joint: where it is put to be looked at
  bool tries[TWIN_BODIES];

  // The mouse.
  int ngrip, held, over;
  twinGrip grip[TWIN_GRIPS], taken;
  double from, value[3];  // of the one held: where it was taken, and what it was
  double press[2];
  bool moved;
  bool shows_solids;
  bool asked;  // to end, once it is all done
} twinWindow;

static inline twinWindow* twin_of(viewApp* app) {
  return (twinWindow*)(void*)app;
}

/// The chosen one, or NULL.
twinBody* twin_chosen(twinWindow* w);
void twin_choose(twinWindow* w, const char* name);
/// Bring everything to where it is shown.
void twin_pose(viewApp* app);
/// Say what went wrong, in the window and on stderr.
void twin_wrong(twinWindow* w, const loomError* err);

// jobs (twin_job.c)
int twin_job_open(twinWindow* w, loomError* err);
/// Take what has ended, begin what is to be done next.
void twin_job_advance(twinWindow* w);
/// Is the folder what the list says? And is that shown?
bool twin_job_is_done(const twinWindow* w);
bool twin_job_all_done(twinWindow* w);
/// End what goes on.
void twin_job_close(twinWindow* w);
/// One more command, "- turn: {...}\n".
void twin_add(twinWindow* w, const char* command);
void twin_step(twinWindow* w, int way);

// tools (twin_tool.c)
extern const char *const twin_tool_names[TWIN_TOOLS], *const twin_tool_tips[TWIN_TOOLS];
/// Can it be used on what is chosen?
bool twin_tool_fits(twinWindow* w, twinTool tool);
/// Begin with it: the command gets what it would mostly be.
void twin_tool_begin(twinWindow* w, twinTool tool);
/// Its grips in the scene.
void twin_tool_grips(twinWindow* w);
/// Its lines in the scene.
void twin_tool_draw(twinWindow* w);
/// Its fields and buttons.
void twin_tool_ui(twinWindow* w);
/// A grip was let go: tools that need no more are done.
void twin_tool_let_go(twinWindow* w);
/// A point was clicked: of the chosen body, in its frame; of a robot that is to stand elsewhere, in the
/// world.
void twin_tool_point(twinWindow* w, const double point[3]);
/// The box of a command turned to a yaw about its own middle.
void twin_turn_box(loomEditCommand* c, double yaw);
/// The command that is being made becomes one.
void twin_tool_do(twinWindow* w);

// the scene (twin_scene.c)
/// Where a point of the world is seen, pixels; false: behind the camera.
bool twin_project(const twinWindow* w, double out[2], const double point[3]);
/// m a pixel, there.
double twin_pixel(const twinWindow* w, const double point[3]);
void twin_to_world(double out[3], const twinWindow* w, const twinBody* body, const double point[3]);
void twin_line(const twinWindow* w, const double a[3], const double b[3], guiRgba color, float thick);
void twin_scene_ui(twinWindow* w, guiBox box);

// cameras (twin_camera.c)
/// What is asked of it, in the panel that is open.
void twin_camera_ui(twinWindow* w);
/// Points that are known, and where the model's cameras stand.
void twin_camera_draw(const twinWindow* w);
/// A point of the world was clicked: is it the one of the pixel chosen?
bool twin_camera_takes(twinWindow* w, const double point[3]);
/// Where a pixel of its picture is seen in the window; false: there is no picture.
bool twin_camera_where(double out[2], const twinWindow* w, const double pixel[2]);
void twin_camera_close(twinWindow* w);

// the widgets (twin_ui.c)
void twin_ui(viewApp* app);

/// Open the window on def->folder, or with args->headless do what args->script says without one. Errors of
/// loom_twin_list_open; LOOM_ERR_USAGE: another window is at work on the folder; what could not be done in
/// the end, such as a mesh that is missing.
int twin_window_run(const viewArgs* args, const loomTwinEditDef* def, loomError* err);

#endif
