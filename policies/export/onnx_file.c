#include "policies/export/onnx_file.h"

#include <onnx.pb-c.h>
#include <stdlib.h>

#include "engine/base/file.h"

// Of enum TensorProto.DataType, as onnxruntime calls them.
static const char* type_name(int type) {
  static const char* const names[] = {"?",     "float",  "uint8", "int8",    "uint16", "int16",  "int32",
                                      "int64", "string", "bool",  "float16", "double", "uint32", "uint64"};
  return type >= 0 && type < (int)(sizeof names / sizeof *names) ? names[type] : "?";
}

static loomOnnxPort read_port(const Onnx__ValueInfoProto* info, bool output) {
  loomOnnxPort out = {
      .name = info->name ? info->name : "", .type = "?", .output = output, .shape = {-1, {0}}};

  const Onnx__TypeProto* type = info->type;
  if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) return out;

  const Onnx__TensorShapeProto* shape = type->tensor_type->shape;
  out.type = type_name(type->tensor_type->elem_type);

  if (!shape || shape->n_dim > LOOM_ONNX_RANK) return out;
  out.shape.rank = (int)shape->n_dim;
  for (int i = 0; i < out.shape.rank; i++) {
    const Onnx__TensorShapeProto__Dimension* one = shape->dim[i];
    bool known = one->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    out.shape.size[i] = known ? one->dim_value : -1;
  }
  return out;
}

static int64_t count_numbers(const Onnx__GraphProto* graph) {
  int64_t sum = 0;
  for (size_t i = 0; i < graph->n_initializer; i++) {
    const Onnx__TensorProto* tensor = graph->initializer[i];

    double count = 1;  // a damaged file's sizes may be anything
    for (size_t k = 0; k < tensor->n_dims; k++) count *= (double)tensor->dims[k];
    if (count >= 0 && count < 1e15) sum += (int64_t)count;
  }
  return sum;
}

static int read_model(loomOnnxFile* out, const Onnx__ModelProto* model, const char* label, loomError* err) {
  const Onnx__GraphProto* graph = model->graph;
  if (!model->has_ir_version || !graph || !model->n_opset_import)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not an ONNX model, or cut short; export it again",
                          label);

  out->opset = model->opset_import[0]->version;
  out->nodes = (int)graph->n_node;
  out->parameters = count_numbers(graph);

  out->port = calloc(graph->n_input + graph->n_output + 1, sizeof *out->port);
  out->meta = calloc(model->n_metadata_props + 1, sizeof *out->meta);
  if (!out->port || !out->meta) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  for (size_t i = 0; i < graph->n_input; i++) out->port[out->nport++] = read_port(graph->input[i], false);
  for (size_t i = 0; i < graph->n_output; i++) out->port[out->nport++] = read_port(graph->output[i], true);
  for (size_t i = 0; i < model->n_metadata_props; i++) {
    const Onnx__StringStringEntryProto* one = model->metadata_props[i];
    out->meta[out->nmeta++] = (loomSafeMeta){one->key ? one->key : "", one->value ? one->value : ""};
  }

  // The last field of ours: a file that ends between two fields is well-formed to protobuf.
  if (model->producer_name && !strcmp(model->producer_name, LOOM_ONNX_PRODUCER) &&
      !loom_onnx_file_meta(out, LOOM_ONNX_LAST))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: cut short; export it again", label);
  return 0;
}

/// Part of a message as protobuf writes it.
typedef struct span {
  const uint8_t *at, *end;
} span;

static bool take_varint(uint64_t* out, span* s) {
  *out = 0;

  for (int shift = 0; s->at < s->end && shift < 64; shift += 7) {
    uint8_t byte = *s->at++;
    *out |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return true;
  }
  return false;
}

// Graphs lie in nodes of graphs. protobuf-c goes down as deep as a file says, until the stack ends; what is
// malformed is left for it to refuse.
static bool too_deep(const ProtobufCMessageDescriptor* type, span s, int depth) {
  if (!depth) return true;
  for (uint64_t tag, size; take_varint(&tag, &s);) {
    // Numbers of 8 and 4 bytes, of as many as they need, and what says its length (protobuf's wire types).
    unsigned wire = tag & 7;
    size = wire == 1 ? 8 : wire == 5 ? 4 : 0;
    if (wire == 0 || wire == 2) {
      if (!take_varint(&size, &s)) return false;
      if (wire == 0) continue;
    } else if (!size) {
      return false;
    }

    if (size > (uint64_t)(s.end - s.at)) return false;

    const ProtobufCFieldDescriptor* field =
        wire == 2 ? protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3)) : NULL;
    if (field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
        too_deep(field->descriptor, (span){s.at, s.at + size}, depth - 1))
      return true;

    s.at += size;
  }
  return false;
}

int loom_onnx_file_parse(loomOnnxFile* out, const void* bytes, size_t size, const char* label,
                         loomError* err) {
  enum { DEPTH = 100 };  // as protobuf's own libraries

  const uint8_t* at = bytes;
  *out = (loomOnnxFile){0};
  if (too_deep(&onnx__model_proto__descriptor, (span){at, at + size}, DEPTH))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its graphs lie more than %d deep in each other", label,
                          DEPTH);

  Onnx__ModelProto* model = onnx__model_proto__unpack(NULL, size, bytes);
  if (!model)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: not an ONNX model, or cut short; export it again",
                          label);

  out->model = model;
  int code = read_model(out, model, label, err);
  if (code) loom_onnx_file_destroy(out);
  return code;
}

// Protocol buffers go no further than 2 GB.
static const size_t file_bytes_max = (size_t)2 << 30;

int loom_onnx_file_read(loomOnnxFile* out, const char* path, loomError* err) {
  char* bytes;
  size_t n = 0;
  *out = (loomOnnxFile){0};
  int code = loom_read_text(&bytes, &n, path, file_bytes_max, err);
  if (!code) code = loom_onnx_file_parse(out, bytes, n, path, err);
  free(bytes);
  return code;
}

void loom_onnx_file_destroy(loomOnnxFile* file) {
  onnx__model_proto__free_unpacked(file->model, NULL);
  free(file->port);
  free(file->meta);
  *file = (loomOnnxFile){0};
}

const char* loom_onnx_file_meta(const loomOnnxFile* file, const char* key) {
  for (int i = 0; i < file->nmeta; i++) {
    const loomSafeMeta* meta = &file->meta[i];
    if (meta->key && !strcmp(meta->key, key)) return meta->text;
  }
  return NULL;
}
