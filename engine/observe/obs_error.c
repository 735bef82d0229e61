// The error for an observation that is not there.
#include <stdio.h>
#include <string.h>

#include "engine/observe/observe_internal.h"

void loom_obs_list_add(loomObsList* list, const char* item) {
  size_t used = strlen(list->text);
  snprintf(list->text + used, sizeof list->text - used, "%s%s", used ? ", " : "", item);
}

int loom_obs_unknown(loomError* err, const char* where, const char* name, const char* frame,
                     const char* there, const char* hint) {
  // A framed one is missing for want of a frame: the frames are told then.
  if (frame)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: no observation '%s', since there is no frame '%s'; it has %s%s", where, name,
                          frame, there, hint);

  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no observation '%s'; it has %s%s", where, name,
                        there[0] ? there : "none", hint);
}
