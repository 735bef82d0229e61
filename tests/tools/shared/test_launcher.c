// What mpirun, mpiexec and srun say of the processes that they start, and which part of the cores is whose.
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/shared/launcher.h"

extern char** environ;

// Each in an environment of its own; `each`: cores of one process at most, 0 = its part of all.
static void each_is_known(void** state) {
  (void)state;
  int all = (int)sysconf(_SC_NPROCESSORS_ONLN);
  static const struct {
    const char* said[8];
    int size, rank, local, each;
  } table[] = {
      {{NULL}, 1, 0, 1, 0},
      {{"OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_LOCAL_SIZE=2"}, 4, 3, 2, 0},
      {{"OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0"}, 1, 0, 1, 0},
      {{"PMI_SIZE=8", "PMI_RANK=5", "MPI_LOCALNRANKS=4"}, 8, 5, 4, 0},
      {{"SLURM_STEP_NUM_TASKS=6", "SLURM_PROCID=2", "SLURM_STEP_NUM_NODES=4"}, 6, 2, 2, 0},
      {{"SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=1", "SLURM_STEP_NUM_NODES=2", "SLURM_CPUS_PER_TASK=1"},
       2,
       1,
       1,
       1},
      {{"SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=1", "SLURM_STEP_NUM_NODES=2", "SLURM_CPUS_ON_NODE=1"},
       2,
       1,
       1,
       1},

      // mpirun within a step of Slurm's: of the two, whoever started this one.
      {{"SLURM_STEP_NUM_TASKS=2", "SLURM_PROCID=1", "OMPI_COMM_WORLD_SIZE=3", "OMPI_COMM_WORLD_RANK=2",
        "OMPI_COMM_WORLD_LOCAL_SIZE=3"},
       3,
       2,
       3,
       0},

      // What a job could have is no process; what makes no sense is none either.
      {{"SLURM_NTASKS=16", "SLURM_PROCID=0"}, 1, 0, 1, 0},
      {{"OMPI_COMM_WORLD_SIZE=many"}, 1, 0, 1, 0},
      {{"PMI_SIZE=-2"}, 1, 0, 1, 0},
      {{"PMI_SIZE=4", "PMI_RANK=1", "MPI_LOCALNRANKS=0"}, 4, 1, 4, 0},
      {{"PMI_SIZE=100000", "PMI_RANK=1", "MPI_LOCALNRANKS=100000"}, 100000, 1, 100000, 1},
  };

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char* own[9] = {NULL};
    for (int k = 0; k < 8 && table[i].said[k]; k++) own[k] = (char*)table[i].said[k];
    char** before = environ;
    environ = own;
    toolLauncher l = tool_launcher();
    int cores = tool_cores(&l);
    environ = before;

    if (l.size != table[i].size || l.rank != table[i].rank || l.local != table[i].local)
      fail_msg("row %zu: %d of %d, %d here", i, l.rank, l.size, l.local);

    // At least one, and no more than there are.
    int part = table[i].each ? table[i].each : all / l.local > 1 ? all / l.local : 1;
    assert_in_range(cores, 1, part);
  }
}

// What it is bound to is all that it has.
static void bound_to_one(void** state) {
  (void)state;
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (size_t i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);

  toolLauncher alone = {1, 0, 1};
  assert_int_equal(tool_cores(&alone), CPU_COUNT(&before));
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(tool_cores(&alone), 1);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_is_known), cmocka_unit_test(bound_to_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
