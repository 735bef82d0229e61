// Arithmetic expressions over named variables ("0.8 + r"), as task files use them; on muParser. Internal.
#ifndef LOOM_ENGINE_BASE_EXPR_H
#define LOOM_ENGINE_BASE_EXPR_H

#include "engine/base/error.h"

enum { LOOM_EXPR_LONGEST = 255 };  // characters

/// Evaluate text over n variables. Knows pi and muParser's functions (sqrt, sin, min, abs, ...). Thread-safe.
/// LOOM_ERR_FORMAT for what is not an expression, is longer than LOOM_EXPR_LONGEST, an unknown name, or a
/// value that is not finite.
int loom_expr_eval(double* out, const char* text, const char* const* names, const double* values, int n,
                   loomError* err);

#endif
