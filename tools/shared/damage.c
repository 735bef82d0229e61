#include "tools/shared/damage.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/data/dataset.h"
#include "tools/shared/common.h"

static struct {
  pthread_mutex_t lock;
  loomNames said;
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

// A command opens the same file several times, and from several threads.
static void tell_once(void* user, const char* text) {
  (void)user;
  pthread_mutex_lock(&told.lock);

  if (!loom_names_has(&told.said, text)) {
    tool_progress_end();
    fprintf(stderr, "demoloom: warning: %s\n", text);
    loom_names_add(&told.said, text);
  }
  pthread_mutex_unlock(&told.lock);
}

void tool_watch_damage(void) {
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, tell_once, NULL);
}

int tool_skip_damaged(void* args, const char* text) {
  (void)args, (void)text;
  loom_dataset_on_damage(LOOM_DAMAGE_SKIP, tell_once, NULL);
  return 0;
}

void tool_print_left_out(void) {
  loomNames demos = {0};
  if (!loom_dataset_left_out(&demos) && demos.n) {
    printf("left out: %d demo%s:", demos.n, demos.n == 1 ? "" : "s");
    for (int i = 0; i < demos.n; i++) printf("%s %s", i ? "," : "", demos.name[i]);
    putchar('\n');
  }
  loom_names_destroy(&demos);
}

static void add_left_out(cJSON* report) {
  loomNames demos = {0};
  cJSON* list = NULL;

  if (!loom_dataset_left_out(&demos) && demos.n) list = cJSON_AddArrayToObject(report, "left_out");
  for (int i = 0; list && i < demos.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(demos.name[i]));
  loom_names_destroy(&demos);
}

void tool_print_report(cJSON* report) {
  add_left_out(report);
  tool_print_json(report);
}

void tool_print_report_line(cJSON* report) {
  add_left_out(report);
  char* text = cJSON_PrintUnformatted(report);
  if (text) puts(text);
  cJSON_free(text);
}
