// Demos as one web page that needs no server and no program: poses, meshes, subtasks and plots, and what
// plays them (page.html). `demoloom view FILE --html OUT.html`.
#ifndef LOOM_TOOLS_VIEW_VIEW_PAGE_H
#define LOOM_TOOLS_VIEW_VIEW_PAGE_H

#include "tools/view/view.h"

/// Write the demos of the application's list that --demo and --limit choose. Demos that cannot be shown
/// are told and left out; LOOM_ERR_FORMAT where that are all, LOOM_ERR_IO, LOOM_ERR_MEMORY,
/// LOOM_ERR_INTERRUPTED.
int view_page_write(viewApp* app, const char* path, loomError* err);

#endif
