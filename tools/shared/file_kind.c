#include "tools/shared/file_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const struct {
  const char* what;
  const char* ending[5];  // the first is what options have behind FILE
} kinds[] = {
    {"a PNG picture", {".png"}},
    {"an MP4 video", {".mp4", ".m4v"}},
    {"an HDF5 dataset", {".hdf5", ".h5", ".hdf", ".he5"}},
    {"an ONNX graph", {".onnx"}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

// Endings that say a kind which nothing here is.
static const char* const others[] = {
    ".avi", ".gif",  ".mkv", ".mov",  ".mpg",     ".mpeg",   ".webm", ".wmv",        ".flv", ".jpg",
    ".bmp", ".jpeg", ".tif", ".tiff", ".webp",    ".svg",    ".pdf",  ".ppm",        ".npz", ".npy",
    ".zip", ".zarr", ".csv", ".json", ".jsonl",   ".yaml",   ".yml",  ".txt",        ".xml", ".pkl",
    ".pt",  ".pth",  ".tar", ".gz",   ".parquet", ".pickle", ".html", ".pb",         ".ts",  ".ogv",
    ".exr", ".tga",  ".mat", ".bag",  ".mcap",    ".db",     ".log",  ".safetensors"};

static bool is_of(int kind, const char* ending) {
  for (const char* const* e = kinds[kind].ending; *e; e++)
    if (!strcasecmp(*e, ending)) return true;
  return false;
}

// Whether an ending says what is in a file, rather than being part of a name ("run.2").
static bool says_kind(const char* ending) {
  for (int i = 0; i < KINDS; i++)
    if (is_of(i, ending)) return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!strcasecmp(others[i], ending)) return true;
  return false;
}

const char* tool_other_kind(const char* path, const char* model) {
  const char *name = strrchr(path, '/'), *wanted = strrchr(model, '.');
  const char* ending = strrchr(name ? name : path, '.');
  if (!wanted || !ending || !says_kind(ending)) return NULL;

  for (int i = 0; i < KINDS; i++)
    if (!strcmp(kinds[i].ending[0], wanted)) return is_of(i, ending) ? NULL : kinds[i].what;
  return NULL;
}
