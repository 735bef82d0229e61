#include "policies/export/onnx_graph.h"

#include <errno.h>
#include <onnx.pb-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"

enum { OPSET = 17, IR_VERSION = 8 };

// Every piece of the model is a block of this list.
typedef struct block {
  struct block* next;
  max_align_t data[];
} block;

struct loomOnnxGraph {
  block* blocks;
  int failed;
  loomError why;
  int values;  // named by the graph itself
  Onnx__GraphProto graph;
  size_t nmeta;
  Onnx__StringStringEntryProto** meta;
};

// ---- memory

void loom_onnx_fail(loomOnnxGraph* g, int code, const char* format, ...) {
  if (g->failed) return;

  va_list args;
  va_start(args, format);
  char text[sizeof g->why.message];
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  g->failed = loom_error_set(&g->why, code, "%s", text);
}

static void* room(loomOnnxGraph* g, size_t bytes) {
  block* b = g->failed ? NULL : calloc(1, sizeof *b + bytes);
  if (!b) {
    loom_onnx_fail(g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");
    return NULL;
  }

  b->next = g->blocks;
  g->blocks = b;
  return b->data;
}

float* loom_onnx_room(loomOnnxGraph* g, size_t count) {
  return room(g, count * sizeof(float));
}

static char* copy_text(loomOnnxGraph* g, const char* text) {
  size_t bytes = strlen(text) + 1;
  char* out = room(g, bytes);
  if (out) memcpy(out, text, bytes);
  return out;
}

// One more at the end of a list, whose room doubles whenever its length is a power of two.
static void push(loomOnnxGraph* g, void* list, size_t* n, void* item) {
  void** items = *(void***)list;
  if (g->failed || !item) return;
  if (!(*n & (*n - 1))) {
    void** more = room(g, 2 * (*n ? *n : 1) * sizeof *more);
    if (!more) return;
    if (*n) memcpy(more, items, *n * sizeof *more);
    *(void***)list = items = more;
  }

  items[(*n)++] = item;
}

int loom_onnx_graph_create(loomOnnxGraph** out, const char* name, loomError* err) {
  loomOnnxGraph* g = *out = calloc(1, sizeof *g);
  if (!g) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an ONNX graph");

  onnx__graph_proto__init(&g->graph);
  g->graph.name = copy_text(g, name);
  return 0;
}

void loom_onnx_graph_destroy(loomOnnxGraph* g) {
  if (!g) return;
  for (block *b = g->blocks, *next; b; b = next) {
    next = b->next;
    free(b);
  }
  free(g);
}

// ---- inputs, outputs, constants

static const struct {
  loomSafeType type;
  int onnx;
  const char* name;
} types[] = {{LOOM_SAFE_F32, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, "float"},
             {LOOM_SAFE_I64, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, "int64"},
             {LOOM_SAFE_U8, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, "uint8"}};
enum { TYPES = sizeof types / sizeof *types };

static int onnx_type(loomSafeType type) {
  for (int i = 0; i < TYPES; i++)
    if (types[i].type == type) return types[i].onnx;
  return ONNX__TENSOR_PROTO__DATA_TYPE__UNDEFINED;
}

static Onnx__TensorShapeProto* make_shape(loomOnnxGraph* g, loomOnnxShape shape) {
  Onnx__TensorShapeProto* out = room(g, sizeof *out);
  if (!out) return NULL;
  onnx__tensor_shape_proto__init(out);

  for (int i = 0; i < shape.rank; i++) {
    Onnx__TensorShapeProto__Dimension* one = room(g, sizeof *one);
    if (!one) return NULL;
    onnx__tensor_shape_proto__dimension__init(one);

    one->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    one->dim_value = shape.size[i];
    push(g, &out->dim, &out->n_dim, one);
  }
  return out;
}

static Onnx__ValueInfoProto* make_port(loomOnnxGraph* g, const char* name, loomSafeType type,
                                       loomOnnxShape shape) {
  Onnx__ValueInfoProto* out = room(g, sizeof *out);
  Onnx__TypeProto* kind = room(g, sizeof *kind);
  Onnx__TypeProto__Tensor* tensor = room(g, sizeof *tensor);
  if (!out || !kind || !tensor) return NULL;

  for (size_t i = 0; i < g->graph.n_input + g->graph.n_output; i++) {
    const Onnx__ValueInfoProto* other =
        i < g->graph.n_input ? g->graph.input[i] : g->graph.output[i - g->graph.n_input];
    if (!strcmp(other->name, name)) {
      loom_onnx_fail(g, LOOM_ERR_UNSUPPORTED, "two inputs or outputs would be called '%s'", name);
      return NULL;
    }
  }

  onnx__value_info_proto__init(out);
  onnx__type_proto__init(kind);
  onnx__type_proto__tensor__init(tensor);

  tensor->has_elem_type = true;
  tensor->elem_type = onnx_type(type);
  tensor->shape = make_shape(g, shape);
  kind->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  kind->tensor_type = tensor;

  out->name = copy_text(g, name);
  out->type = kind;
  return out;
}

loomOnnxValue loom_onnx_input(loomOnnxGraph* g, const char* name, loomSafeType type, loomOnnxShape shape) {
  Onnx__ValueInfoProto* port = make_port(g, name, type, shape);
  push(g, &g->graph.input, &g->graph.n_input, port);
  return g->failed ? "" : port->name;
}

static Onnx__NodeProto* add_node(loomOnnxGraph* g, const char* op, const loomOnnxValue* in) {
  Onnx__NodeProto* out = room(g, sizeof *out);
  if (!out) return NULL;

  onnx__node_proto__init(out);
  out->op_type = copy_text(g, op);
  for (int i = 0; in[i]; i++) push(g, &out->input, &out->n_input, copy_text(g, in[i]));
  push(g, &g->graph.node, &g->graph.n_node, out);
  return out;
}

void loom_onnx_output(loomOnnxGraph* g, const char* name, loomOnnxValue value, loomSafeType type,
                      loomOnnxShape shape) {
  // An output has the name that is asked for; the value's own may be another output's too.
  Onnx__NodeProto* same = add_node(g, "Identity", LOOM_ONNX_IN(value));
  push(g, &g->graph.output, &g->graph.n_output, make_port(g, name, type, shape));
  if (!g->failed) push(g, &same->output, &same->n_output, copy_text(g, name));
}

void loom_onnx_meta(loomOnnxGraph* g, const char* key, const char* text) {
  Onnx__StringStringEntryProto* out = room(g, sizeof *out);
  if (!out) return;

  onnx__string_string_entry_proto__init(out);
  out->key = copy_text(g, key);
  out->value = copy_text(g, text);
  push(g, &g->meta, &g->nmeta, out);
}

// "/Relu_12": no observation is called so.
static char* new_name(loomOnnxGraph* g, const char* what) {
  char name[LOOM_PARAM_NAME];
  snprintf(name, sizeof name, "/%.60s_%d", what, g->values++);
  return copy_text(g, name);
}

static loomOnnxValue constant(loomOnnxGraph* g, const char* name, loomSafeType type, const void* data,
                              loomOnnxShape shape) {
  Onnx__TensorProto* out = room(g, sizeof *out);
  int64_t *dims = room(g, sizeof shape.size), count = 1;
  if (!out || !dims) return "";

  for (size_t i = 0; i < g->graph.n_initializer; i++)  // one that is used twice is there once
    if (!strcmp(g->graph.initializer[i]->name, name)) return g->graph.initializer[i]->name;

  onnx__tensor_proto__init(out);
  for (int i = 0; i < shape.rank; i++) count *= dims[i] = shape.size[i];
  out->n_dims = (size_t)shape.rank;
  out->dims = dims;
  out->has_data_type = true;
  out->data_type = onnx_type(type);

  out->name = copy_text(g, name);
  out->has_raw_data = true;
  // protobuf-c only reads it.
  out->raw_data = (ProtobufCBinaryData){(size_t)(count * loom_safe_type_size(type)), (uint8_t*)data};

  push(g, &g->graph.initializer, &g->graph.n_initializer, out);
  return g->failed ? "" : out->name;
}

loomOnnxValue loom_onnx_floats(loomOnnxGraph* g, const char* name, const float* data, loomOnnxShape shape) {
  return data ? constant(g, name, LOOM_SAFE_F32, data, shape) : "";
}

loomOnnxValue loom_onnx_float(loomOnnxGraph* g, double value) {
  float* data = loom_onnx_room(g, 1);
  if (!data) return "";
  *data = (float)value;
  return loom_onnx_floats(g, new_name(g, "number"), data, (loomOnnxShape){0});
}

loomOnnxValue loom_onnx_ints(loomOnnxGraph* g, int n, const int64_t* values) {
  int64_t* data = room(g, (size_t)n * sizeof *data);
  if (!data) return "";

  memcpy(data, values, (size_t)n * sizeof *data);
  return constant(g, new_name(g, "numbers"), LOOM_SAFE_I64, data, (loomOnnxShape){1, {n}});
}

loomOnnxValue loom_onnx_int(loomOnnxGraph* g, int64_t value) {
  return loom_onnx_ints(g, 1, &value);
}

loomOnnxValue loom_onnx_param(loomOnnxGraph* g, const loomParams* params, const char* name) {
  const loomParam* p = loom_params_find(params, name);
  if (!p) {
    loom_onnx_fail(g, LOOM_ERR_UNSUPPORTED, "the network has no '%s' to export", name);
    return "";
  }

  loomOnnxShape shape = {p->dims, {0}};
  for (int i = 0; i < p->dims; i++) shape.size[i] = p->shape[i];
  return loom_onnx_floats(g, name, params->value + p->offset, shape);
}

// ---- nodes

static Onnx__AttributeProto* make_attribute(loomOnnxGraph* g, const loomOnnxAttr* from) {
  Onnx__AttributeProto* out = room(g, sizeof *out);
  if (!out) return NULL;

  onnx__attribute_proto__init(out);
  out->name = copy_text(g, from->name);
  out->has_type = true;

  if (from->n) {
    out->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    out->ints = room(g, sizeof from->ints);
    if (!out->ints) return NULL;
    memcpy(out->ints, from->ints, sizeof from->ints);
    out->n_ints = (size_t)from->n;
  } else if (from->real) {
    out->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    out->has_f = true;
    out->f = (float)from->f;
  } else {
    out->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    out->has_i = true;
    out->i = from->i;
  }
  return out;
}

void loom_onnx_nodes(loomOnnxValue* out, int n, loomOnnxGraph* g, const char* op, const loomOnnxValue* in,
                     const loomOnnxAttr* with) {
  Onnx__NodeProto* node = add_node(g, op, in);

  for (; node && with && with->name; with++)
    push(g, &node->attribute, &node->n_attribute, make_attribute(g, with));

  for (int i = 0; i < n; i++) {
    char* name = node ? new_name(g, op) : NULL;
    if (node) push(g, &node->output, &node->n_output, name);
    out[i] = name ? name : "";
  }
}

loomOnnxValue loom_onnx_node(loomOnnxGraph* g, const char* op, const loomOnnxValue* in,
                             const loomOnnxAttr* with) {
  loomOnnxValue out;
  loom_onnx_nodes(&out, 1, g, op, in, with);
  return out;
}

loomOnnxValue loom_onnx_op(loomOnnxGraph* g, const char* op, loomOnnxValue a, loomOnnxValue b) {
  return loom_onnx_node(g, op, LOOM_ONNX_IN(a, b), NULL);
}

loomOnnxValue loom_onnx_reshape(loomOnnxGraph* g, loomOnnxValue x, loomOnnxShape shape) {
  return loom_onnx_op(g, "Reshape", x, loom_onnx_ints(g, shape.rank, shape.size));
}

loomOnnxValue loom_onnx_concat(loomOnnxGraph* g, const loomOnnxValue* in, int axis) {
  return loom_onnx_node(g, "Concat", in, LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", axis)));
}

// ---- the file

typedef struct fileBuffer {
  ProtobufCBuffer base;
  FILE* file;
  int why;  // errno of the first write that failed
} fileBuffer;

static void append(ProtobufCBuffer* buffer, size_t n, const uint8_t* bytes) {
  fileBuffer* b = (fileBuffer*)buffer;
  errno = 0;
  if (!b->why && fwrite(bytes, 1, n, b->file) != n) b->why = errno ? errno : EIO;
}

static int write_model(const Onnx__ModelProto* model, const char* path, loomError* err) {
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  fileBuffer b = {{append}, file.stream, 0};
  onnx__model_proto__pack_to_buffer(model, &b.base);
  return b.why ? loom_file_fail(&file, b.why, err) : loom_file_commit(&file, err);
}

int loom_onnx_graph_write(const loomOnnxGraph* g, const char* path, loomError* err) {
  if (g->failed) return loom_error_set(err, g->failed, "%s: %s", path, g->why.message);

  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
  Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets = &opset;
  Onnx__GraphProto graph = g->graph;
  char domain[] = "", producer[] = LOOM_ONNX_PRODUCER;

  opset.domain = domain;
  opset.has_version = model.has_ir_version = true;
  opset.version = OPSET;
  model.ir_version = IR_VERSION;
  model.producer_name = producer;
  model.n_opset_import = 1;
  model.opset_import = &opsets;

  model.graph = &graph;
  model.n_metadata_props = g->nmeta;
  model.metadata_props = g->meta;

  if (onnx__model_proto__get_packed_size(&model) > INT32_MAX)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: over 2 GB, more than one ONNX file may hold", path);

  return write_model(&model, path, err);
}
