// The one place where MuJoCo's errors and warnings are caught. mju_error never returns: left alone it ends
// the process, so every call that can raise one (compiling, stepping, saving) runs inside loom_trap_run,
// which brings the thread back with an ordinary error. Warnings never reach stderr or MUJOCO_LOG.TXT: they
// are counted per thread. All functions may be called from any thread; traps nest. Internal.
#ifndef LOOM_ENGINE_MODEL_TRAP_H
#define LOOM_ENGINE_MODEL_TRAP_H

#include "engine/base/error.h"

/// Call fn(arg). Returns what fn returned, or LOOM_ERR_SIM with MuJoCo's own words in err when MuJoCo raised
/// an error inside. fn is then left half-way: it must own nothing but through arg, and any mjData it was
/// stepping must be thrown away and made anew (its stack is in an unknown state). Results belong in arg,
/// not in locals.
int loom_trap_run(int (*fn)(void* arg), void* arg, loomError* err);

/// How many warnings MuJoCo gave in this thread since the last loom_trap_warnings_clear. *last (may be NULL)
/// is the last one's text, "" when there is none, valid until the thread's next warning.
int loom_trap_warnings(const char** last);

/// Forget this thread's warnings.
void loom_trap_warnings_clear(void);

/// Put the handlers in place. Called by loom_trap_run and loom_model_compile on first use; call it by hand
/// only to catch warnings of MuJoCo calls made outside both. Idempotent.
void loom_trap_install(void);

#endif
