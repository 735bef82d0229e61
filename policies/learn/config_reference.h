// Internal. The reference of a training run's YAML, made from the tables that read it.
#ifndef LOOM_POLICIES_LEARN_CONFIG_REFERENCE_H
#define LOOM_POLICIES_LEARN_CONFIG_REFERENCE_H

#include <stdio.h>

#include "engine/base/fields.h"

/// Every section and key as Markdown tables: what a value has to be, which kinds of policies it is for, its
/// default. policies/README.md holds just this text.
void loom_train_config_reference(FILE* out);
/// The value of a field of s for people, `0.03`; nothing where it has none.
void loom_config_print_default(FILE* out, const void* s, const loomFieldDef* field);

#endif
