// MJCF as a tree: reading it safely and writing it back. The only header that shows libxml2. Internal.
#ifndef LOOM_ENGINE_MODEL_MJCF_H
#define LOOM_ENGINE_MODEL_MJCF_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/text.h"

/// Parse MJCF text: well-formed, UTF-8, root element <mujoco>, at most max_bytes, no document type (hence no
/// entities), no network. Errors are "LABEL:LINE: ..." of LOOM_ERR_FORMAT, or LOOM_ERR_MEMORY. *out is freed
/// with xmlFreeDoc.
int loom_mjcf_parse(xmlDoc** out, const char* xml, int64_t max_bytes, const char* label, loomError* err);

/// The same of a file that a model includes, whose outermost element may be any.
int loom_mjcf_parse_part(xmlDoc** out, const char* xml, int64_t max_bytes, const char* label, loomError* err);

/// Bytes of a written text that one element takes up.
typedef struct loomMjcfMark {
  const xmlNode* node;
  size_t begin, end;
} loomMjcfMark;

/// Write node and what is below it. Elements stay on the lines they were read from, counted from node's own,
/// so that line numbers in MuJoCo's messages hold; comments, text and namespaces are left out. mark (may be
/// NULL) is told where its node came to lie.
void loom_mjcf_write(loomText* out, const xmlNode* node, loomMjcfMark* mark);

/// Same for the whole document: the root stands on the line it was read from.
void loom_mjcf_write_document(loomText* out, const xmlDoc* doc, loomMjcfMark* mark);

/// First child element, next sibling element (of any name when name is NULL); next element below top in
/// document order. NULL when there is none.
xmlNode* loom_mjcf_child(const xmlNode* node, const char* name);
xmlNode* loom_mjcf_sibling(const xmlNode* node, const char* name);
xmlNode* loom_mjcf_walk(const xmlNode* top, xmlNode* node);

bool loom_mjcf_is(const xmlNode* node, const char* name);

/// An attribute's value, malloc'ed (free with xmlFree); NULL when absent or out of memory.
char* loom_mjcf_get(const xmlNode* node, const char* attribute);

/// Whether the attribute is there and has this value.
bool loom_mjcf_has(const xmlNode* node, const char* attribute, const char* value);

/// Set or replace an attribute. Returns 0 or LOOM_ERR_MEMORY.
int loom_mjcf_set(xmlNode* node, const char* attribute, const char* value);

/// Set an attribute to n numbers, each printed so that it reads back as the same double.
int loom_mjcf_set_numbers(xmlNode* node, const char* attribute, const double* value, int n);

void loom_mjcf_unset(xmlNode* node, const char* attribute);

/// Whether this attribute of this element names a file, and in which kind of folder it is looked up.
typedef enum loomMjcfDir { LOOM_MJCF_NO_FILE, LOOM_MJCF_MESH_DIR, LOOM_MJCF_TEXTURE_DIR } loomMjcfDir;
loomMjcfDir loom_mjcf_file_kind(const xmlNode* node, const char* attribute);

/// The compiler's meshdir and texturedir (assetdir when they are absent), or NULL; free them with xmlFree.
void loom_mjcf_dirs(char** mesh_dir, char** texture_dir, const xmlDoc* doc);

/// Refuse what a model from outside may not do: plugins, includes, attached model files, numbers that would
/// make MuJoCo allocate without bound. Errors: LOOM_ERR_UNSUPPORTED.
int loom_mjcf_check(const xmlDoc* doc, const char* label, loomError* err);

#endif
