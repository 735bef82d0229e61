#include "policies/learn/finetune_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/yaml.h"
#include "policies/learn/config_reference.h"

const char* const loom_finetune_methods[] = {"ppo", "td3", "residual", "dppo", "residual_ppo", NULL};

#define ROW(type, member, ...) LOOM_FIELD(struct loomConfigFinetune, type, member, __VA_ARGS__)
static const loomFieldDef run_rows[] = {
    ROW(TEXT, task, .about = "task file that it learns"),
    ROW(CHOICE, method, .choices = loom_finetune_methods, .about = "how"),
    ROW(INT64, steps, .low = 1, .high = INT64_MAX / 4, .about = "of all environments together"),
    ROW(INT, seed, .high = INT32_MAX, .about = "of weights, episodes and noise"),
    ROW(INT, threads, .high = 1024, .about = "0 = as many as cores"),
    ROW(INT, evaluate, .high = 1 << 20, .about = "episodes without noise, at a time; 0 = none"),
    ROW(INT64, evaluate_every, .high = INT64_MAX / 4, .unit = "steps", .about = "0 = only at the end"),
    ROW(INT64, checkpoint_every, .high = INT64_MAX / 4, .unit = "steps", .about = "0 = only at the end"),
};
static const loomFields run_fields = LOOM_FIELDS(run_rows);

// From scratch, where no policy's settings are.
static const loomFieldDef scratch_rows[] = {
    LOOM_FIELD(loomFinetuneSettings, TEXT, reward,
               .about = "file of what is rewarded, a list of terms; the task's own unless given"),
    LOOM_FIELD(loomFinetuneSettings, TEXT, reset,
               .about = "of a robots' task: reset distribution; the first unless given"),
    LOOM_FIELD(loomFinetuneSettings, TEXT, contexts,
               .about =
                   "of a robots' task: a set of its `randomize:`, or a file of one, that says what episodes "
                   "look like (lights, colors, cameras, `hide`, `distractors`), for rewards by pictures"),
    LOOM_FIELD(loomFinetuneSettings, INT, context_count, .high = 1 << 20,
               .about = "of these contexts, in turn; 0 = each episode has its own"),
};
static const loomFields scratch_fields = LOOM_FIELDS(scratch_rows);

enum { SCRATCH = 1, POLICY = 2, BOTH = SCRATCH | POLICY };  // who a section is for

static const struct {
  const char* name;
  const loomFields* fields;
  size_t offset;
  int used[LOOM_FINETUNE_METHODS];  // by each method: SCRATCH, POLICY or both
} sections[] = {
    {"finetune", &run_fields, offsetof(loomFinetuneConfig, finetune), {BOTH, BOTH, BOTH, BOTH, BOTH}},
    {"ppo", &loom_ppo_fields, offsetof(loomFinetuneConfig, ppo), {BOTH, 0, 0, POLICY, POLICY}},
    {"td3", &loom_td3_fields, offsetof(loomFinetuneConfig, td3), {0, SCRATCH, POLICY}},
    {"residual", &loom_finetune_settings_fields, offsetof(loomFinetuneConfig, residual), {0, 0, POLICY}},
    {"base",
     &loom_base_settings_fields,
     offsetof(loomFinetuneConfig, residual),
     {POLICY, 0, 0, POLICY, POLICY}},
    {"direct", &loom_direct_settings_fields, offsetof(loomFinetuneConfig, direct), {POLICY}},
    {"dppo", &loom_dppo_settings_fields, offsetof(loomFinetuneConfig, dppo), {0, 0, 0, POLICY}},
    {"residual_ppo",
     &loom_residual_ppo_settings_fields,
     offsetof(loomFinetuneConfig, residual_ppo),
     {0, 0, 0, 0, POLICY}},
    {"starts",
     &loom_starts_fields,
     offsetof(loomFinetuneConfig, starts),
     {POLICY, 0, POLICY, POLICY, POLICY}},
    {"scratch", &scratch_fields, offsetof(loomFinetuneConfig, residual), {SCRATCH, SCRATCH}},
    {"gail", &loom_gail_fields, offsetof(loomFinetuneConfig, gail), {BOTH, SCRATCH}},
    {"irl", &loom_inverse_fields, offsetof(loomFinetuneConfig, inverse), {BOTH}},
};
enum { SECTIONS = sizeof sections / sizeof *sections, IRL = SECTIONS - 1, GAIL = IRL - 1, REWARD = GAIL - 1 };

// A run that has no discriminator says nothing of one, nor one that learns by its task's own reward of a
// file.
static bool is_used(const loomFinetuneConfig* c, int section) {
  if (section == GAIL && !c->imitates) return false;
  if (section == IRL && !c->inverts) return false;
  return sections[section].used[c->finetune.method] & (c->of_policy ? POLICY : SCRATCH);
}

bool loom_finetune_needs_policy(loomFinetuneMethod method) {
  return method == LOOM_FINETUNE_RESIDUAL || method == LOOM_FINETUNE_DPPO ||
         method == LOOM_FINETUNE_RESIDUAL_PPO;
}

loomFinetuneConfig loom_default_finetune_config(loomFinetuneMethod method, bool of_policy) {
  loomFinetuneConfig c = {.finetune = {.method = method,
                                       .steps = 1000000,
                                       .seed = 1,
                                       .evaluate = 10,
                                       .evaluate_every = 100000,
                                       .checkpoint_every = 100000},
                          .ppo = loom_default_ppo_config(),
                          .td3 = loom_default_td3_config(),
                          .residual = loom_default_finetune_settings(),
                          .direct = loom_default_direct_settings(),
                          .dppo = loom_default_dppo_settings(),
                          .residual_ppo = loom_default_residual_ppo_settings(),
                          .gail = loom_default_gail_config(),
                          .inverse = loom_default_inverse_config(),
                          .starts = loom_default_starts_def(),
                          .of_policy = of_policy};
  if (!of_policy) return c;

  c.ppo = method == LOOM_FINETUNE_DPPO           ? loom_default_dppo_ppo_config()
          : method == LOOM_FINETUNE_RESIDUAL_PPO ? loom_default_residual_ppo_config()
                                                 : loom_default_direct_ppo_config();
  c.td3 = loom_default_residual_td3_config();
  c.finetune.steps = 500000;
  c.finetune.evaluate = 200;
  c.finetune.evaluate_every = 100000;
  c.finetune.checkpoint_every = 50000;
  return c;
}

// Rewards that change as it learns have been measured with these.
static void learn_long(loomFinetuneConfig* c) {
  c->ppo.environments = 16;
  c->ppo.steps = 512;
  c->ppo.rate = 3e-6;
  c->direct.turns.actor_epochs = 0;
  c->direct.turns.keep = 0;
}

loomFinetuneConfig loom_default_imitation_config(loomFinetuneMethod method, bool of_policy) {
  loomFinetuneConfig c = loom_default_finetune_config(method, of_policy);
  c.imitates = true;
  if (of_policy) learn_long(&c);

  // As often as the actor learns (Kostrikov et al., 2019).
  if (method == LOOM_FINETUNE_TD3) c.gail.updates = 500;
  return c;
}

loomFinetuneConfig loom_default_inversion_config(bool of_policy) {
  loomFinetuneConfig c = loom_default_finetune_config(LOOM_FINETUNE_PPO, of_policy);
  c.inverts = true;
  if (of_policy) learn_long(&c);

  // Several episodes end in an iteration, and those that act stay apart.
  if (!of_policy) c.ppo.environments = 8;
  if (!of_policy) c.ppo.steps = 256;
  c.ppo.entropy_weight = of_policy ? 0 : 1e-3;
  c.ppo.anneal = false;
  return c;
}

// Whether a policy is finetuned: what there is a section of only then.
static bool names_policy(const loomYaml* y, int method) {
  for (int i = 0; i < SECTIONS; i++)
    if (sections[i].used[method] == POLICY && loom_yaml_get(y, loom_yaml_root(y), sections[i].name))
      return true;
  return loom_finetune_needs_policy((loomFinetuneMethod)method);
}

// The method decides on the defaults of all that stands beside it. What the file leaves open is the caller's.
static int read_run(loomFinetuneConfig* c, const loomYaml* y, loomError* err) {
  loomNode map = loom_yaml_get(y, loom_yaml_root(y), sections[0].name);
  int code = loom_fields_read(&c->finetune, &run_fields, y, map, ~0U, "", err);
  if (code) return code;

  int method = c->finetune.method;
  bool of_policy = names_policy(y, method) || (c->of_policy && method != LOOM_FINETUNE_TD3);
  bool imitates = sections[GAIL].used[method] && loom_yaml_get(y, loom_yaml_root(y), sections[GAIL].name);
  bool inverts = sections[IRL].used[method] && loom_yaml_get(y, loom_yaml_root(y), sections[IRL].name);
  if (inverts || c->inverts)
    *c = loom_default_inversion_config(of_policy);
  else if (imitates || c->imitates)
    *c = loom_default_imitation_config((loomFinetuneMethod)method, of_policy);
  else
    *c = loom_default_finetune_config((loomFinetuneMethod)method, of_policy);
  return loom_fields_read(&c->finetune, &run_fields, y, map, ~0U, "", err);
}

static int read_sections(loomFinetuneConfig* c, const loomYaml* y, loomError* err) {
  const char* known[SECTIONS + 1] = {NULL};
  loomNode root = loom_yaml_root(y);
  for (int i = 0; i < SECTIONS; i++) known[i] = sections[i].name;
  int code = loom_yaml_only(y, root, known, err);

  // The run's own come first: they say which of the others mean anything.
  if (!code) code = read_run(c, y, err);
  for (int i = 1; !code && i < SECTIONS; i++) {
    loomNode map = loom_yaml_get(y, root, sections[i].name);
    if (map && !is_used(c, i))
      return loom_yaml_error(y, map, sections[i].name, err, "means nothing for `method: %s`",
                             loom_finetune_methods[c->finetune.method]);
    code = loom_fields_read((char*)c + sections[i].offset, sections[i].fields, y, map, ~0U, "", err);
  }
  return code;
}

int loom_finetune_config_parse(loomFinetuneConfig* c, const char* text, size_t n, const char* label,
                               loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_parse(&y, text, n, label, err);
  if (!code) code = read_sections(c, y, err);
  loom_yaml_destroy(y);
  return code;
}

int loom_finetune_config_load(loomFinetuneConfig* c, const char* path, loomError* err) {
  char* text;
  size_t n = 0;

  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_finetune_config_parse(c, text, n, path, err);
  free(text);
  return code;
}

// What a run from scratch has but by its task.
static bool says_more(const loomFinetuneSettings* s) {
  return s->reward[0] || s->reset[0] || s->contexts[0];
}

char* loom_finetune_config_text(const loomFinetuneConfig* config) {
  char* text = NULL;
  size_t size = 0;
  FILE* out = open_memstream(&text, &size);
  if (!out) return NULL;

  for (int i = 0; i < SECTIONS; i++) {
    if (!is_used(config, i) || (i == REWARD && !says_more(&config->residual))) continue;
    fprintf(out, "%s:\n", sections[i].name);
    loom_fields_write(out, (const char*)config + sections[i].offset, sections[i].fields, ~0U);
  }

  // What was not written is not there.
  bool whole = !ferror(out);
  if (!fclose(out) && whole) return text;
  free(text);
  return NULL;
}

// What a policy that is finetuned has instead, where that differs.
static void print_other(FILE* out, const char* all, const char* other, const char* of,
                        const loomFieldDef* f) {
  if (f->type == LOOM_FIELD_CHOICE || !memcmp(all + f->offset, other + f->offset, f->room)) return;
  fprintf(out, "; %s ", of);
  loom_config_print_default(out, other, f);
}

// Which runs have the section.
static void print_users(FILE* out, int section) {
  static const char* const what[] = {[SCRATCH] = " from scratch", [POLICY] = " of a policy", [BOTH] = ""};
  const char* before = section == GAIL  ? "Of `demoloom gail` with `method: "
                       : section == IRL ? "Of `demoloom irl` with `method: "
                                        : "Of `method: ";
  for (int m = 0; loom_finetune_methods[m]; m++) {
    int used = sections[section].used[m];
    if (used) fprintf(out, "%s%s`%s", before, loom_finetune_methods[m], what[used]);
    if (used) before = ", `";
  }
  fputs(".\n\n", out);
}

void loom_finetune_config_reference(FILE* out) {
  loomFinetuneConfig config = loom_default_finetune_config(LOOM_FINETUNE_PPO, false),
                     of_policy = loom_default_finetune_config(LOOM_FINETUNE_PPO, true),
                     dppo = loom_default_finetune_config(LOOM_FINETUNE_DPPO, true),
                     residual = loom_default_finetune_config(LOOM_FINETUNE_RESIDUAL_PPO, true),
                     imitating = loom_default_imitation_config(LOOM_FINETUNE_TD3, false);

  for (int s = 0; s < SECTIONS; s++) {
    fprintf(out, "%s### %s\n\n", s ? "\n" : "", sections[s].name);
    print_users(out, s);
    fprintf(out, "| key | value | what | default |\n|---|---|---|---|\n");
    for (int i = 0; i < sections[s].fields->n; i++) {
      const loomFieldDef* f = &sections[s].fields->field[i];
      size_t offset = sections[s].offset;
      char wanted[LOOM_FIELD_WANTED];
      loom_field_wanted(wanted, f);

      fprintf(out, "| `%s` | %s%s%s | %s | ", f->name, wanted, f->unit ? ", " : "", f->unit ? f->unit : "",
              f->about);
      loom_config_print_default(out, (const char*)&config + offset, f);
      print_other(out, (const char*)&config + offset, (const char*)&of_policy + offset, "of a policy", f);
      print_other(out, (const char*)&of_policy + offset, (const char*)&dppo + offset, "dppo", f);
      print_other(out, (const char*)&of_policy + offset, (const char*)&residual + offset, "residual_ppo", f);
      if (s == GAIL)
        print_other(out, (const char*)&config + offset, (const char*)&imitating + offset, "td3", f);
      fputs(" |\n", out);
    }
  }
}
