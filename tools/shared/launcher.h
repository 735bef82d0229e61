// Whoever starts a command as one of several processes: mpirun, mpiexec or srun. What they say in the
// environment is all that is asked of them, so nothing of MPI is linked.
#ifndef LOOM_TOOLS_SHARED_LAUNCHER_H
#define LOOM_TOOLS_SHARED_LAUNCHER_H

typedef struct toolLauncher {
  int size;   // processes; 1 = started by itself
  int rank;   // of this one, 0 .. size - 1
  int local;  // processes on this machine
} toolLauncher;

/// Open MPI's, MPICH's or Slurm's (of the step that srun began; the tasks that a job could have are none).
toolLauncher tool_launcher(void);

/// Cores that are this process's: those that it may run on, of which processes beside it on the machine have
/// their part.
int tool_cores(const toolLauncher* launcher);

#endif
