// What public headers stand between, so that C++ may include them.
#ifndef LOOM_ENGINE_BASE_API_H
#define LOOM_ENGINE_BASE_API_H

#ifdef __cplusplus
#define LOOM_C_BEGIN extern "C" {
#define LOOM_C_END }
#else
#define LOOM_C_BEGIN
#define LOOM_C_END
#endif

#endif
