// Any bytes as an ONNX file: errors are fine; crashes, leaks, reads past the end and messages of several
// lines are not.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policies/export/onnx_file.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  loomOnnxFile file;
  loomError err = {0, ""};
  size_t length = 0;

  // An error has one line.
  int code = loom_onnx_file_parse(&file, data, size, "fuzz", &err);
  if (code > 0 || (code < 0 && (!err.message[0] || strchr(err.message, '\n')))) abort();

  if (code) return 0;

  // What was read must lie inside the file.
  for (int i = 0; i < file.nport; i++) length += strlen(file.port[i].name) + strlen(file.port[i].type);
  for (int i = 0; i < file.nmeta; i++) length += strlen(file.meta[i].key) + strlen(file.meta[i].text);
  if (file.parameters < 0 || length > 8 * size) abort();
  loom_onnx_file_destroy(&file);
  return 0;
}
