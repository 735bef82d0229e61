// The commands of a twin's script. Internal.
#ifndef LOOM_GENERATORS_TWIN_EDIT_COMMAND_H
#define LOOM_GENERATORS_TWIN_EDIT_COMMAND_H

#include "generators/twin/edit_work.h"

/// Each does one command on its body; errors do not name the script's line.
typedef int loomEditCall(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err);
loomEditCall loom_edit_cut, loom_edit_cavity, loom_edit_panel, loom_edit_joint, loom_edit_handle;

/// Put a camera by known points.
int loom_edit_camera(loomEdit* e, const loomEditCommand* c, loomError* err);

#endif
