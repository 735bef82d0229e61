// A twin edited by a script: objects placed, cut, hollowed and given joints. The folder stays a task.
#ifndef LOOM_GENERATORS_TWIN_EDIT_H
#define LOOM_GENERATORS_TWIN_EDIT_H

#include <stdio.h>

#include "engine/model/model.h"
#include "engine/scene/scene.h"
#include "generators/twin/twin.h"

LOOM_C_BEGIN

enum { LOOM_TWIN_BODIES = 64, LOOM_TWIN_CAVITIES = 32 };

/// What a twin becomes, shown before it is put in place.
typedef struct loomTwinSeen {
  const loomTask* task;
  const loomScene* scene;
  bool draft;                      // it is but that: nothing will be written
  uint64_t scene_hash, task_hash;  // loom_hash of both files, as they will be
} loomTwinSeen;

typedef struct loomTwinEditDef {
  const char* folder;  // of the twin
  const char* script;  // a file of commands (loom_twin_edit_help)
  const char* text;    // what is in that file, which is not read then; "": no commands. Nullable
  const char* base;    // folder with the model and the task that it begins from, whose meshes are the twin's
                       // and stay there: so the same commands can be done again, or fewer. NULL: the twin
  bool draft;          // in seconds: what is cut and has no convex pieces from earlier runs collides as the
                       // hulls of its solids, and where there is such nothing is written
  int pieces;          // of each body that is cut, as loomTwinDef's; default 32
  double crumbs, threshold;
  const char* coacd;                                           // folder of CoACD's library
  const loomAssetRoots* roots;                                 // of the task
  bool (*step)(void* user, const char* what, double seconds);  // as loomTwinDef's
  /// What it becomes, just before that is put in place; an error leaves all as it was. Nullable.
  int (*seen)(void* user, const loomTwinSeen* seen, loomError* err);
  void* user;
} loomTwinEditDef;

loomTwinEditDef loom_default_twin_edit_def(void);

/// What became of a body whose shape was changed.
typedef struct loomTwinEditedBody {
  char name[LOOM_TWIN_NAME];
  int solids;              // closed meshes that it is made of
  int pieces, primitives;  // shapes that collide; how many of them are boxes or cylinders
  int crumbs, drawn;
  bool kept;
  double seconds, volume, mass, size[3];
} loomTwinEditedBody;

/// The wall that is left around a cavity.
typedef struct loomTwinWall {
  char body[LOOM_TWIN_NAME];
  double low[3], high[3];  // the box, m
  double thickness[6];     // m: the thinnest of what is there, at -x, +x, -y, +y, -z, +z; 0: nothing is
  double open[6];          // share of the side that has no wall
} loomTwinWall;

typedef struct loomTwinEdited {
  bool draft;  // nothing was written
  int commands;
  int n;
  loomTwinEditedBody body[LOOM_TWIN_BODIES];
  int nwall;
  loomTwinWall wall[LOOM_TWIN_CAVITIES];
  loomNames notes;  // what was guessed, and what may be missing
  loomNames warnings;
} loomTwinEdited;

/// Do what the script says. LOOM_ERR_FORMAT, LOOM_ERR_USAGE: "SCRIPT:LINE: what is wrong; what to do"; else
/// as loom_twin_new. After an error the folder is as it was.
int loom_twin_edit(loomTwinEdited* out, const loomTwinEditDef* def, loomError* err);
void loom_twin_edited_destroy(loomTwinEdited* edited);

/// What a script may say, for `--help`.
void loom_twin_edit_help(FILE* out);

LOOM_C_END

#endif
