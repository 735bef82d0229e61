// Work of this program in a child of its own: what leads a group of processes, ends with its parent, and says
// what it has to say to files.
#ifndef LOOM_TOOLS_SHARED_CHILD_H
#define LOOM_TOOLS_SHARED_CHILD_H

#include <sys/resource.h>
#include <sys/types.h>

/// In the child: a Ctrl-C at the terminal is its parent's to pass on, and SIGKILL comes once that is gone.
/// stdout goes to the file `out`, stderr to `log` (NULL: where the parent's does). It does not return where
/// that cannot be, or the parent is gone already.
void tool_child_begin(pid_t parent, const char* out, const char* log);
/// What waitpid said, as a shell has it: its exit status, or 128 + the signal that ended it.
int tool_child_status(int status);
/// Processor time, s.
double tool_child_seconds(const struct rusage* use);

/// A line more in a file of seconds, which is made: the sum of all. Where it cannot be written, these alone.
double tool_add_seconds(const char* path, double seconds);

#endif
