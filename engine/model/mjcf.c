#include "engine/model/mjcf.h"

#include <libxml/parser.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- reading

static pthread_once_t parser_ready = PTHREAD_ONCE_INIT;

// A document type is where entities are declared, so it is where their expansion is stopped.
static void refuse_document_type(void* context, const xmlChar* name, const xmlChar* public_id,
                                 const xmlChar* system_id) {
  (void)name, (void)public_id, (void)system_id;

  // Nothing else uses the parser's private pointer: set, it tells why parsing ended.
  xmlParserCtxt* parser = context;
  parser->_private = parser;
  xmlStopParser(parser);
}

static int parse_error(xmlParserCtxt* parser, const char* label, loomError* err) {
  if (parser->_private) {
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: a document type (<!DOCTYPE>) has no place in MJCF; remove it", label);
  }

  const xmlError* why = xmlCtxtGetLastError(parser);
  if (!why || !why->message) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not XML", label);
  if (why->code == XML_ERR_NO_MEMORY) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  // The first line of libxml2's own words.
  int length = (int)strcspn(why->message, "\r\n");
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: not well-formed XML: %.*s", label, why->line,
                        length < 300 ? length : 300, why->message);
}

static int read_document(xmlDoc** out, xmlParserCtxt* parser, const char* xml, size_t size, const char* label,
                         loomError* err) {
  // No network, nothing on stderr, no texts shared between documents; lines above 65,535 keep their numbers.
  parser->sax->internalSubset = refuse_document_type;
  int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NODICT |
                XML_PARSE_BIG_LINES | XML_PARSE_NOXINCNODE | XML_PARSE_NOCDATA;

  xmlDoc* doc = xmlCtxtReadMemory(parser, xml, (int)size, NULL, "UTF-8", options);
  if (!doc || parser->_private || !parser->wellFormed) {
    int code = parse_error(parser, label, err);
    xmlFreeDoc(doc);
    return code;
  }

  *out = doc;
  return LOOM_OK;
}

int loom_mjcf_parse(xmlDoc** out, const char* xml, int64_t max_bytes, const char* label, loomError* err) {
  int code = loom_mjcf_parse_part(out, xml, max_bytes, label, err);
  if (code) return code;

  const xmlNode* root = xmlDocGetRootElement(*out);
  if (loom_mjcf_is(root, "mujoco")) return LOOM_OK;

  code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: not MJCF: the outermost element is <%.40s>, not <mujoco>",
                        label, root ? (const char*)root->name : "");
  xmlFreeDoc(*out);
  *out = NULL;
  return code;
}

int loom_mjcf_parse_part(xmlDoc** out, const char* xml, int64_t max_bytes, const char* label,
                         loomError* err) {
  *out = NULL;
  pthread_once(&parser_ready, xmlInitParser);

  size_t size = strlen(xml);
  if (size > INT_MAX || (int64_t)size > max_bytes) {
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: the model's XML is %zu bytes long, more than the %lld allowed", label, size,
                          (long long)max_bytes);
  }
  if (size == 0) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the model's XML is empty", label);

  xmlParserCtxt* parser = xmlNewParserCtxt();
  if (!parser) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  int code = read_document(out, parser, xml, size, label, err);
  xmlFreeParserCtxt(parser);
  return code;
}

// ---- the tree

bool loom_mjcf_is(const xmlNode* node, const char* name) {
  return node && node->type == XML_ELEMENT_NODE && strcmp((const char*)node->name, name) == 0;
}

static xmlNode* element_from(xmlNode* node, const char* name) {
  for (; node; node = node->next) {
    if (node->type == XML_ELEMENT_NODE && (!name || loom_mjcf_is(node, name))) return node;
  }

  return NULL;
}

xmlNode* loom_mjcf_child(const xmlNode* node, const char* name) {
  return node ? element_from(node->children, name) : NULL;
}

xmlNode* loom_mjcf_sibling(const xmlNode* node, const char* name) {
  return element_from(node->next, name);
}

xmlNode* loom_mjcf_walk(const xmlNode* top, xmlNode* node) {
  xmlNode* next = loom_mjcf_child(node, NULL);

  // Without a child, the next sibling of the nearest that has one, but never beyond top.
  while (!next && node != top) {
    next = loom_mjcf_sibling(node, NULL);
    node = node->parent;
  }

  return next;
}

char* loom_mjcf_get(const xmlNode* node, const char* attribute) {
  return (char*)xmlGetNoNsProp(node, (const xmlChar*)attribute);
}

bool loom_mjcf_has(const xmlNode* node, const char* attribute, const char* value) {
  char* have = loom_mjcf_get(node, attribute);
  bool same = have && strcmp(have, value) == 0;
  xmlFree(have);

  return same;
}

int loom_mjcf_set(xmlNode* node, const char* attribute, const char* value) {
  return xmlSetProp(node, (const xmlChar*)attribute, (const xmlChar*)value) ? LOOM_OK : LOOM_ERR_MEMORY;
}

int loom_mjcf_set_numbers(xmlNode* node, const char* attribute, const double* value, int n) {
  char text[512];
  size_t used = 0;

  // 17 digits read back as the same double.
  for (int i = 0; i < n && used < sizeof text; i++) {
    used += (size_t)snprintf(text + used, sizeof text - used, i ? " %.17g" : "%.17g", value[i]);
  }

  return loom_mjcf_set(node, attribute, text);
}

void loom_mjcf_unset(xmlNode* node, const char* attribute) {
  xmlUnsetProp(node, (const xmlChar*)attribute);
}

// ---- writing

typedef struct mjcfWriter {
  loomText* out;
  loomMjcfMark* mark;
  long line;
} mjcfWriter;

static const char* escape_of(char c) {
  // What would end the value, or be read back as a space.
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\n':
      return "&#10;";
    case '\r':
      return "&#13;";
    case '\t':
      return "&#9;";
    default:
      return NULL;
  }
}

static void put_value(loomText* out, const char* value) {
  const char* begin = value;

  // What lies between two characters to escape goes out in one piece.
  for (const char* c = value; *c; c++) {
    const char* escape = escape_of(*c);
    if (!escape) continue;
    loom_text_add(out, begin, (size_t)(c - begin));
    loom_text_puts(out, escape);
    begin = c + 1;
  }

  loom_text_puts(out, begin);
}

static void put_attributes(loomText* out, const xmlNode* node) {
  for (const xmlAttr* attribute = node->properties; attribute; attribute = attribute->next) {
    loom_text_puts(out, " ");
    loom_text_puts(out, (const char*)attribute->name);
    loom_text_puts(out, "=\"");

    // NULL is an empty value, or no memory where there is text.
    xmlChar* value = xmlNodeListGetString(node->doc, attribute->children, 1);
    if (value) put_value(out, (const char*)value);
    if (!value && attribute->children) out->failed = true;
    xmlFree(value);

    loom_text_puts(out, "\"");
  }
}

static void put_element(mjcfWriter* writer, const xmlNode* node, int depth) {
  long line = xmlGetLineNo(node);

  // Lines are filled up to its own; what stood on one line stays on one.
  if (writer->line < line) {
    for (; writer->line < line; writer->line++) loom_text_puts(writer->out, "\n");
    for (int i = 0; i < depth; i++) loom_text_puts(writer->out, "  ");
  }

  bool marked = writer->mark && writer->mark->node == node;
  if (marked) writer->mark->begin = writer->out->n;

  loom_text_puts(writer->out, "<");
  loom_text_puts(writer->out, (const char*)node->name);
  put_attributes(writer->out, node);

  const xmlNode* child = loom_mjcf_child(node, NULL);
  loom_text_puts(writer->out, child ? ">" : "/>");
  for (; child; child = loom_mjcf_sibling(child, NULL)) put_element(writer, child, depth + 1);
  if (loom_mjcf_child(node, NULL)) {
    loom_text_puts(writer->out, "</");
    loom_text_puts(writer->out, (const char*)node->name);
    loom_text_puts(writer->out, ">");
  }

  if (marked) writer->mark->end = writer->out->n;
}

void loom_mjcf_write(loomText* out, const xmlNode* node, loomMjcfMark* mark) {
  mjcfWriter writer = {.out = out, .mark = mark, .line = xmlGetLineNo(node)};

  // Indented as deep as it lies in its document.
  int depth = 0;
  for (const xmlNode* up = node->parent; up && up->type == XML_ELEMENT_NODE; up = up->parent) depth++;

  put_element(&writer, node, depth);
}

void loom_mjcf_write_document(loomText* out, const xmlDoc* doc, loomMjcfMark* mark) {
  mjcfWriter writer = {.out = out, .mark = mark, .line = 1};

  put_element(&writer, xmlDocGetRootElement(doc), 0);
  loom_text_puts(out, "\n");
}

// ---- what MJCF means

static const char* const file_attributes[] = {"file",     "fileright", "fileleft", "fileup",
                                              "filedown", "filefront", "fileback"};

loomMjcfDir loom_mjcf_file_kind(const xmlNode* node, const char* attribute) {
  bool file = false;
  for (size_t i = 0; i < sizeof file_attributes / sizeof *file_attributes; i++) {
    file = file || strcmp(attribute, file_attributes[i]) == 0;
  }

  if (!file) return LOOM_MJCF_NO_FILE;
  return loom_mjcf_is(node, "texture") ? LOOM_MJCF_TEXTURE_DIR : LOOM_MJCF_MESH_DIR;
}

static void take_dir(char** dir, const xmlNode* node, const char* attribute) {
  char* value = loom_mjcf_get(node, attribute);
  if (!value) return;

  xmlFree(*dir);
  *dir = value;
}

void loom_mjcf_dirs(char** mesh_dir, char** texture_dir, const xmlDoc* doc) {
  *mesh_dir = *texture_dir = NULL;

  // Several <compiler> elements count as one, the last value given wins, and assetdir yields to the others.
  const xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = loom_mjcf_child(root, "compiler"); node; node = loom_mjcf_sibling(node, "compiler")) {
    take_dir(mesh_dir, node, "assetdir");
    take_dir(texture_dir, node, "assetdir");
    take_dir(mesh_dir, node, "meshdir");
    take_dir(texture_dir, node, "texturedir");
  }
}
