// Controller configurations as robosuite writes them: single ones of 1.4 and 1.5, and 1.5's composites.
// Internal.
#ifndef LOOM_ENGINE_TASK_CONTROLLER_JSON_H
#define LOOM_ENGINE_TASK_CONTROLLER_JSON_H

#include "engine/base/json.h"
#include "engine/task/controller_def.h"

/// One configuration, of an arm of `joints` joints. `robosuite15`: written by 1.5 or later, whose poses are
/// in the robot's base unless said otherwise. Ranges and gains that are left out are those of `otherwise`;
/// NULL: they are refused. LOOM_ERR_UNSUPPORTED or LOOM_ERR_FORMAT names (after `label`) a key that cannot be
/// done here; none is passed over.
int loom_controller_read(loomControllerDef* out, const cJSON* config, int joints, bool robosuite15,
                         const loomControllerDef* otherwise, const char* label, loomError* err);

/// Is it (nullable) one of 1.5's composites whose parts are driven here, each by a configuration of its own?
bool loom_controller_composite(const cJSON* config);

/// The configuration of arm number `which` (0 = the right one where there are `arms` = 2) of a robot, which
/// may be that of the robot itself; *composite tells whether it was one of 1.5's. NULL with a message where
/// there is none.
const cJSON* loom_controller_of_arm(const cJSON* config, int which, int arms, bool* composite,
                                    const char* label, loomError* err);

#endif
