// Which Demoloom made a file. Internal.
#ifndef LOOM_ENGINE_BASE_VERSION_H
#define LOOM_ENGINE_BASE_VERSION_H

/// "demoloom 0.1.0", as datasets and `demoloom --version` have it.
const char* loom_version(void);

#endif
