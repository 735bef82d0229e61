// A process that can read files and compute, and nothing else, or only for so long. Internal.
#ifndef LOOM_ENGINE_BASE_CONFINE_H
#define LOOM_ENGINE_BASE_CONFINE_H

#include <stdbool.h>

/// From now on this process can neither run a program, nor make another process, open a connection, open a
/// file for writing, change one, signal another process, or map anything as code; it ends when it tries the
/// worst of these. Its open files are closed, but for the three standard streams, which lead nowhere. For a
/// child that ends by _exit. False where the system refuses filters of system calls (a container's own
/// filter, another kernel): all else is done.
bool loom_confine(void);

/// Of a child, before it works: crashes end it, it leaves no core and, unless it `writes`, no file, and it
/// has so many seconds of processor time (at least 1) and so many MB of memory beyond what its parent has
/// mapped. Sanitizers reserve terabytes of addresses, and do without the latter.
void loom_limit_child(double seconds, double memory_mb, bool writes);

#endif
