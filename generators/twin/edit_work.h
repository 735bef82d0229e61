// A twin while it is edited: its model as a tree, its task as text, and the meshes of bodies that are cut.
// All in memory until it is written. Internal.
#ifndef LOOM_GENERATORS_TWIN_EDIT_WORK_H
#define LOOM_GENERATORS_TWIN_EDIT_WORK_H

#include <libxml/tree.h>

#include "generators/twin/edit.h"
#include "generators/twin/edit_script.h"
#include "generators/twin/twin_part.h"

enum { LOOM_EDIT_LOOKS = 16, LOOM_EDIT_PLANES = 24, LOOM_EDIT_FILLED = 64 };

/// A closed mesh of a body, and the planes that it was cut along: none of its convex pieces goes beyond
/// them.
typedef struct loomEditSolid {
  loomMesh mesh;
  int nplane;
  loomPlane plane[LOOM_EDIT_PLANES];  // normals lead out
} loomEditSolid;

typedef struct loomEditBody {
  char name[LOOM_TWIN_NAME];
  xmlNode* node;
  bool loaded, changed,
      fresh;      // its meshes are here; they are others than in its files; it is of this script
  loomMesh look;  // what is drawn; materials are numbers of
  int nlook;
  char look_material[LOOM_EDIT_LOOKS][2 * LOOM_TWIN_NAME];
  int nsolid;
  loomEditSolid* solid;   // (nsolid)
  double density, mass;   // kg/m^3; kg, 0 = as density and volume say
  int nrub;               // numbers of
  double rub[3];          // the friction that its pieces have; none: MuJoCo's own
  double seam[3];         // how it was cut off: from what was left to it; zeros where that is not known
  loomEditCommand joint;  // its last, of kind LOOM_EDIT_KINDS where there is none
} loomEditBody;

/// A key of the task that the script has filled in, and the line where it says so.
typedef struct loomEditFilled {
  char key[LOOM_TWIN_NAME];
  int line;
} loomEditFilled;

typedef struct loomEdit {
  const loomTwinEditDef* def;
  loomTwinEdited* out;
  xmlDoc* doc;
  char* task;
  char mesh_dir[LOOM_TWIN_NAME];  // in the folder
  int revision;                   // of this edit: part of the names of new files
  int before;                     // that of what it begins from
  char* began;                    // the model that it begins from, where that is another folder's
  uint64_t scene_hash;            // of the model as it is written
  int nbody;
  loomEditBody body[LOOM_TWIN_BODIES];
  int nfilled;
  loomEditFilled filled[LOOM_EDIT_FILLED];
  loomNames made, old;  // files of mesh_dir: written now; no longer needed
  loomTwinDef twin_def;
  loomTwin twin;
  loomTwinWork* work;  // at convex pieces
} loomEdit;

// ---- bodies (edit_body.c)

/// The body of that name. LOOM_ERR_USAGE: there is none.
int loom_edit_find(loomEditBody** out, loomEdit* e, const char* name, loomError* err);
/// Its meshes come into memory.
int loom_edit_load(loomEdit* e, loomEditBody* body, loomError* err);
/// A new one on `parent`, in its frame.
int loom_edit_add_body(loomEditBody** out, loomEdit* e, const char* name, loomEditBody* parent,
                       loomError* err);
/// It is gone; only a fresh one without parts of its own.
void loom_edit_remove_body(loomEdit* e, loomEditBody* body);
int loom_edit_add_solid(loomEditBody* body, const loomMesh* mesh, const loomEditSolid* like,
                        const loomPlane* plane, loomError* err);
void loom_edit_body_destroy(loomEditBody* body);
/// The object that it belongs to: itself, or what hangs on the world.
xmlNode* loom_edit_root(const loomEditBody* body);
/// Its bounds in a frame turned by yaw.
void loom_edit_bounds(double low[3], double high[3], const loomEditBody* body, double yaw);
double loom_edit_volume(const loomEditBody* body);
/// What body hangs on; NULL: the world.
xmlNode* loom_edit_parent(const loomEditBody* body);

/// A new element of a body, before the bodies on it.
xmlNode* loom_edit_add_node(xmlNode* body, const char* kind);
/// How many numbers an attribute has, up to n, and these; others stay.
int loom_edit_get_numbers(double* out, int n, const xmlNode* node, const char* name);
/// An attribute of n numbers, with nine digits. 0 or LOOM_ERR_MEMORY.
int loom_edit_set_numbers(xmlNode* node, const char* name, const double* number, int n);
/// FOLDER/NAME.
void loom_edit_path(char out[LOOM_PATH_MAX + 128], const loomEdit* e, const char* dir, const char* name);

/// A line of what is told in the end.
int loom_edit_note(loomEdit* e, loomError* err, const char* format, ...) LOOM_PRINTF(3, 4);

/// The model that a task's text names; LOOM_ERR_USAGE: none that lies in its folder.
int loom_edit_scene_name(char out[LOOM_TWIN_NAME], const char* task, const char* folder, loomError* err);

/// What has changed becomes files, geoms and masses (edit_write.c).
int loom_edit_write_bodies(loomEdit* e, loomError* err);

// ---- the task's text (edit_task.c)

/// The task gets an object, unless it has it.
int loom_edit_task_object(char** task, const char* name, loomError* err);
/// A line of resets: of the distribution `in`, or of all (""); value NULL: it is taken out.
int loom_edit_task_reset(char** task, const char* in, const char* name, const char* value, loomError* err);
/// An object moved and turned: so are its ranges in all resets.
int loom_edit_task_move(char** task, const char* name, const double by[3], double yaw, loomError* err);
/// A robot of the task stands elsewhere. LOOM_ERR_USAGE: there is none such, or its place says more.
int loom_edit_task_stand(loomEdit* e, const loomEditCommand* c, loomError* err);
/// The lines of a script from `line` on, whose first key is `key`, as keys of a file of their own
/// (malloc'ed). LOOM_ERR_FORMAT: they are not written a line each; LOOM_ERR_MEMORY.
int loom_edit_task_text(char** out, const char* script, int line, const char* key);
/// Keys of the task become what `text` says; `line` is that of the script where it begins.
int loom_edit_task_fill(loomEdit* e, const char* text, int line, loomError* err);
/// The line of the script that a line of the task comes from; 0: none.
int loom_edit_task_source(const loomEdit* e, int line);

// ---- commands (edit_command.c)

/// Do one. Errors do not name the script's line.
int loom_edit_do(loomEdit* e, const loomEditCommand* c, loomError* err);

// ---- measured (edit_measure.c)

/// The wall that a body has around a box.
void loom_edit_wall(loomTwinWall* out, const loomEditBody* body, const loomCutBox* box);
/// The share of a side of the body's bounds behind which there is something, within a quarter of its depth.
double loom_edit_cover(const loomEditBody* body, int side);

#endif
