#include "engine/base/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "engine/base/expr.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"

enum { max_depth = 64 };

// Entries of all lists and maps together, keys and values: far above what a megabyte of settings holds.
static const size_t max_tokens = 400000;

struct loomYaml {
  yaml_document_t document;
  char label[LOOM_PATH_MAX];
  loomYaml* below;  // whose keys the root has too, where it lacks them; NULL = none
};

static const loomYaml* owner(const loomYaml* y, loomNode node) {
  return loom_yaml_is_below(y, node) ? y->below : y;
}

static yaml_node_t* node_at(const loomYaml* y, loomNode node) {
  const loomYaml* of = owner(y, node);
  if (of != y) node -= LOOM_YAML_BELOW;
  return node > 0 ? yaml_document_get_node((yaml_document_t*)&of->document, node) : NULL;
}

// ---- the text before it becomes a tree

// What libyaml would take a time or a memory for that grows with the square of the text: levels, anchors and
// directives, each of which it compares with all the others. Tokens come one by one, so nothing is built yet.
static const char* refused_token(const yaml_token_t* token, int* depth) {
  switch (token->type) {
    case YAML_BLOCK_SEQUENCE_START_TOKEN:
    case YAML_BLOCK_MAPPING_START_TOKEN:
    case YAML_FLOW_SEQUENCE_START_TOKEN:
    case YAML_FLOW_MAPPING_START_TOKEN:
      return ++*depth > max_depth ? "nested too deeply" : NULL;
    case YAML_BLOCK_END_TOKEN:
    case YAML_FLOW_SEQUENCE_END_TOKEN:
    case YAML_FLOW_MAPPING_END_TOKEN:
      --*depth;
      return NULL;
    case YAML_ANCHOR_TOKEN:
    case YAML_ALIAS_TOKEN:
      return "anchors (&name) and aliases (*name) are not supported";
    case YAML_TAG_DIRECTIVE_TOKEN:
      return "%TAG is not supported";
    default:
      return NULL;
  }
}

static int not_yaml(const yaml_parser_t* parser, const char* label, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%zu: not YAML: %s", label, parser->problem_mark.line + 1,
                        parser->problem ? parser->problem : "cannot be read");
}

static int scan_tokens(yaml_parser_t* parser, const char* label, loomError* err) {
  int depth = 0;
  for (size_t n = 0;; n++) {
    yaml_token_t token;
    if (!yaml_parser_scan(parser, &token)) return not_yaml(parser, label, err);

    // Of the token only its kind and line are wanted.
    const char* why = n > max_tokens ? "too many entries" : refused_token(&token, &depth);
    size_t line = token.start_mark.line + 1;
    bool end = token.type == YAML_STREAM_END_TOKEN || token.type == YAML_NO_TOKEN;
    yaml_token_delete(&token);

    if (why) return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%zu: %s", label, line, why);
    if (end) return 0;
  }
}

static int make_parser(yaml_parser_t* parser, const char* text, size_t n, const char* label, loomError* err) {
  if (!yaml_parser_initialize(parser))
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  yaml_parser_set_input_string(parser, (const unsigned char*)text, n);
  return 0;
}

static int check_text(const char* text, size_t n, const char* label, loomError* err) {
  yaml_parser_t parser;

  // What no task file is: huge, or binary.
  if (n > LOOM_YAML_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: larger than 1 MB, not a task file", label);
  if (memchr(text, 0, n)) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: binary data, not YAML", label);

  int code = make_parser(&parser, text, n, label, err);
  if (code) return code;
  code = scan_tokens(&parser, label, err);
  yaml_parser_delete(&parser);
  return code;
}

// ---- parsing

static int check_tree(const loomYaml* y, loomNode node, int depth, loomError* err);

typedef struct mapKey {
  const char* text;
  int node;
} mapKey;

static int by_text(const void* a, const void* b) {
  const mapKey *x = a, *z = b;
  int order = strcmp(x->text, z->text);
  return order ? order : x->node - z->node;  // nodes are numbered as they stand in the document
}

// All keys are plain text, none given twice. Sorted, since a stranger's map may have a hundred thousand.
static int check_keys(const loomYaml* y, const yaml_node_t* map, loomError* err) {
  size_t n = 0;
  mapKey* keys =
      malloc(((size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start) + 1) * sizeof *keys);
  if (!keys) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", y->label);

  int code = 0;
  for (yaml_node_pair_t* p = map->data.mapping.pairs.start; !code && p < map->data.mapping.pairs.top; p++) {
    keys[n] = (mapKey){loom_yaml_text(y, p->key), p->key};
    if (!keys[n++].text) code = loom_yaml_error(y, p->key, "", err, "a key must be plain text");
  }

  // The earliest of those that repeat one is told.
  const mapKey* twice = NULL;
  if (!code) qsort(keys, n, sizeof *keys, by_text);
  for (size_t i = 1; !code && i < n; i++) {
    if (!strcmp(keys[i - 1].text, keys[i].text) && (!twice || keys[i].node < twice->node)) twice = &keys[i];
  }

  if (twice) code = loom_yaml_error(y, twice->node, twice->text, err, "given twice");
  free(keys);
  return code;
}

static int check_map(const loomYaml* y, const yaml_node_t* n, int depth, loomError* err) {
  int code = check_keys(y, n, err);

  for (yaml_node_pair_t* p = n->data.mapping.pairs.start; !code && p < n->data.mapping.pairs.top; p++)
    code = check_tree(y, p->value, depth + 1, err);
  return code;
}

static int check_tree(const loomYaml* y, loomNode node, int depth, loomError* err) {
  const yaml_node_t* n = node_at(y, node);
  if (!n) return 0;
  if (depth > max_depth) return loom_yaml_error(y, node, "", err, "nested too deeply");

  // A map checks its keys too; of a list only what is below its items.
  if (n->type == YAML_MAPPING_NODE) return check_map(y, n, depth, err);
  if (n->type != YAML_SEQUENCE_NODE) return 0;

  for (yaml_node_item_t* i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++) {
    int code = check_tree(y, *i, depth + 1, err);
    if (code) return code;
  }

  return 0;
}

int loom_yaml_parse(loomYaml** out, const char* text, size_t n, const char* label, loomError* err) {
  yaml_parser_t parser;
  *out = NULL;
  int code = check_text(text, n, label, err);
  if (code) return code;

  loomYaml* y = calloc(1, sizeof *y);
  if (!y) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  snprintf(y->label, sizeof y->label, "%s", label);
  code = make_parser(&parser, text, n, label, err);
  if (code) {
    free(y);
    return code;
  }

  // libyaml knows the line at which the syntax is wrong.
  if (!yaml_parser_load(&parser, &y->document)) {
    code = not_yaml(&parser, label, err);
    yaml_parser_delete(&parser);
    free(y);
    return code;
  }
  yaml_parser_delete(&parser);

  // Beyond syntax: no key is given twice. Without aliases each node is met once.
  bool empty = y->document.nodes.top == y->document.nodes.start;
  code = empty ? loom_error_set(err, LOOM_ERR_FORMAT, "%s: empty", label) : check_tree(y, 1, 0, err);

  if (code) {
    loom_yaml_destroy(y);
    return code;
  }

  *out = y;
  return 0;
}

int loom_yaml_load(loomYaml** out, uint64_t* digest, const char* path, loomError* err) {
  char* text;
  size_t n = 0;
  *out = NULL;

  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code && digest) *digest = loom_hash(LOOM_HASH_SEED, text, n);
  if (!code) code = loom_yaml_parse(out, text, n, path, err);

  free(text);
  return code;
}

void loom_yaml_destroy(loomYaml* y) {
  if (!y) return;
  loom_yaml_destroy(y->below);
  yaml_document_delete(&y->document);
  free(y);
}

void loom_yaml_lay_over(loomYaml* y, loomYaml* below) {
  y->below = below;
}

// ---- nodes

bool loom_yaml_is_below(const loomYaml* y, loomNode node) {
  return y->below && node > LOOM_YAML_BELOW;
}

loomNode loom_yaml_root(const loomYaml* y) {
  (void)y;
  return 1;
}

static bool is_type(const loomYaml* y, loomNode node, yaml_node_type_t type) {
  const yaml_node_t* n = node_at(y, node);
  return n && n->type == type;
}

bool loom_yaml_is_map(const loomYaml* y, loomNode node) {
  return is_type(y, node, YAML_MAPPING_NODE);
}
bool loom_yaml_is_list(const loomYaml* y, loomNode node) {
  return is_type(y, node, YAML_SEQUENCE_NODE);
}
bool loom_yaml_is_scalar(const loomYaml* y, loomNode node) {
  return is_type(y, node, YAML_SCALAR_NODE);
}

int loom_yaml_line(const loomYaml* y, loomNode node) {
  const yaml_node_t* n = node_at(y, node);
  return n ? (int)n->start_mark.line + 1 : 0;
}

int loom_yaml_place(const loomYaml* y, loomNode node) {
  return loom_yaml_line(y, node) + (loom_yaml_is_below(y, node) ? LOOM_YAML_BELOW : 0);
}

const char* loom_yaml_text(const loomYaml* y, loomNode node) {
  return loom_yaml_is_scalar(y, node) ? (const char*)node_at(y, node)->data.scalar.value : NULL;
}

int loom_yaml_count(const loomYaml* y, loomNode node) {
  const yaml_node_t* n = node_at(y, node);
  if (n && n->type == YAML_SEQUENCE_NODE)

    return (int)(n->data.sequence.items.top - n->data.sequence.items.start);
  if (n && n->type == YAML_MAPPING_NODE)
    return (int)(n->data.mapping.pairs.top - n->data.mapping.pairs.start);
  return 0;
}

loomNode loom_yaml_item(const loomYaml* y, loomNode node, int i) {
  if (i < 0 || i >= loom_yaml_count(y, node)) return 0;

  const yaml_node_t* n = node_at(y, node);
  loomNode item =
      n->type == YAML_SEQUENCE_NODE ? n->data.sequence.items.start[i] : n->data.mapping.pairs.start[i].value;
  return loom_yaml_is_below(y, node) ? item + LOOM_YAML_BELOW : item;
}

const char* loom_yaml_key(const loomYaml* y, loomNode map, int i) {
  if (!loom_yaml_is_map(y, map) || i < 0 || i >= loom_yaml_count(y, map)) return NULL;

  loomNode key = node_at(y, map)->data.mapping.pairs.start[i].key;
  return loom_yaml_text(y, loom_yaml_is_below(y, map) ? key + LOOM_YAML_BELOW : key);
}

loomNode loom_yaml_get(const loomYaml* y, loomNode map, const char* key) {
  if (!loom_yaml_is_map(y, map)) return 0;

  for (int i = 0; i < loom_yaml_count(y, map); i++) {
    if (!strcmp(loom_yaml_key(y, map, i), key)) return loom_yaml_item(y, map, i);
  }

  // What the root lacks the one below may have.
  if (map != loom_yaml_root(y) || !y->below) return 0;
  loomNode found = loom_yaml_get(y->below, loom_yaml_root(y->below), key);
  return found ? found + LOOM_YAML_BELOW : 0;
}

// ---- errors

int loom_yaml_error(const loomYaml* y, loomNode node, const char* key, loomError* err, const char* format,
                    ...) {
  const char* label = owner(y, node)->label;
  char text[512];

  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);

  if (key && *key) {
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key '%.100s': %s", label, loom_yaml_line(y, node),
                          key, text);
  }
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: %s", label, loom_yaml_line(y, node), text);
}

static int edit_distance(const char* a, const char* b) {
  int row[64], n = (int)strlen(b);

  // Levenshtein's distance, one row of the table at a time (Wagner and Fischer, JACM 1974).
  if (n > 60 || strlen(a) > 60) return 99;
  for (int j = 0; j <= n; j++) row[j] = j;

  for (int i = 1; a[i - 1]; i++) {
    int diagonal = row[0];
    row[0] = i;

    // The cheapest of replacing (or keeping), leaving out and putting in one letter.
    for (int j = 1; j <= n; j++) {
      int above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
      if (above + 1 < best) best = above + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      row[j] = best;
      diagonal = above;
    }
  }

  return row[n];
}

int loom_yaml_only(const loomYaml* y, loomNode map, const char* const* known, loomError* err) {
  if (!loom_yaml_is_map(y, map)) return loom_yaml_error(y, map, "", err, "expected keys and values");

  for (int i = 0; i < loom_yaml_count(y, map); i++) {
    const char *key = loom_yaml_key(y, map, i), *nearest = NULL;
    // A known name less than this many edits away is suggested.
    int best = 4;
    bool found = false;

    for (int k = 0; known[k]; k++) {
      int d = edit_distance(key, known[k]);
      found = found || d == 0;
      if (d < best) {
        best = d;
        nearest = known[k];
      }
    }

    if (found) continue;

    if (nearest)
      return loom_yaml_error(y, loom_yaml_item(y, map, i), key, err, "unknown; did you mean '%s'?", nearest);
    return loom_yaml_error(y, loom_yaml_item(y, map, i), key, err, "unknown");
  }
  return 0;
}

// ---- readers

int loom_yaml_copy(char* out, size_t n, const char* text, const loomYaml* y, loomNode node, const char* key,
                   loomError* err) {
  size_t length = strlen(text);
  if (length >= n)
    return loom_yaml_error(y, node, key, err, "'%.40s%s' is longer than %zu characters", text,
                           length > 40 ? "..." : "", n - 1);
  memcpy(out, text, length + 1);
  return 0;
}

static int key_absent(const loomYaml* y, loomNode map, const char* key, bool required, loomError* err) {
  return required ? loom_yaml_error(y, map, key, err, "missing") : 0;
}

int loom_yaml_read_text(char* out, size_t n, const loomYaml* y, loomNode map, const char* key, bool required,
                        loomError* err) {
  loomNode node = loom_yaml_get(y, map, key);
  if (!node) return key_absent(y, map, key, required, err);

  const char* text = loom_yaml_text(y, node);
  if (!text) return loom_yaml_error(y, node, key, err, "expected text");
  return loom_yaml_copy(out, n, text, y, node, key, err);
}

int loom_yaml_number(double* out, const loomYaml* y, loomNode node, const char* key, loomError* err) {
  const char* text = loom_yaml_text(y, node);
  loomError why = {0, ""};

  if (!text || !*text) return loom_yaml_error(y, node, key, err, "expected a number");

  // A constant: an expression without variables ("pi/4").
  if (loom_expr_eval(out, text, NULL, NULL, 0, &why)) {
    return loom_yaml_error(y, node, key, err, "expected a number, found '%.60s'", text);
  }
  return 0;
}

int loom_yaml_read_number(double* out, const loomYaml* y, loomNode map, const char* key, bool required,
                          loomError* err) {
  loomNode node = loom_yaml_get(y, map, key);
  return node ? loom_yaml_number(out, y, node, key, err) : key_absent(y, map, key, required, err);
}

int loom_yaml_read_int(int* out, const loomYaml* y, loomNode map, const char* key, int low, int high,
                       bool required, loomError* err) {
  double value = 0;
  loomNode node = loom_yaml_get(y, map, key);

  if (!node) return key_absent(y, map, key, required, err);
  int code = loom_yaml_number(&value, y, node, key, err);
  if (code) return code;

  if (value < low || value > high || value != (int)value) {
    return loom_yaml_error(y, node, key, err, "expected a whole number from %d to %d, found '%.60s'", low,
                           high, loom_yaml_text(y, node));
  }

  *out = (int)value;
  return 0;
}

int loom_yaml_read_bool(bool* out, const loomYaml* y, loomNode map, const char* key, loomError* err) {
  loomNode node = loom_yaml_get(y, map, key);
  const char* text = loom_yaml_text(y, node);

  if (!node) return 0;

  // These two words only: "yes" and "off" are texts.
  if (text && (!strcmp(text, "true") || !strcmp(text, "false"))) {
    *out = text[0] == 't';
    return 0;
  }
  return loom_yaml_error(y, node, key, err, "expected true or false");
}

static int read_list(loomNode* list, int n, int* count, const loomYaml* y, loomNode map, const char* key,
                     bool required, loomError* err) {
  *list = loom_yaml_get(y, map, key);
  if (!*list) return key_absent(y, map, key, required, err);

  int have = loom_yaml_count(y, *list);
  if (!loom_yaml_is_list(y, *list)) return loom_yaml_error(y, *list, key, err, "expected a list");

  // Exactly n of them, or up to n where the caller is told how many.
  if (!count && have != n)
    return loom_yaml_error(y, *list, key, err, "expected %d entries, found %d", n, have);
  if (have > n) return loom_yaml_error(y, *list, key, err, "at most %d entries, found %d", n, have);

  if (count) *count = have;
  return 0;
}

int loom_yaml_read_numbers(double* out, int n, int* count, const loomYaml* y, loomNode map, const char* key,
                           bool required, loomError* err) {
  loomNode list;
  int code = read_list(&list, n, count, y, map, key, required, err);

  for (int i = 0; !code && list && i < loom_yaml_count(y, list); i++) {
    code = loom_yaml_number(&out[i], y, loom_yaml_item(y, list, i), key, err);
  }
  return code;
}

int loom_yaml_read_texts(char* out, size_t size, int n, int* count, const loomYaml* y, loomNode map,
                         const char* key, bool required, loomError* err) {
  loomNode list;
  int code = read_list(&list, n, count, y, map, key, required, err);

  for (int i = 0; !code && list && i < loom_yaml_count(y, list); i++) {
    const char* text = loom_yaml_text(y, loom_yaml_item(y, list, i));
    if (!text) return loom_yaml_error(y, loom_yaml_item(y, list, i), key, err, "expected text");
    code = loom_yaml_copy(out + (size_t)i * size, size, text, y, loom_yaml_item(y, list, i), key, err);
  }
  return code;
}
