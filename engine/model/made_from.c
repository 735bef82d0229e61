#include "engine/model/made_from.h"

#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/model/asset.h"

// Of the code that makes models; the Makefile gives it. Other code, other results.
#ifndef LOOM_MODEL_CODE
#define LOOM_MODEL_CODE "unknown"
#endif

// A file may be changed twice within one tick of the file system's clock, which can be as long as this.
static const time_t settled_after = 2;  // s

static time_t wall_clock(void) {
  struct timespec now = {0, 0};
  timespec_get(&now, TIME_UTC);

  return now.tv_sec;
}

void loom_made_from_add(loomMadeFrom* from, const char* asked) {
  char line[256];
  struct stat s;

  // Looked up again, so that a file put into an earlier root counts as a change.
  char* path = asked[0] == '=' ? strdup(asked + 1) : loom_asset_find(from->roots, asked);
  bool there = path && !stat(path, &s);
  if (!there || strchr(path, '\n') || strchr(asked, '\n') || s.st_ctim.tv_sec + settled_after > wall_clock())
    from->unsure = true;

  if (there) {
    snprintf(line, sizeof line, " %lld %llu %llu %lld.%09ld %lld.%09ld\n", (long long)s.st_size,
             (unsigned long long)s.st_dev, (unsigned long long)s.st_ino, (long long)s.st_mtim.tv_sec,
             s.st_mtim.tv_nsec, (long long)s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    loom_text_puts(&from->text, asked);
    loom_text_puts(&from->text, "\n");
    loom_text_puts(&from->text, path);
    loom_text_puts(&from->text, line);
  }

  free(path);
}

void loom_made_from_destroy(loomMadeFrom* from) {
  loom_text_destroy(&from->text);
}

void loom_cache_key(loomText* key, const char* kind, const loomAssetRoots* roots) {
  char line[200];

  snprintf(line, sizeof line, "%s made by %s, mujoco %d, mjModel of %zu bytes\n", kind, LOOM_MODEL_CODE,
           mj_version(), sizeof(mjModel));
  loom_text_puts(key, line);

  // The same name may be another file in other roots.
  for (int i = 0; roots && i < roots->n; i++) {
    loom_text_puts(key, roots->root[i].name);
    loom_text_puts(key, "=");
    loom_text_puts(key, roots->root[i].path);
    loom_text_puts(key, "\n");
  }

  loom_text_puts(key, "\n");
}

// The same files asked for anew must give the same text.
static bool is_unchanged(const loomCached* cached, const loomAssetRoots* roots) {
  loomMadeFrom now = {.roots = roots};

  // Of every two lines the first is how a file was asked for.
  for (const char *at = cached->inputs, *end = at + cached->ninputs; at < end;) {
    const char* newline = memchr(at, '\n', (size_t)(end - at));
    const char* second = newline ? memchr(newline + 1, '\n', (size_t)(end - newline - 1)) : NULL;
    char asked[LOOM_PATH_MAX];
    if (!second || newline - at >= (ptrdiff_t)sizeof asked) break;

    snprintf(asked, sizeof asked, "%.*s", (int)(newline - at), at);
    loom_made_from_add(&now, asked);
    at = second + 1;
  }

  bool same = !now.text.failed && now.text.n == cached->ninputs &&
              (!now.text.n || !memcmp(now.text.s, cached->inputs, now.text.n));
  loom_made_from_destroy(&now);
  return same;
}

bool loom_cache_find(loomCached* out, const loomText* key, const loomAssetRoots* roots) {
  if (key->failed || !loom_cache_load(out, LOOM_CACHE_MODELS, key->s, key->n)) return false;

  if (is_unchanged(out, roots)) return true;
  loom_cached_destroy(out);
  return false;
}

void loom_cache_keep(const loomText* key, const loomMadeFrom* from, const void* bytes, size_t n) {
  if (key->failed || from->text.failed || from->unsure) return;

  loom_cache_store(LOOM_CACHE_MODELS, key->s, key->n, from->text.s, from->text.n, bytes, n);
}
