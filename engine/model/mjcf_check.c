// What a stranger's model may not ask for: code, other files, and more memory or time than a scene needs.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/mjcf.h"

// ---- refused by name

typedef struct refusedElement {
  const char* element;
  const char* why;
} refusedElement;

static const refusedElement refused[] = {
    {"plugin", "plugins run code of their own and are not loaded"},
    {"include", "files are included in the model of one's own task only; put their content into the model"},
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
    {"option", "iterations", 1000},
    {"option", "ls_iterations", 500},
    {"option", "noslip_iterations", 200},
    {"option", "ccd_iterations", 1000},
    {"option", "mpr_iterations", 1000},
    {"option", "sdf_iterations", 200},
    {"option", "sdf_initpoints", 1000},
    {"flexcomp", "cellcount", 1000},
    {"quality", "numslices", 1000},
    {"quality", "numstacks", 1000},
    {"quality", "numquads", 1000},
    {"quality", "offsamples", 64},
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

// ---- totals

// What all elements together ask for: each may be modest where the sum is not.
typedef enum mjcfTotal {
  TOTAL_ELEMENTS,
  TOTAL_COPIES,
  TOTAL_DOFS,
  TOTAL_HEIGHTS,
  TOTAL_NUMBERS,
  TOTAL_PIXELS,
  TOTAL_RAYS,
  TOTAL_VERTICES,
  TOTAL_STEPS,
  TOTAL_USER,
  TOTAL_KEYS,
  TOTALS
} mjcfTotal;

// MuJoCo's time for degrees of freedom grows with their square.
static const struct {
  const char* what;
  double most;
} totals[TOTALS] = {
    [TOTAL_ELEMENTS] = {"elements", 3e5},
    [TOTAL_COPIES] = {"elements made by <replicate>, <composite> and <flexcomp>", 2e4},
    [TOTAL_DOFS] = {"degrees of freedom", 6000},
    [TOTAL_HEIGHTS] = {"heights of <hfield>", 2.5e7},
    [TOTAL_NUMBERS] = {"numbers that size, dim, num, actdim and nsample ask for", 1e6},
    [TOTAL_PIXELS] = {"pixels of <texture>", 6.8e7},
    [TOTAL_RAYS] = {"pixels of cameras that a <rangefinder> looks through", 1e5},
    [TOTAL_VERTICES] = {"vertices of built-in meshes", 3e5},
    [TOTAL_STEPS] = {"physics steps to find ranges of lengths", 1e6},
    [TOTAL_USER] = {"numbers of user data", 2e7},
    [TOTAL_KEYS] = {"numbers of keyframes", 2e7},
};

/// The sums so far, and what some of them are made of.
typedef struct mjcfSums {
  double total[TOTALS];
  double user;                      // numbers of user data an element may have
  double keys, actuators, muscles;  // of keyframes, actuators and those that are muscles
  double resolution, rangefinders;  // pixels of the finest camera; rangefinders through cameras
  double steps;                     // that one actuator's range takes
  bool ranges_of_all;
} mjcfSums;

// How often the element is there: once for each copy of every <replicate> around it.
static double copies_of(const xmlNode* node) {
  double copies = 1;
  for (const xmlNode* up = node->parent; up && up->type == XML_ELEMENT_NODE; up = up->parent) {
    if (loom_mjcf_is(up, "replicate")) copies *= product_of(up, "count");
  }

  return copies;
}

// The first number of an attribute, or `otherwise`.
static double number_of(const xmlNode* node, const char* attribute, double otherwise) {
  char* text = loom_mjcf_get(node, attribute);
  double value = text ? strtod(text, NULL) : otherwise;
  xmlFree(text);
  return value;
}

static double pixels_of(const xmlNode* node) {
  double width = product_of(node, "width"), height = product_of(node, "height");
  return loom_mjcf_has(node, "type", "2d") ? width * height : 6 * width * fmax(width, height / 6);
}

// The first parameter is a subdivision of an icosahedron, of at most 4 levels, or a resolution along both
// directions.
static double vertices_of(const xmlNode* node) {
  char* builtin = loom_mjcf_get(node, "builtin");
  bool icosahedron = builtin && strstr(builtin, "sphere") && !loom_mjcf_has(node, "builtin", "supersphere");
  double resolution = fabs(number_of(node, "params", 0));
  double vertices = icosahedron ? 3000 : fmax(resolution * resolution, product_of(node, "params"));

  if (!builtin || !strcmp(builtin, "none")) vertices = 0;
  xmlFree(builtin);
  return vertices;
}

// Of a joint, or of what moves each point or node of a flex.
static double dofs_of(const xmlNode* node) {
  if (loom_mjcf_is(node, "freejoint") || (loom_mjcf_is(node, "joint") && loom_mjcf_has(node, "type", "free")))
    return 6;
  if (loom_mjcf_is(node, "joint")) return loom_mjcf_has(node, "type", "ball") ? 3 : 1;
  if (!loom_mjcf_is(node, "flexcomp")) return 0;

  // A cell has its own corners, and quadratic ones points between them.
  bool quadratic = loom_mjcf_has(node, "dof", "quadratic");
  double cells = (quadratic ? 27 : 8) * product_of(node, "cellcount");
  double points = loom_mjcf_has(node, "rigid", "true") ? 0 : product_of(node, "count");
  return 3 * fmax(points, cells > 8 || quadratic ? cells : 0);
}

static double numbers_of(const xmlNode* node) {
  double numbers = 0;
  if (loom_mjcf_is(node, "numeric")) numbers += product_of(node, "size");
  if (loom_mjcf_is(node, "user")) numbers += product_of(node, "dim");

  // Delayed actuators and sensors keep samples, each of as many numbers as there are.
  double found = loom_mjcf_is(node, "contact") ? 10 * product_of(node, "num") : 1;
  if (number_of(node, "nsample", 0) != 0) found *= product_of(node, "nsample");
  if (number_of(node, "actdim", 0) > 0) numbers += product_of(node, "actdim");
  return numbers + (found > 1 ? found : 0);
}

static void note_size(mjcfSums* sums, const xmlNode* node) {
  static const char* const user[] = {"nuser_body", "nuser_jnt",    "nuser_geom",     "nuser_site",
                                     "nuser_cam",  "nuser_tendon", "nuser_actuator", "nuser_sensor"};
  for (size_t i = 0; i < sizeof user / sizeof *user; i++) sums->user += fmax(number_of(node, user[i], 0), 0);
  sums->keys += fmax(number_of(node, "nkey", 0), 0);
}

// What of it depends on other elements is kept until all have been seen.
static void note_parts(mjcfSums* sums, const xmlNode* node) {
  if (loom_mjcf_is(node, "size")) note_size(sums, node);
  if (loom_mjcf_is(node, "key")) sums->keys += 1;

  // Ranges of lengths are found for muscles, unless for all.
  if (node->parent && loom_mjcf_is(node->parent, "actuator")) sums->actuators += 1;
  if (loom_mjcf_is(node, "muscle") || loom_mjcf_has(node, "gaintype", "muscle")) sums->muscles += 1;
  if (loom_mjcf_is(node, "camera")) sums->resolution = fmax(sums->resolution, product_of(node, "resolution"));

  // A ray for each pixel of a rangefinder's camera, if it has one.
  char* camera = loom_mjcf_is(node, "rangefinder") ? loom_mjcf_get(node, "camera") : NULL;
  sums->rangefinders += camera != NULL;
  xmlFree(camera);

  // By default 10 s in steps of 0.01 s.
  if (loom_mjcf_is(node, "lengthrange")) {
    double step = number_of(node, "timestep", 0.01);
    sums->steps = fmax(sums->steps, number_of(node, "inttotal", 10) / (step > 0 ? step : 0.01));
    sums->ranges_of_all = sums->ranges_of_all || loom_mjcf_has(node, "mode", "all");
  }
}

static void add_element(mjcfSums* sums, const xmlNode* node) {
  double copies = copies_of(node), *total = sums->total;
  total[TOTAL_ELEMENTS] += 1;
  if (copies > 1) total[TOTAL_COPIES] += copies;
  if (loom_mjcf_is(node, "composite") || loom_mjcf_is(node, "flexcomp"))
    total[TOTAL_COPIES] += copies * product_of(node, "count");

  total[TOTAL_DOFS] += copies * dofs_of(node);
  total[TOTAL_NUMBERS] += numbers_of(node);
  if (loom_mjcf_is(node, "hfield"))
    total[TOTAL_HEIGHTS] += product_of(node, "nrow") * product_of(node, "ncol");
  if (loom_mjcf_is(node, "texture")) total[TOTAL_PIXELS] += pixels_of(node);
  if (loom_mjcf_is(node, "mesh")) total[TOTAL_VERTICES] += vertices_of(node);

  // Products of what was seen so far.
  note_parts(sums, node);
  double elements = total[TOTAL_ELEMENTS] + total[TOTAL_COPIES];
  total[TOTAL_USER] = sums->user * elements;
  total[TOTAL_KEYS] = sums->keys * (3 * total[TOTAL_DOFS] + elements);
  total[TOTAL_RAYS] = sums->rangefinders * sums->resolution;
  total[TOTAL_STEPS] = 2 * sums->steps * (sums->ranges_of_all ? sums->actuators : sums->muscles);
}

// The element that goes beyond one is named.
static int check_totals(const mjcfSums* sums, const xmlNode* node, const char* label, loomError* err) {
  for (int i = 0; i < TOTALS; i++) {
    if (sums->total[i] <= totals[i].most) continue;
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
  mjcfSums sums = {.steps = 1000};
  xmlNode* root = xmlDocGetRootElement(doc);
  for (xmlNode* node = root; node; node = loom_mjcf_walk(root, node)) {
    int code = refuse_namespaces(node, label, err);
    add_element(&sums, node);
    if (!code) code = check_totals(&sums, node, label, err);
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
