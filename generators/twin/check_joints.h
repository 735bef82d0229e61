// Whether the joints of a twin move over their ranges. Internal.
#ifndef LOOM_GENERATORS_TWIN_CHECK_JOINTS_H
#define LOOM_GENERATORS_TWIN_CHECK_JOINTS_H

#include "generators/twin/check.h"

/// Push each limited hinge and slide of the objects (bodies body[n], of which each geom is
/// loom_object_of_geom's) to both ends and let it go, from where d has everything, which is again there
/// afterwards. m's robots touch nothing from then on, and a part touches what it hangs on. out->moved gets
/// what they did. LOOM_ERR_SIM, LOOM_ERR_MEMORY.
int loom_check_joints(loomTwinCheck* out, mjModel* m, mjData* d, const int* body, int n,
                      const loomTwinCheckDef* def, loomError* err);

#endif
