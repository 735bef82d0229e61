// A graph in the ONNX format (opset 17) while it is built, and its file. Tensors are known by their names;
// what goes wrong on the way is kept until loom_onnx_graph_write tells of it, so that building reads as the
// mathematics does. The wire format is protobuf-c's, from the schema that ONNX publishes. Internal.
#ifndef LOOM_POLICIES_EXPORT_ONNX_GRAPH_H
#define LOOM_POLICIES_EXPORT_ONNX_GRAPH_H

#include "policies/nn/safetensors.h"
#include "policies/nn/tensor.h"

enum { LOOM_ONNX_RANK = 4 };

/// Who makes our files, and the entry of their metadata that is written last.
#define LOOM_ONNX_PRODUCER "demoloom"
#define LOOM_ONNX_LAST "format"

typedef struct loomOnnxGraph loomOnnxGraph;

/// A tensor's name, owned by the graph. "" stands for an optional input left out, and for whatever a graph
/// that has failed gives.
typedef const char* loomOnnxValue;

typedef struct loomOnnxShape {
  int rank;
  int64_t size[LOOM_ONNX_RANK];
} loomOnnxShape;

/// An attribute of a node: `f` where real is set, else `i`, or `ints` where n is not 0.
typedef struct loomOnnxAttr {
  const char* name;  // NULL ends a list
  int64_t i;
  double f;
  bool real;
  int n;
  int64_t ints[LOOM_ONNX_RANK];
} loomOnnxAttr;

#define LOOM_ONNX_IN(...) ((const loomOnnxValue[]){__VA_ARGS__, NULL})
#define LOOM_ONNX_WITH(...) ((const loomOnnxAttr[]){__VA_ARGS__, {NULL, 0, 0, false, 0, {0}}})
#define LOOM_ONNX_INT(NAME, VALUE)  \
  {                                 \
    (NAME), (VALUE), 0, false, 0, { \
      0                             \
    }                               \
  }
#define LOOM_ONNX_REAL(NAME, VALUE) \
  {                                 \
    (NAME), 0, (VALUE), true, 0, {  \
      0                             \
    }                               \
  }
#define LOOM_ONNX_INTS(NAME, N, ...) \
  {                                  \
    (NAME), 0, 0, false, (N), {      \
      __VA_ARGS__                    \
    }                                \
  }

/// LOOM_ERR_MEMORY.
int loom_onnx_graph_create(loomOnnxGraph** out, const char* name, loomError* err);
void loom_onnx_graph_destroy(loomOnnxGraph* graph);
/// Keep the first thing that went wrong.
void loom_onnx_fail(loomOnnxGraph* graph, int code, const char* format, ...) LOOM_PRINTF(3, 4);

/// Inputs and outputs; type is LOOM_SAFE_F32, LOOM_SAFE_I64 or LOOM_SAFE_U8. Two of one name are an error.
loomOnnxValue loom_onnx_input(loomOnnxGraph* graph, const char* name, loomSafeType type, loomOnnxShape shape);
void loom_onnx_output(loomOnnxGraph* graph, const char* name, loomOnnxValue value, loomSafeType type,
                      loomOnnxShape shape);
/// What is told of the model beside its graph; the last is to be LOOM_ONNX_LAST.
void loom_onnx_meta(loomOnnxGraph* graph, const char* key, const char* text);

/// Constants. Data of `floats` must stay until the graph is written; loom_onnx_room gives some that does
/// (count numbers, zeroed; NULL: the graph has failed).
loomOnnxValue loom_onnx_floats(loomOnnxGraph* graph, const char* name, const float* data,
                               loomOnnxShape shape);
loomOnnxValue loom_onnx_float(loomOnnxGraph* graph, double value);
loomOnnxValue loom_onnx_ints(loomOnnxGraph* graph, int n, const int64_t* values);
loomOnnxValue loom_onnx_int(loomOnnxGraph* graph, int64_t value);  // (1)
float* loom_onnx_room(loomOnnxGraph* graph, size_t count);
/// The parameter of that name, as it lies in the network.
loomOnnxValue loom_onnx_param(loomOnnxGraph* graph, const loomParams* params, const char* name);

/// A node with n outputs. in ends with NULL; with (may be NULL) ends with an attribute without a name.
void loom_onnx_nodes(loomOnnxValue* out, int n, loomOnnxGraph* graph, const char* op, const loomOnnxValue* in,
                     const loomOnnxAttr* with);
loomOnnxValue loom_onnx_node(loomOnnxGraph* graph, const char* op, const loomOnnxValue* in,
                             const loomOnnxAttr* with);
/// Of one or two (b not NULL) inputs and no attributes.
loomOnnxValue loom_onnx_op(loomOnnxGraph* graph, const char* op, loomOnnxValue a, loomOnnxValue b);
loomOnnxValue loom_onnx_reshape(loomOnnxGraph* graph, loomOnnxValue x, loomOnnxShape shape);
loomOnnxValue loom_onnx_concat(loomOnnxGraph* graph, const loomOnnxValue* in, int axis);

/// Atomic (engine/base/file.h). The first error of building, LOOM_ERR_IO, LOOM_ERR_UNSUPPORTED (over
/// 2 GB, the format's bound).
int loom_onnx_graph_write(const loomOnnxGraph* graph, const char* path, loomError* err);

#endif
