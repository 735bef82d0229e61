#include "tools/shared/launcher.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/shared/common.h"

// A whole number in the environment, or `otherwise`.
static int number_of(const char* name, int otherwise) {
  const char* text = getenv(name);
  int64_t value;
  return text && tool_read_int(&value, &text, 0, INT32_MAX) && !*text ? (int)value : otherwise;
}

toolLauncher tool_launcher(void) {
  static const struct {
    const char *size, *rank, *local;
  } known[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
               {"PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"},
               {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", NULL}};
  toolLauncher l = {1, 0, 1};

  // Whoever was started last: mpirun within a job of Slurm's.
  for (size_t i = 0; l.size < 2 && i < sizeof known / sizeof *known; i++) {
    l.size = number_of(known[i].size, 1);
    if (l.size < 2) continue;
    l.rank = number_of(known[i].rank, 0);

    // Where nobody says how many are here, they are spread evenly.
    int nodes = number_of("SLURM_STEP_NUM_NODES", 1);
    if (nodes < 1) nodes = 1;
    l.local = known[i].local ? number_of(known[i].local, 0) : 0;
    if (l.local < 1) l.local = (l.size + nodes - 1) / nodes;
  }
  if (l.size < 1) l.size = 1;
  return l;
}

int tool_cores(const toolLauncher* launcher) {
  cpu_set_t mine;
  int all = (int)sysconf(_SC_NPROCESSORS_ONLN), cores = all;
  if (!sched_getaffinity(0, sizeof mine, &mine)) cores = CPU_COUNT(&mine);

  // What Slurm gives each task, else a part of what it gives on this machine, else of all there is.
  int each = number_of("SLURM_CPUS_PER_TASK", 0);
  if (!each) each = number_of("SLURM_CPUS_ON_NODE", all) / launcher->local;
  if (each < cores) cores = each;
  return cores > 1 ? cores : 1;
}
