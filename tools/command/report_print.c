#include "tools/command/report_print.h"

#include <math.h>
#include <stdio.h>

#include "generators/attempt/recover.h"

static cJSON* tally_json(loomTally t) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "attempts", (double)t.attempts);
  cJSON_AddNumberToObject(out, "successes", (double)t.successes);
  return out;
}

static void failure_key(char* out, size_t n, const loomFailure* f) {
  snprintf(out, n, "%s: %s: %s", f->where, loom_outcome_name(f->outcome), f->reason);
}

static cJSON* failures_json(const loomReport* r) {
  cJSON* out = cJSON_CreateObject();
  for (int i = 0; i < r->failure_count; i++) {
    char key[320];
    failure_key(key, sizeof key, &r->failures[i]);

    cJSON* count = cJSON_GetObjectItemCaseSensitive(out, key);  // two arms may have subtasks of one name
    if (count) {
      cJSON_SetNumberValue(count, count->valuedouble + (double)r->failures[i].count);
    } else {
      cJSON_AddNumberToObject(out, key, (double)r->failures[i].count);
    }
  }
  return out;
}

static cJSON* time_json(const loomGenerateReport* run) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "physics", run->times.physics);
  cJSON_AddNumberToObject(out, "control", run->times.control);
  cJSON_AddNumberToObject(out, "observe", run->times.observe);
  cJSON_AddNumberToObject(out, "plan", run->times.plan);
  cJSON_AddNumberToObject(out, "write", run->times.write);
  cJSON_AddNumberToObject(out, "reset", run->times.reset);
  return out;
}

static void add_range(cJSON* to, const char* name, const double range[2], int part, int parts) {
  double step = (range[1] - range[0]) / parts;
  double ends[2] = {range[0] + step * part, range[0] + step * (part + 1)};
  cJSON_AddItemToObject(to, name, cJSON_CreateDoubleArray(ends, 2));
}

static cJSON* regions_json(const loomReport* r) {
  const loomRegions* g = &r->regions;
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "object", r->task->objects[0].name);
  cJSON_AddNumberToObject(out, "unknown", (double)g->unknown);

  cJSON* cells = cJSON_AddArrayToObject(out, "cells");
  for (int y = 0; y < LOOM_REPORT_GRID; y++) {
    for (int x = 0; x < LOOM_REPORT_GRID; x++) {
      cJSON* cell = tally_json(g->cell[y][x]);
      add_range(cell, "x", g->x, x, LOOM_REPORT_GRID);
      add_range(cell, "y", g->y, y, LOOM_REPORT_GRID);
      cJSON_AddItemToArray(cells, cell);
    }
  }

  cJSON* yaws = cJSON_AddArrayToObject(out, "yaws");
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) {
    cJSON* turn = tally_json(g->turn[i]);
    add_range(turn, "yaw", g->yaw, i, LOOM_REPORT_YAWS);
    cJSON_AddItemToArray(yaws, turn);
  }
  return out;
}

static cJSON* lengths_json(const loomLengths* h) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "shortest", h->shortest);
  cJSON_AddNumberToObject(out, "longest", h->longest);
  cJSON_AddNumberToObject(out, "mean", h->mean);
  cJSON_AddNumberToObject(out, "first", h->first);
  cJSON_AddNumberToObject(out, "width", h->width);

  cJSON* counts = cJSON_AddArrayToObject(out, "counts");
  for (int i = 0; i < h->bins; i++) cJSON_AddItemToArray(counts, cJSON_CreateNumber((double)h->count[i]));
  return out;
}

// What each source does alone, and what it took to know.
static cJSON* screening_json(const loomReport* r) {
  const loomScreening* s = &r->run->screening;
  cJSON* out = tally_json((loomTally){s->attempts, s->successes});
  cJSON_AddNumberToObject(out, "physics_steps", (double)s->physics_steps);
  cJSON_AddNumberToObject(out, "cpu_seconds", s->cpu_seconds);

  cJSON* kept = cJSON_AddArrayToObject(out, "kept");
  for (int i = 0; i < s->kept_count; i++)
    cJSON_AddItemToArray(kept, cJSON_CreateString(r->source_set->replay[s->kept[i]].name));
  cJSON* sources = cJSON_AddObjectToObject(out, "sources");
  for (int i = 0; i < s->n; i++) {
    cJSON* source = tally_json((loomTally){s->tries[i], s->wins[i]});
    cJSON_AddNumberToObject(source, "rate", s->tries[i] ? (double)s->wins[i] / s->tries[i] : 0);
    cJSON_AddItemToObject(sources, r->source_set->replay[i].name, source);
  }

  // As if they were the run's own, to be honest about the whole.
  double all = (double)(r->all.attempts + s->attempts);
  cJSON_AddNumberToObject(out, "success_rate_with_screening", all > 0 ? (double)r->all.successes / all : 0);
  return out;
}

static void print_screening(const loomReport* r) {
  const loomScreening* s = &r->run->screening;
  if (!s->n) return;
  printf("screening: %lld attempts, of which no demo is kept:", (long long)s->attempts);
  for (int i = 0; i < s->n; i++) printf("  %s %d/%d", r->source_set->replay[i].name, s->wins[i], s->tries[i]);

  printf("; kept:");
  for (int i = 0; i < s->kept_count; i++) printf(" %s", r->source_set->replay[s->kept[i]].name);
  putchar('\n');
}

// What attempts were to recover from, way by way, and what became of it.
static cJSON* recover_json(const loomReport* r) {
  cJSON *out = cJSON_CreateObject(), *ways;
  loomRecoveries all = {0, 0, 0};
  cJSON_AddNumberToObject(out, "share", r->recover->share);
  cJSON_AddStringToObject(out, "from", r->recover->name);
  ways = cJSON_AddObjectToObject(out, "ways");

  for (int i = 0; i < r->recover->count; i++) {
    char words[2 * LOOM_NAME_MAX];
    const loomRecoveries* w = &r->recovered[i];
    loom_recover_words(words, sizeof words, r->recover, i);
    cJSON* way = cJSON_CreateObject();
    cJSON_AddNumberToObject(way, "tried", (double)w->tried);
    cJSON_AddNumberToObject(way, "disturbed", (double)w->disturbed);
    cJSON_AddNumberToObject(way, "kept", (double)w->kept);
    cJSON_AddItemToObject(ways, words, way);
    all.tried += w->tried;
    all.disturbed += w->disturbed;
    all.kept += w->kept;
  }
  cJSON_AddNumberToObject(out, "tried", (double)all.tried);
  cJSON_AddNumberToObject(out, "disturbed", (double)all.disturbed);
  cJSON_AddNumberToObject(out, "kept", (double)all.kept);
  return out;
}

static void print_recover(const loomReport* r) {
  if (!r->recover) return;
  printf("recovered, of attempts that were disturbed:");
  for (int i = 0; i < r->recover->count; i++) {
    char words[2 * LOOM_NAME_MAX];
    loom_recover_words(words, sizeof words, r->recover, i);
    printf("%s %s %lld/%lld", i ? "," : "", words, (long long)r->recovered[i].kept,
           (long long)r->recovered[i].disturbed);
  }
  putchar('\n');
}

static cJSON* counts_json(const int64_t* count, int n) {
  cJSON* out = cJSON_CreateArray();
  for (int i = 0; i < n; i++) cJSON_AddItemToArray(out, cJSON_CreateNumber((double)count[i]));
  return out;
}

// Starts that were asked for and those that were kept, variable by variable.
static cJSON* asked_json(const loomDiversity* d) {
  cJSON* out = cJSON_CreateObject();
  for (int i = 0; i < d->asked_count; i++) {
    const loomAsked* a = &d->asked[i];
    cJSON* item = cJSON_AddObjectToObject(out, a->name);
    cJSON_AddItemToObject(item, "edges", cJSON_CreateDoubleArray(a->edge, LOOM_QUARTERS + 1));
    cJSON_AddItemToObject(item, "asked", counts_json(a->asked, LOOM_QUARTERS));
    cJSON_AddItemToObject(item, "kept", counts_json(a->kept, LOOM_QUARTERS));
    cJSON_AddNumberToObject(item, "worst", a->worst);
    cJSON_AddNumberToObject(item, "p", a->p);
  }
  return out;
}

// Of kept demos' rows, from this source.
static double rows_share(const loomReport* r, int source) {
  return r->all.successes ? r->diversity.kept[source] / (double)r->all.successes : 0;
}

static cJSON* diversity_json(const loomReport* r) {
  const loomDiversity* d = &r->diversity;
  cJSON* out = cJSON_CreateObject();
  cJSON_AddNumberToObject(out, "effective_sources", d->effective_sources);
  cJSON_AddStringToObject(out, "effective_sources_by",
                          "exp of the entropy of sources' shares of kept demos' rows");
  cJSON_AddNumberToObject(out, "rows_cv", d->rows_cv);
  cJSON_AddNumberToObject(out, "path_cv", d->path_cv);
  cJSON_AddNumberToObject(out, "path_mean", d->path_mean);
  if (isfinite(d->dtw)) cJSON_AddNumberToObject(out, "dtw", d->dtw);
  cJSON_AddNumberToObject(out, "starts_covered", d->starts_covered);
  cJSON_AddNumberToObject(out, "yaws_covered", d->yaws_covered);
  cJSON_AddNumberToObject(out, "sizes_covered", d->sizes_covered);
  cJSON_AddNumberToObject(out, "starts", (double)d->starts);
  cJSON_AddNumberToObject(out, "start_successes", (double)d->start_successes);
  cJSON_AddItemToObject(out, "asked_and_kept", asked_json(d));

  // What evenness costs.
  if (!d->balanced) return out;
  cJSON* balanced = cJSON_AddObjectToObject(out, "balanced");
  cJSON_AddNumberToObject(balanced, "attempts_spent", d->attempts_spent);
  cJSON* given_up = cJSON_AddArrayToObject(balanced, "given_up");
  for (int s = 0; s < r->source_count; s++)
    if (d->given_up[s]) cJSON_AddItemToArray(given_up, cJSON_CreateString(r->source_set->replay[s].name));
  return out;
}

// Attempts whose first subtask of arm 0 is the source's; and the share of kept demos' rows that come from
// it, to which mixed sources add in other subtasks.
static cJSON* sources_json(const loomReport* r) {
  cJSON* out = cJSON_CreateObject();
  for (int s = 0; s < r->source_count; s++) {
    cJSON* source = tally_json(r->sources[s]);
    cJSON_AddNumberToObject(source, "rows_share", rows_share(r, s));
    cJSON_AddItemToObject(out, r->source_set->replay[s].name, source);
  }
  return out;
}

cJSON* report_json(const loomReport* r) {
  const loomGenerateReport* run = r->run;
  cJSON* root = cJSON_CreateObject();
  cJSON_AddNumberToObject(root, "attempts", (double)r->all.attempts);
  cJSON_AddNumberToObject(root, "successes", (double)r->all.successes);
  cJSON_AddNumberToObject(root, "success_rate", r->rate);
  cJSON_AddItemToObject(root, "success_rate_95", cJSON_CreateDoubleArray((double[]){r->low, r->high}, 2));

  // What it cost.
  cJSON_AddNumberToObject(root, "seconds", run->seconds);
  cJSON_AddNumberToObject(root, "resumed_attempts", (double)run->resumed);
  cJSON_AddNumberToObject(root, "attempts_per_hour", r->attempts_per_hour);
  cJSON_AddNumberToObject(root, "demos_per_hour", r->demos_per_hour);
  cJSON_AddNumberToObject(root, "physics_steps", (double)run->physics_steps);
  cJSON_AddNumberToObject(root, "doomed_share", r->doomed_share);    // of control steps, in failed attempts
  cJSON_AddNumberToObject(root, "rewound_share", r->rewound_share);  // of it what was gone back over
  cJSON_AddNumberToObject(root, "went_around",
                          (double)r->around);  // attempts that had something in their way
  cJSON_AddNumberToObject(root, "redrawn_starts", (double)r->redrawn);  // at which something fell
  cJSON_AddNumberToObject(root, "mean_rows", r->lengths.mean);
  cJSON_AddItemToObject(root, "time", time_json(run));  // wall clock
  cJSON_AddNumberToObject(root, "cpu_seconds", run->cpu_seconds);

  // Where attempts failed, by condition, by source demo and by where the object began.
  cJSON_AddItemToObject(root, "failures", failures_json(r));
  cJSON_AddItemToObject(root, "sources", sources_json(r));
  if (run->screening.n) cJSON_AddItemToObject(root, "screening", screening_json(r));
  if (r->recover) cJSON_AddItemToObject(root, "recover", recover_json(r));
  cJSON_AddItemToObject(root, "diversity", diversity_json(r));
  cJSON_AddItemToObject(root, "regions", regions_json(r));

  cJSON_AddItemToObject(root, "lengths", lengths_json(&r->lengths));
  cJSON_AddBoolToObject(root, "interrupted", run->interrupted);
  cJSON_AddBoolToObject(root, "gave_up", run->gave_up);
  return root;
}

static void print_yaws(const loomReport* r) {
  // 180 / pi.
  const double degrees = 57.29577951308232;
  const loomRegions* g = &r->regions;

  printf("by yaw of %s:", r->task->objects[0].name);
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) {
    if (!g->turn[i].attempts) continue;
    printf("  %.0f %lld/%lld", degrees * (g->yaw[0] + (g->yaw[1] - g->yaw[0]) * (i + 0.5) / LOOM_REPORT_YAWS),
           (long long)g->turn[i].successes, (long long)g->turn[i].attempts);
  }
  putchar('\n');
}

static void print_diversity(const loomReport* r) {
  const loomDiversity* d = &r->diversity;
  printf(
      "diversity: %.1f effective sources of %d, spread of lengths %.1f %%, of ways %.1f %%; covered: %.0f %% "
      "of places, %.0f %% of yaws, %.0f %% of sizes\n",
      d->effective_sources, r->source_count, 100 * d->rows_cv, 100 * d->path_cv, 100 * d->starts_covered,
      100 * d->yaws_covered, 100 * d->sizes_covered);
  if (isfinite(d->dtw))
    printf("ways of two demos are %.1f mm apart (time warped, mean of pairs)\n", 1e3 * d->dtw);
  if (d->starts < r->all.attempts)
    printf("%lld of %lld starts became a demo, in %.2f tries each\n", (long long)d->start_successes,
           (long long)d->starts, (double)r->all.attempts / (double)d->starts);

  // Quarter by quarter of what was asked.
  for (int i = 0; i < d->asked_count && r->all.successes; i++) {
    const loomAsked* a = &d->asked[i];
    printf("%s  %s", i ? "" : "kept of starts asked, by quarters:", a->name);
    for (int q = 0; q < LOOM_QUARTERS; q++)
      printf("%s%lld/%lld", q ? "," : " ", (long long)a->kept[q], (long long)a->asked[q]);
    printf(" (p %.2g)%s", a->p, i + 1 < d->asked_count ? "" : "\n");
  }

  if (!d->balanced) return;
  printf("rows of demos:");
  for (int s = 0; s < r->source_count; s++)
    printf("  %s %.0f %%", r->source_set->replay[s].name, 100 * rows_share(r, s));
  printf("\nbalanced: %.0f attempts beyond what the best source alone would have needed; given up:",
         d->attempts_spent);
  int given_up = 0;
  for (int s = 0; s < r->source_count; s++)
    if (d->given_up[s]) printf("%s %s", given_up++ ? "," : "", r->source_set->replay[s].name);
  puts(given_up ? "" : " none");
}

void report_print(const loomReport* r) {
  const loomGenerateReport* run = r->run;
  if (!r->all.attempts) {
    puts("no attempt was made");
    return;
  }
  printf("%lld demos from %lld attempts: %.1f %% (95 %% interval %.1f to %.1f)\n",
         (long long)r->all.successes, (long long)r->all.attempts, 100 * r->rate, 100 * r->low, 100 * r->high);

  // Earlier runs' attempts count in the rates, but not in the times.
  if (run->resumed) printf("%lld attempts of them are of earlier runs\n", (long long)run->resumed);
  printf("%.1f s, %.0f attempts and %.0f demos an hour, %.0f rows a demo (%d to %d)\n", run->seconds,
         r->attempts_per_hour, r->demos_per_hour, r->lengths.mean, r->lengths.shortest, r->lengths.longest);

  printf("%.1f %% of the control steps were in attempts that failed", 100 * r->doomed_share);
  if (r->rewound_share > 0) printf(" or gone back over (%.1f %%)", 100 * r->rewound_share);
  printf("\n");

  if (r->around) printf("%lld attempts went around something in their way\n", (long long)r->around);
  if (r->redrawn)
    printf("%lld starts were drawn again: an object fell off what it lay on\n", (long long)r->redrawn);

  // Where the wall clock's time went, over all workers; what processors did in it is another measure.
  cJSON* time = time_json(run);
  const cJSON* item;
  printf("wall clock of all workers:");
  cJSON_ArrayForEach(item, time) printf("  %s %.2f s", item->string, item->valuedouble);
  cJSON_Delete(time);
  printf("\nprocessor time of all workers: %.2f s", run->cpu_seconds);

  // Which sources and starts do well, then why attempts fail, the most frequent first.
  printf("\nby source:");
  for (int s = 0; s < r->source_count; s++) {
    if (!r->sources[s].attempts) continue;
    printf("  %s %lld/%lld", r->source_set->replay[s].name, (long long)r->sources[s].successes,
           (long long)r->sources[s].attempts);
  }
  putchar('\n');

  print_screening(r);
  print_recover(r);
  print_yaws(r);
  print_diversity(r);

  puts("failures:");
  for (int i = 0; i < r->failure_count; i++) {
    char key[320];
    failure_key(key, sizeof key, &r->failures[i]);
    printf("  %4lld  %s\n", (long long)r->failures[i].count, key);
  }
}
