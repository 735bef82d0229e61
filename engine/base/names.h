// Lists of names, and the order people expect of numbered ones.
#ifndef LOOM_ENGINE_BASE_NAMES_H
#define LOOM_ENGINE_BASE_NAMES_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"

LOOM_C_BEGIN

/// A list of owned strings. Zero-initialize; free with loom_names_destroy.
typedef struct loomNames {
  int n;
  char** name;  // (n)
} loomNames;

void loom_names_destroy(loomNames* names);
/// Append a copy of name. Returns 0 or LOOM_ERR_MEMORY (the list stays valid).
int loom_names_add(loomNames* names, const char* name);
/// Whether name is in the list, in whatever order that is.
bool loom_names_has(const loomNames* names, const char* name);
/// -1, 0, 1 in natural order, where runs of digits compare as numbers: demo_2 before demo_10.
int loom_natural_compare(const char* a, const char* b);
/// Into natural order.
void loom_names_sort(loomNames* names);

LOOM_C_END

#endif
