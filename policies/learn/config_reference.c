#include "policies/learn/config_reference.h"

#include <string.h>

#include "policies/learn/config.h"

// The kinds whose defaults are shown: what `train` takes when nothing is said, and what suits poses best.
static const loomPolicyKind shown[] = {LOOM_KIND_BC_RNN_GMM, LOOM_KIND_DIFFUSION_MLP};
enum { SHOWN = sizeof shown / sizeof *shown };

static void print_kinds(FILE* out, unsigned when) {
  bool first = true;
  for (int k = 0; k < LOOM_KINDS; k++) {
    if (!(when >> k & 1)) continue;
    fprintf(out, "%s%s", first ? "" : ", ", loom_policy_kind_name((loomPolicyKind)k));
    first = false;
  }
}

void loom_config_print_default(FILE* out, const void* s, const loomFieldDef* field) {
  if (!loom_field_given(s, field)) return;

  // Files are written so that they are read again to the last bit; people read "0.03".
  fputc('`', out);
  if (field->type == LOOM_FIELD_REAL)
    fprintf(out, "%g", *(const double*)((const char*)s + field->offset));
  else
    loom_field_print(out, s, field);
  fputc('`', out);
}

// Only the policy's own fields differ by kind.
static void print_field(FILE* out, const loomTrainConfig config[SHOWN], size_t offset,
                        const loomFieldDef* field, bool by_kind) {
  char wanted[LOOM_FIELD_WANTED];
  loom_field_wanted(wanted, field);
  fprintf(out, "| `%s` | %s%s%s | %s", field->name, wanted, field->unit ? ", " : "",
          field->unit ? field->unit : "", field->about ? field->about : "");

  for (int i = 0; i < SHOWN; i++) {
    fputs(" | ", out);
    if (by_kind && field->when && !(field->when >> config[i].policy.kind & 1)) continue;
    loom_config_print_default(out, (const char*)&config[i] + offset, field);
  }

  fputs(" | ", out);
  if (by_kind) print_kinds(out, field->when);
  fputs(" |\n", out);
}

void loom_train_config_reference(FILE* out) {
  loomTrainConfig config[SHOWN];
  for (int i = 0; i < SHOWN; i++) config[i] = loom_default_train_config(shown[i]);

  const char* name;
  size_t offset;
  for (int s = 0; (name = loom_train_config_section(s, &offset)); s++) {
    const loomFields* fields = loom_train_config_fields(name);
    fprintf(out, "%s### %s\n\n| key | value | what | `%s` | `%s` | only for |\n|---|---|---|---|---|---|\n",
            s ? "\n" : "", name, loom_policy_kind_name(shown[0]), loom_policy_kind_name(shown[1]));
    for (int i = 0; i < fields->n; i++)
      print_field(out, config, offset, &fields->field[i], !strcmp(name, "policy"));
  }
}
