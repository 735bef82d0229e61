// `demoloom twin edit`.
#ifndef LOOM_TOOLS_COMMAND_TWIN_EDIT_H
#define LOOM_TOOLS_COMMAND_TWIN_EDIT_H

#include <stdbool.h>

#include "generators/twin/edit.h"

/// Edit a twin and say what became of it.
int twin_edit(const loomTwinEditDef* def, bool json, loomError* err);

#endif
