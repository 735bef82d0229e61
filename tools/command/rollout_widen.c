#include "tools/command/rollout_widen.h"

#include <stdio.h>
#include <string.h>

void print_widened(const char* policy, const loomWidened* w, const loomDisturbSet* set, double share) {
  loomDisturbTerm terms[LOOM_DISTURB_TERM_MAX];
  loomDisturbSet found = *set;

  memcpy(terms, set->terms, (size_t)set->count * sizeof *terms);
  found.terms = terms;
  loom_adr_apply(terms, &w->adr);

  printf("# %s: at each end at least %.0f %% of %d episodes succeed; %lld episodes in %d rounds\n", policy,
         100 * share, w->adr.def.episodes, (long long)w->episodes, w->rounds);

  // An end that is not where the policy begins to fail says so.
  for (int r = 0; r < w->adr.count; r++) {
    const char* key = loom_disturb_kinds[terms[w->adr.range[r].term].kind].key;
    static const char* const ends[] = {"lower", "upper"};
    for (int s = 0; s < 2; s++) {
      if (w->at_limit[r][s]) printf("# %s: the %s end has come to its limit\n", key, ends[s]);
      if (w->hopeless[r][s]) printf("# %s: the %s end fails wherever it is\n", key, ends[s]);
    }
  }
  loom_disturb_write(stdout, &found);
}

static void add_ends(cJSON* out, const char* key, const bool end[2]) {
  cJSON* list = cJSON_AddArrayToObject(out, key);
  for (int s = 0; s < 2; s++) cJSON_AddItemToArray(list, cJSON_CreateBool(end[s]));
}

cJSON* widened_json(const char* policy, const loomWidened* w, const loomDisturbSet* set, double share) {
  cJSON *out = cJSON_CreateObject(), *list;
  cJSON_AddStringToObject(out, "policy", policy);
  cJSON_AddStringToObject(out, "disturb", set->name);
  cJSON_AddNumberToObject(out, "share", share);
  cJSON_AddNumberToObject(out, "rounds", w->rounds);
  cJSON_AddNumberToObject(out, "episodes", (double)w->episodes);

  list = cJSON_AddArrayToObject(out, "ranges");
  for (int r = 0; r < w->adr.count; r++) {
    const loomAdrRange* range = &w->adr.range[r];
    const loomDisturbTerm* t = &set->terms[range->term];
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "term", loom_disturb_kinds[t->kind].key);
    if (t->of[0]) cJSON_AddStringToObject(one, "of", t->of);
    cJSON_AddNumberToObject(one, "low", range->end[0]);
    cJSON_AddNumberToObject(one, "high", range->end[1]);
    add_ends(one, "at_limit", w->at_limit[r]);
    add_ends(one, "hopeless", w->hopeless[r]);
    cJSON_AddItemToArray(list, one);
  }
  return out;
}
