#include "engine/model/mjcf.h"

#include <libxml/parser.h>
#include <limits.h>
#include <math.h>
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

  const xmlNode* root = xmlDocGetRootElement(doc);
  if (!loom_mjcf_is(root, "mujoco")) {
    int code =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: not MJCF: the outermost element is <%.40s>, not <mujoco>",
                       label, root ? (const char*)root->name : "");
    xmlFreeDoc(doc);
    return code;
  }

  *out = doc;
  return LOOM_OK;
}

int loom_mjcf_parse(xmlDoc** out, const char* xml, int64_t max_bytes, const char* label, loomError* err) {
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

typedef struct refusedElement {
  const char* element;
  const char* why;
} refusedElement;

static const refusedElement refused[] = {
    {"plugin", "plugins run code of their own and are not loaded"},
    {"include", "included files are not read; put their content into the model"},
    {"model", "model files are not read; put their content into the model"},
    {"attach", "attached models are not read; put their content into the model"},
};

// Numbers that size MuJoCo's allocations: far above any real scene, far below a machine's memory.
typedef struct numberLimit {
  const char* element;
  const char* attribute;
  double most;
} numberLimit;

static const numberLimit limits[] = {
    {"replicate", "count", 10000},
    {"composite", "count", 10000},
    {"flexcomp", "count", 1000},
    {"texture", "width", 16384},
    {"texture", "height", 6 * 16384},
    {"size", "nuserdata", 1e6},
    {"size", "nuser_body", 1000},
    {"size", "nuser_jnt", 1000},
    {"size", "nuser_geom", 1000},
    {"size", "nuser_site", 1000},
    {"size", "nuser_cam", 1000},
    {"size", "nuser_tendon", 1000},
    {"size", "nkey", 10000},
    {"size", "nuser_actuator", 1000},
    {"size", "nuser_sensor", 1000},
    {"size", "nstack", 6e7},
    {"hfield", "nrow", 10000},
    {"hfield", "ncol", 10000},
    {"size", "njmax", 2e5},
    {"size", "nconmax", 1e5},
    {"size", "nemax", 2e5},
    {"numeric", "size", 1e6},
    {"global", "offwidth", 16384},
    {"global", "offheight", 16384},
    {"mesh", "params", 10000},
    {"quality", "shadowsize", 16384},
    {"mesh", "maxhullvert", 1e7},
    {"option", "iterations", 1e4},
    {"option", "ls_iterations", 1e4},
    {"option", "noslip_iterations", 1e4},
    {"option", "ccd_iterations", 1e4},
    {"option", "mpr_iterations", 1e4},
    {"option", "sdf_iterations", 1e4},
    {"option", "sdf_initpoints", 1e4},
};

// Of several numbers (count="10 10 10") the product is allocated. 1 where there is none.
static double product_of(const xmlNode* node, const char* attribute) {
  char* text = loom_mjcf_get(node, attribute);
  double product = 1;
  char* end = NULL;

  for (const char* from = text; from && *from; from = end) {
    double value = strtod(from, &end);
    if (end == from) break;
    product *= fmax(fabs(value), 1);
  }

  xmlFree(text);
  return product;
}

static int check_numbers(const xmlNode* node, const numberLimit* limit, const char* label, loomError* err) {
  double product = product_of(node, limit->attribute);
  if (product <= limit->most) return LOOM_OK;

  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s:%ld: %s of <%s> is %g, more than the %g allowed",
                        label, xmlGetLineNo(node), limit->attribute, limit->element, product, limit->most);
}

// "memory" takes a number with a suffix: 64K, 16M, 1G.
static int check_memory(const xmlNode* node, const char* label, loomError* err) {
  char* text = loom_mjcf_is(node, "size") ? loom_mjcf_get(node, "memory") : NULL;
  if (!text) return LOOM_OK;

  char* end = text;
  double bytes = strtod(text, &end);

  // Each suffix is 1,024 times the one before it.
  const char* suffixes = "KMGTPE";
  for (const char* s = suffixes; *s && end && *end; s++) {
    bytes *= 1024;
    if ((*end & ~0x20) == *s) break;
  }

  xmlFree(text);
  const double most = 1.0 * 1024 * 1024 * 1024;
  if (bytes <= most) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s:%ld: memory of <size> is more than the 1G allowed",
                        label, xmlGetLineNo(node));
}

// What all elements together ask for: each may be modest where the sum is not.
enum { TOTAL_ELEMENTS, TOTAL_COPIES, TOTAL_HEIGHTS, TOTAL_NUMBERS, TOTAL_PIXELS, TOTALS };

static const struct {
  const char* what;
  double most;
} totals[TOTALS] = {
    {"elements", 3e5},
    {"elements made by <replicate>, <composite> and <flexcomp>", 2e4},
    {"heights of <hfield>", 2.5e7},
    {"numbers of <numeric>", 1e6},
    {"pixels of <texture>", 6.8e7},
};

// How often the element is there: once for each copy of every <replicate> around it.
static double copies_of(const xmlNode* node) {
  double copies = 1;
  for (const xmlNode* up = node->parent; up && up->type == XML_ELEMENT_NODE; up = up->parent) {
    if (loom_mjcf_is(up, "replicate")) copies *= product_of(up, "count");
  }

  return copies;
}

static double pixels_of(const xmlNode* node) {
  double width = product_of(node, "width"), height = product_of(node, "height");
  return loom_mjcf_has(node, "type", "2d") ? width * height : 6 * width * fmax(width, height / 6);
}

static int add_to_totals(double total[TOTALS], const xmlNode* node, const char* label, loomError* err) {
  double copies = copies_of(node);

  total[TOTAL_ELEMENTS] += 1;
  if (copies > 1) total[TOTAL_COPIES] += copies;
  if (loom_mjcf_is(node, "composite") || loom_mjcf_is(node, "flexcomp"))
    total[TOTAL_COPIES] += copies * product_of(node, "count");
  if (loom_mjcf_is(node, "hfield"))
    total[TOTAL_HEIGHTS] += product_of(node, "nrow") * product_of(node, "ncol");
  if (loom_mjcf_is(node, "numeric")) total[TOTAL_NUMBERS] += product_of(node, "size");
  if (loom_mjcf_is(node, "texture")) total[TOTAL_PIXELS] += pixels_of(node);

  // The element that goes beyond one is named.
  for (int i = 0; i < TOTALS; i++) {
    if (total[i] <= totals[i].most) continue;
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s:%ld: <%.40s>: more than the %g %s allowed in a model", label,
                          xmlGetLineNo(node), (const char*)node->name, totals[i].most, totals[i].what);
  }

  return LOOM_OK;
}

// An attribute in a namespace is not the one that limits look at, but its name alone is what MuJoCo would be
// given.
static int refuse_namespaces(const xmlNode* node, const char* label, loomError* err) {
  for (const xmlAttr* attribute = node->properties; attribute; attribute = attribute->next) {
    if (!attribute->ns) continue;
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s:%ld: attribute %.40s of <%.40s> is in a namespace, which MJCF has not; refused",
                          label, xmlGetLineNo(node), (const char*)attribute->name, (const char*)node->name);
  }

  return LOOM_OK;
}

int loom_mjcf_check(const xmlDoc* doc, const char* label, loomError* err) {
  double total[TOTALS] = {0};
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) {
    int code = refuse_namespaces(node, label, err);
    if (!code) code = add_to_totals(total, node, label, err);
    if (code) return code;

    // Elements that run code or read files.
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
      if (!loom_mjcf_is(node, refused[i].element)) continue;
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s:%ld: <%s> is refused: %s", label,
                            xmlGetLineNo(node), refused[i].element, refused[i].why);
    }

    // Numbers that size allocations.
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
      if (!loom_mjcf_is(node, limits[i].element)) continue;
      code = check_numbers(node, &limits[i], label, err);
      if (code) return code;
    }

    code = check_memory(node, label, err);
    if (code) return code;
  }
  return LOOM_OK;
}
