// What an ONNX file says of itself: inputs, outputs, metadata. Internal.
#ifndef LOOM_POLICIES_EXPORT_ONNX_FILE_H
#define LOOM_POLICIES_EXPORT_ONNX_FILE_H

#include "policies/export/onnx_graph.h"

typedef struct loomOnnxPort {
  const char *name, *type;  // "float"
  bool output;
  loomOnnxShape shape;  // -1: any; rank -1: more than LOOM_ONNX_RANK, or not told
} loomOnnxPort;

/// Free with loom_onnx_file_destroy.
typedef struct loomOnnxFile {
  int64_t opset;
  int nodes, nport, nmeta;
  int64_t parameters;  // numbers of all constants
  loomOnnxPort* port;  // (nport) inputs, then outputs
  loomSafeMeta* meta;  // (nmeta)
  void* model;         // owns the texts
} loomOnnxFile;

/// LOOM_ERR_IO; LOOM_ERR_FORMAT: no ONNX, or cut short.
int loom_onnx_file_read(loomOnnxFile* out, const char* path, loomError* err);
int loom_onnx_file_parse(loomOnnxFile* out, const void* bytes, size_t size, const char* label,
                         loomError* err);
void loom_onnx_file_destroy(loomOnnxFile* file);
const char* loom_onnx_file_meta(const loomOnnxFile* file, const char* key);  // or NULL

#endif
