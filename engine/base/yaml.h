// YAML as a tree of nodes that know their lines (libyaml); readers that report FILE:LINE and key. Internal.
#ifndef LOOM_ENGINE_BASE_YAML_H
#define LOOM_ENGINE_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum {
  LOOM_YAML_MAX = 1 << 20,    // bytes of a document
  LOOM_YAML_BELOW = 1 << 24,  // from here on nodes and places of a document below are numbered
};

typedef struct loomYaml loomYaml;  // a document

/// Parse text (n bytes, named label in messages). LOOM_ERR_FORMAT: malformed, over 1 MB, nested deeper than
/// 64, anchors and aliases, %TAG, more than 400,000 tokens, a key given twice. Its time grows with n only.
int loom_yaml_parse(loomYaml** out, const char* text, size_t n, const char* label, loomError* err);
/// The same of a file; *digest (nullable) is the loom_hash of its text. Also the errors of loom_read_text.
int loom_yaml_load(loomYaml** out, uint64_t* digest, const char* path, loomError* err);
void loom_yaml_destroy(loomYaml* yaml);
/// From now on the root has the keys of another document's root too, where it lacks them; it takes that over.
/// Neither may have one below it already. What counts or lists keys of the root finds its own only.
void loom_yaml_lay_over(loomYaml* yaml, loomYaml* below);

/// A node of the document; 0 = none.
typedef int loomNode;

loomNode loom_yaml_root(const loomYaml* y);
bool loom_yaml_is_map(const loomYaml* y, loomNode node);
bool loom_yaml_is_list(const loomYaml* y, loomNode node);
bool loom_yaml_is_scalar(const loomYaml* y, loomNode node);
int loom_yaml_line(const loomYaml* y, loomNode node);
/// The same, and LOOM_YAML_BELOW more where the node is of the document below.
int loom_yaml_place(const loomYaml* y, loomNode node);
/// Is the node the document's below?
bool loom_yaml_is_below(const loomYaml* y, loomNode node);
/// Value of a key, or 0.
loomNode loom_yaml_get(const loomYaml* y, loomNode map, const char* key);
int loom_yaml_count(const loomYaml* y, loomNode node);              // entries of a list or map
loomNode loom_yaml_item(const loomYaml* y, loomNode node, int i);   // i-th item of a list, or value of a map
const char* loom_yaml_key(const loomYaml* y, loomNode map, int i);  // i-th key of a map
const char* loom_yaml_text(const loomYaml* y, loomNode node);       // a scalar's text, else NULL

/// "LABEL:LINE: key 'KEY': ..." into err; returns LOOM_ERR_FORMAT.
int loom_yaml_error(const loomYaml* y, loomNode node, const char* key, loomError* err, const char* format,
                    ...) LOOM_PRINTF(5, 6);

/// Every key of the map must be in the NULL-terminated list; the nearest known one is suggested.
int loom_yaml_only(const loomYaml* y, loomNode map, const char* const* known, loomError* err);

/// The one way a text of the document gets into a buffer of n bytes: whole, or not at all, and then with an
/// error at `node` that names the key and how long it may be. The text may be made from the document's.
int loom_yaml_copy(char* out, size_t n, const char* text, const loomYaml* y, loomNode node, const char* key,
                   loomError* err);

// Readers of `map[key]`. When the key is absent they leave *out and return 0, or fail when `required`.
int loom_yaml_read_text(char* out, size_t n, const loomYaml* y, loomNode map, const char* key, bool required,
                        loomError* err);
int loom_yaml_read_number(double* out, const loomYaml* y, loomNode map, const char* key, bool required,
                          loomError* err);
int loom_yaml_read_int(int* out, const loomYaml* y, loomNode map, const char* key, int low, int high,
                       bool required, loomError* err);
int loom_yaml_read_bool(bool* out, const loomYaml* y, loomNode map, const char* key, loomError* err);
/// A list of exactly n numbers, or (with *count) of up to n.
int loom_yaml_read_numbers(double* out, int n, int* count, const loomYaml* y, loomNode map, const char* key,
                           bool required, loomError* err);
/// A list of up to n texts of `size` bytes each.
int loom_yaml_read_texts(char* out, size_t size, int n, int* count, const loomYaml* y, loomNode map,
                         const char* key, bool required, loomError* err);
/// A node that is a number, or an expression without variables ("pi/4").
int loom_yaml_number(double* out, const loomYaml* y, loomNode node, const char* key, loomError* err);

#endif
