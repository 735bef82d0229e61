// What may be copied onward. Teleoperation software records host names, addresses, log-ins and home folders
// in the attributes of a dataset; nobody who shares a generated dataset means to share those. So we keep only
// what we know.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset.h"

// A name ending in '*' stands for all names with that beginning.
static const char* const kept_attrs[] = {
    "env_args",        "env",        "env_name",   "env_version", "repository_version",
    "total",           "model_file", "ep_meta",    "num_samples", "success",
    "env_interface_*", "seed",       "src_demo_*", "loom_*",      "context",
    "pair_of",         NULL,
};

static const char* const kept_groups[] = {
    "obs", "next_obs", "datagen_info", "action_dict", "loom_*", NULL,
};

static const char* const kept_texts[] = {
    "src_demo_*",
    "subtask_*",
    "loom_*",
    NULL,
};

static bool listed(const char* const* list, const char* name) {
  for (; *list; list++) {
    size_t n = strlen(*list);
    bool prefix = (*list)[n - 1] == '*';
    if (prefix ? !strncmp(*list, name, n - 1) : !strcmp(*list, name)) return true;
  }
  return false;
}

bool loom_private_keeps_attr(const char* name) {
  return listed(kept_attrs, name);
}

bool loom_private_keeps_array(const char* name, loomType type) {
  // Numbers tell no names, but moments: recordings keep wall-clock times of their operators.
  if (type != LOOM_TYPE_STR) return !strstr(name, "timestamp");
  return listed(kept_texts, name);
}

bool loom_private_keeps_group(const char* name) {
  return listed(kept_groups, name);
}

static bool ends_path(char c) {
  return c == '\0' || c == '"' || c == '\'' || c == '<' || c == '>' || c == ';' || c == ',' || c == '\n' ||
         c == '\r' || c == '\t';
}

static bool is_slash(char c) {
  return c == '/' || c == '\\';
}

// Where a path starts: "/x" or "C:\x" right after a quote, space, bracket, '=', "file://" or at the start of
// the text.
static bool starts_path(const char* text, const char* at) {
  bool absolute = (at[0] == '/' && at[1] && at[1] != '/' && at[1] != '>' && !ends_path(at[1])) ||
                  (isalpha((unsigned char)at[0]) && at[1] == ':' && is_slash(at[2]));
  return absolute && (at == text || strchr("\"'= \t\n([{:,;/", at[-1]));
}

static bool has_assets(const char* at, const char* end) {
  for (; at + 8 <= end; at++)
    if (is_slash(at[0]) && !strncmp(at + 1, "assets", 6) && is_slash(at[7])) return true;
  return false;
}

// The last "PACKAGE/models/" in [path, end) with an assets folder under it; NULL when there is none.
static const char* package_start(const char* path, const char* end) {
  const char* found = NULL;
  for (const char* at = path + 1; at + 8 < end; at++) {
    if (!is_slash(at[0]) || strncmp(at + 1, "models", 6) || !is_slash(at[7]) || !has_assets(at + 7, end))
      continue;

    const char* start = at;
    while (start > path && !is_slash(start[-1])) start--;
    if (start > path && start < at) found = start;
  }
  return found;
}

// The first component after a home folder ("/home/NAME/", "/Users/NAME/", "/root/"), or NULL for other paths.
static const char* after_home(const char* path, const char* end) {
  static const struct {
    const char* folder;
    int names;  // path components of the user's after it
  } homes[] = {{"/home/", 1},  {"/Users/", 1},   {"/root/", 0},     {"/mnt/", 1},
               {"/media/", 2}, {"/scratch/", 1}, {":\\Users\\", 1}, {":/Users/", 1}};

  const char* from = path[0] == '/' ? path : path + 1;
  for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
    size_t n = strlen(homes[i].folder);
    if ((size_t)(end - from) <= n || strncmp(from, homes[i].folder, n)) continue;

    const char* at = from + n;
    for (int k = 0; k < homes[i].names && at < end; k++) {
      while (at < end && !is_slash(*at)) at++;
      if (at < end) at++;
    }
    return at;
  }
  return NULL;
}

char* loom_private_text(const char* text) {
  char* out = malloc(strlen(text) + 1);
  if (!out) return NULL;
  char* to = out;
  for (const char* at = text; *at;) {
    if (!starts_path(text, at)) {
      *to++ = *at++;
      continue;
    }

    // A path from here to `end`: the package it lies in, or the home it lies under, is where it starts anew.
    const char* end = at;
    while (!ends_path(*end)) end++;
    const char *home = after_home(at, end), *from = package_start(at, end);
    if (!from || (home && from < home))
      from = home ? home : at;  // a package folder that is the user's own name

    memcpy(to, from, (size_t)(end - from));
    to += end - from;
    at = end;
  }

  *to = '\0';
  return out;
}
