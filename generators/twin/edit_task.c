// A twin's task.yaml while it is edited: lines are put in and changed, all others stay as their owner has
// written them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "generators/twin/edit_work.h"

// ---- lines

static size_t line_end(const char* text, size_t at) {
  size_t n = strcspn(text + at, "\n");
  return at + n + (text[at + n] == '\n');
}

static size_t indent_of(const char* line) {
  return strspn(line, " ");
}

static bool blank(const char* line) {
  const char* c = line + indent_of(line);
  return *c == '\n' || *c == '\r' || *c == '#' || !*c;
}

// The line of a key so far indented, from `from` to `to`; -1: there is none.
static long find_key(const char* text, size_t from, size_t to, const char* key, size_t indent) {
  size_t n = strlen(key);
  for (size_t at = from; at < to && text[at]; at = line_end(text, at))
    if (indent_of(text + at) == indent && !strncmp(text + at + indent, key, n) &&
        text[at + indent + n] == ':')
      return (long)at;
  return -1;
}

// Behind the last line that belongs to the key at `at`.
static size_t block_end(const char* text, size_t at) {
  size_t indent = indent_of(text + at), end = line_end(text, at);
  for (size_t next = end; text[next]; next = line_end(text, next)) {
    if (blank(text + next)) continue;
    if (indent_of(text + next) <= indent) break;
    end = line_end(text, next);
  }
  return end;
}

// From begin to end another text.
static int replace(char** task, size_t begin, size_t end, const char* with, loomError* err) {
  loomText out = {0};
  loom_text_add(&out, *task, begin);
  loom_text_puts(&out, with);
  loom_text_puts(&out, *task + end);
  if (out.failed) {
    loom_text_destroy(&out);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a task");
  }
  free(*task);
  *task = out.s;

  return 0;
}

// What follows a key on its line: nothing, or a map that is written there.
static bool open_block(const char* text, size_t at) {
  const char* c = strchr(text + at, ':') + 1;
  return blank(c);
}

static bool empty_map(const char* text, size_t at) {
  const char* c = strchr(text + at, ':') + 1;
  c += strspn(c, " ");
  return !strncmp(c, "{}", 2) && blank(c + 2);
}

static int odd(const char* key, loomError* err) {
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "task.yaml: `%s:` is not written a line each, as `twin new` does; write it so, or put it in "
      "yourself",
      key);
}

// ---- objects and resets

int loom_edit_task_object(char** task, const char* name, loomError* err) {
  char line[2 * LOOM_TWIN_NAME + 32];
  long at = find_key(*task, 0, strlen(*task), "objects", 0);
  if (at < 0 || !open_block(*task, (size_t)at)) return odd("objects", err);
  size_t end = block_end(*task, (size_t)at), first = line_end(*task, (size_t)at), indent = 2;
  while (first < end && blank(*task + first)) first = line_end(*task, first);
  if (first < end) indent = indent_of(*task + first);
  if (find_key(*task, first, end, name, indent) >= 0) return 0;
  snprintf(line, sizeof line, "%*s%s: {body: %s}\n", (int)indent, "", name, name);

  return replace(task, end, end, line, err);
}

// A distribution without any line is an empty map.
static int drop_line(char** task, size_t at, size_t line, loomError* err) {
  int code = replace(task, line, block_end(*task, line), "", err);
  size_t end = line_end(*task, at);
  bool empty = !code && block_end(*task, at) == end;
  size_t colon = (size_t)(strchr(*task + at, ':') - *task) + 1;
  return empty ? replace(task, colon, colon, " {}", err) : code;
}

// Of one distribution, whose key is the line at `at`.
static int set_in(char** task, size_t at, const char* name, const char* value, loomError* err) {
  char line[512];
  size_t own = indent_of(*task + at), indent = own + 2;
  if (empty_map(*task, at) && !value) return 0;
  if (empty_map(*task, at)) {
    size_t begin = (size_t)(strchr(*task + at, ':') - *task) + 1;
    int code = replace(task, begin, begin + strcspn(*task + begin, "\n"), "", err);
    if (code) return code;
  }
  if (!open_block(*task, at)) return odd("reset", err);

  size_t end = block_end(*task, at), first = line_end(*task, at);
  while (first < end && blank(*task + first)) first = line_end(*task, first);
  if (first < end) indent = indent_of(*task + first);
  long there = find_key(*task, first, end, name, indent);
  if (!value) return there < 0 ? 0 : drop_line(task, at, (size_t)there, err);
  snprintf(line, sizeof line, "%*s%s: %s\n", (int)indent, "", name, value);
  if (there < 0) return replace(task, end, end, line, err);

  return replace(task, (size_t)there, block_end(*task, (size_t)there), line, err);
}

int loom_edit_task_reset(char** task, const char* in, const char* name, const char* value, loomError* err) {
  long reset = find_key(*task, 0, strlen(*task), "reset", 0);
  if (reset < 0 || !open_block(*task, (size_t)reset)) return odd("reset", err);
  int code = 0, set = 0;

  for (size_t at = line_end(*task, (size_t)reset); !code && at < block_end(*task, (size_t)reset);
       at = line_end(*task, at)) {
    const char* line = *task + at;
    if (blank(line) || indent_of(line) != 2) continue;
    size_t n = strcspn(line + 2, ":");
    bool own = !strncmp(line + 2, "settle:", 7) || !strncmp(line + 2, "rest:", 5);
    if (own || (*in && (strlen(in) != n || strncmp(line + 2, in, n) != 0))) continue;
    code = set_in(task, at, name, value, err);
    set++;
  }
  if (code || set) return code;

  return loom_error_set(err, LOOM_ERR_USAGE, "task.yaml has no reset distribution '%s'", in);
}

// ---- moved

static int read_range(double out[2], const loomYaml* y, loomNode map, const char* key, loomError* err) {
  return loom_yaml_read_numbers(out, 2, NULL, y, map, key, false, err);
}

// The same ranges elsewhere.
static int moved_ranges(char* out, size_t n, const loomYaml* y, loomNode map, const double by[3], double yaw,
                        loomError* err) {
  static const char* const plain[] = {"x", "y", "z", "yaw", "radius", "gap", NULL};
  double x[2] = {0, 0}, v[2] = {0, 0}, turn[2] = {0, 0}, z = 0, radius = 0, gap = 0;
  loomError why;
  if (loom_yaml_only(y, map, plain, &why))
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "task.yaml:%d: this reset is more than ranges of x, y, z and yaw: change it yourself",
        loom_yaml_line(y, map));
  int code = read_range(x, y, map, "x", err);
  if (!code) code = read_range(v, y, map, "y", err);
  if (!code) code = read_range(turn, y, map, "yaw", err);
  if (!code) code = loom_yaml_read_number(&z, y, map, "z", false, err);
  if (!code) code = loom_yaml_read_number(&radius, y, map, "radius", false, err);
  if (!code) code = loom_yaml_read_number(&gap, y, map, "gap", false, err);
  if (code) return code;

  int used = snprintf(out, n, "{x: [%.6g, %.6g], y: [%.6g, %.6g], z: %.6g, yaw: [%.6g, %.6g]", x[0] + by[0],
                      x[1] + by[0], v[0] + by[1], v[1] + by[1], z + by[2], turn[0] + yaw, turn[1] + yaw);
  if (radius > 0) used += snprintf(out + used, n - (size_t)used, ", radius: %.6g", radius);
  if (gap > 0) used += snprintf(out + used, n - (size_t)used, ", gap: %.6g", gap);
  snprintf(out + used, n - (size_t)used, "}");
  return 0;
}

int loom_edit_task_move(char** task, const char* name, const double by[3], double yaw, loomError* err) {
  loomYaml* y = NULL;
  int code = loom_yaml_parse(&y, *task, strlen(*task), "task.yaml", err);
  if (code) return code;
  loomNode reset = loom_yaml_get(y, loom_yaml_root(y), "reset");
  for (int i = 0; !code && i < loom_yaml_count(y, reset); i++) {
    loomNode map = loom_yaml_get(y, loom_yaml_item(y, reset, i), name);
    char value[400];
    if (!loom_yaml_is_map(y, map) || loom_yaml_get(y, map, "joint")) continue;
    code = moved_ranges(value, sizeof value, y, map, by, yaw, err);
    if (!code) code = loom_edit_task_reset(task, loom_yaml_key(y, reset, i), name, value, err);
  }
  loom_yaml_destroy(y);

  return code;
}

// ---- filled in

int loom_edit_task_text(char** out, const char* script, int line, const char* key) {
  loomText text = {0};
  size_t at = 0, n = strlen(key), indent;
  for (int i = 1; i < line; i++) at = line_end(script, at);
  indent = indent_of(script + at);

  // Keys at one depth, the first of them this one; not a map in braces.
  const char* first = script + at + indent;
  if (!indent || strncmp(first, key, n) != 0 || first[n] != ':') return LOOM_ERR_FORMAT;
  for (size_t end; script[at]; at = end) {
    size_t own = indent_of(script + at);
    end = line_end(script, at);
    if (own < indent && !blank(script + at)) break;
    if (own > indent) own = indent;
    loom_text_add(&text, script + at + own, end - at - own);
  }
  if (text.n && text.s[text.n - 1] != '\n') loom_text_puts(&text, "\n");
  if (text.failed) {
    loom_text_destroy(&text);
    return LOOM_ERR_MEMORY;
  }
  *out = text.s;

  return 0;
}

// Where the comment begins that ends at `at`, if it says FILL IN; else `at`.
static size_t comment_above(const char* task, size_t at) {
  size_t begin = at;
  while (begin > 0) {
    size_t line = begin - 1;
    while (line > 0 && task[line - 1] != '\n') line--;
    if (task[line] != '#') break;
    begin = line;
  }
  const char* says = strstr(task + begin, "FILL IN");
  return says && says < task + at ? begin : at;
}

// One key with all that belongs to it.
static int fill_key(loomEdit* e, const char* key, const char* block, loomError* err) {
  long there = find_key(e->task, 0, strlen(e->task), key, 0);
  size_t n = strlen(e->task);
  if (there >= 0)
    return replace(&e->task, comment_above(e->task, (size_t)there), block_end(e->task, (size_t)there), block,
                   err);

  int code = n && e->task[n - 1] != '\n' ? replace(&e->task, n, n, "\n", err) : 0;
  n = strlen(e->task);
  return code ? code : replace(&e->task, n, n, block, err);
}

// ---- robots

// A place as the task has it, or as the command wants it.
static int write_place(loomText* out, const loomYaml* y, loomNode place, const loomEditCommand* c,
                       loomError* err) {
  static const char* const plain[] = {"pos", "yaw", NULL};
  double pos[3] = {0, 0, 0}, yaw = 0;
  char line[160];
  int code = loom_yaml_only(y, place, plain, err);
  if (!code) code = loom_yaml_read_numbers(pos, 3, NULL, y, place, "pos", false, err);
  if (!code) code = loom_yaml_read_number(&yaw, y, place, "yaw", false, err);
  if (c) {
    memcpy(pos, c->at, sizeof pos);
    yaw = c->yaw;
  }
  snprintf(line, sizeof line, "    - {pos: [%.6g, %.6g, %.6g], yaw: %.6g}\n", pos[0], pos[1], pos[2], yaw);
  loom_text_puts(out, line);
  return code;
}

int loom_edit_task_stand(loomEdit* e, const loomEditCommand* c, loomError* err) {
  static const char* const plain[] = {"file", "place", NULL};
  loomYaml* y = NULL;
  loomText block = {0};
  int code = loom_yaml_parse(&y, e->task, strlen(e->task), "task.yaml", err);
  if (code) return code;

  loomNode model = loom_yaml_get(y, loom_yaml_root(y), "model"), place = loom_yaml_get(y, model, "place");
  int n = loom_yaml_count(y, place), which = (int)c->robot;
  if (which >= n)
    code = loom_error_set(err, LOOM_ERR_USAGE, "there is no robot %d: the task places %d, counted from 0",
                          which, n);
  if (!code) code = loom_yaml_only(y, model, plain, err);
  loom_text_puts(&block, "model:\n  file: ");
  loom_text_puts(&block, code ? "" : loom_yaml_text(y, loom_yaml_get(y, model, "file")));
  loom_text_puts(&block, "\n  place:\n");
  for (int i = 0; !code && i < n; i++)
    code = write_place(&block, y, loom_yaml_item(y, place, i), i == which ? c : NULL, err);

  if (!code && block.failed) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a task");
  if (!code) code = fill_key(e, "model", block.s, err);
  loom_text_destroy(&block);
  loom_yaml_destroy(y);
  return code;
}

static void note_filled(loomEdit* e, const char* key, int line) {
  int i = 0;
  while (i < e->nfilled && strcmp(e->filled[i].key, key) != 0) i++;
  if (i == LOOM_EDIT_FILLED) return;
  if (i == e->nfilled) e->nfilled++;

  snprintf(e->filled[i].key, sizeof e->filled[i].key, "%s", key);
  e->filled[i].line = line;
}

int loom_edit_task_fill(loomEdit* e, const char* text, int line, loomError* err) {
  int code = 0;
  for (size_t at = 0, end; !code && text[at]; at = end) {
    end = line_end(text, at);
    if (!blank(text + at)) {
      char key[LOOM_TWIN_NAME];
      size_t n = strcspn(text + at, ":\n");
      snprintf(key, sizeof key, "%.*s", (int)n, text + at);
      end = block_end(text, at);

      loomText block = {0};
      loom_text_add(&block, text + at, end - at);
      code = block.failed ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a task")
                          : fill_key(e, key, block.s, err);
      loom_text_destroy(&block);
      note_filled(e, key, line);
    }
    for (size_t i = at; i < end; i++) line += text[i] == '\n';
  }

  return code;
}

int loom_edit_task_source(const loomEdit* e, int line) {
  for (int i = 0; i < e->nfilled; i++) {
    long at = find_key(e->task, 0, strlen(e->task), e->filled[i].key, 0);
    if (at < 0) continue;

    int first = 1, lines = 0;
    size_t end = block_end(e->task, (size_t)at);
    for (size_t c = 0; c < (size_t)at; c++) first += e->task[c] == '\n';
    for (size_t c = (size_t)at; c < end; c++) lines += e->task[c] == '\n';
    if (line >= first && line < first + lines) return e->filled[i].line + line - first;
  }

  return 0;
}
