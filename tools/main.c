// demoloom: one program, one file a subcommand.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/dataset.h"
#include "engine/task/task_reference.h"
#include "policies/learn/config_reference.h"
#include "policies/learn/finetune_config.h"
#include "tools/shared/build_info.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"

static const struct {
  const char* name;
  int (*run)(int argc, char** argv);
  const char* about;
} commands[] = {
    {"scenes", cmd_scenes, "list the tasks that can be generated"},
    {"info", cmd_info, "what is in a dataset or a policy"},
    {"replay", cmd_replay, "replay demos by state and by action, and say whether they succeed"},
    {"segment", cmd_segment, "cut demos into each arm's subtasks and print where"},
    {"record", cmd_record, "record source demos with a task's scripted expert"},
    {"retarget", cmd_retarget, "source demos of a task from demos of other robots"},
    {"relabel", cmd_relabel, "actions for demos that have none"},
    {"generate", cmd_generate, "make new demos from a handful"},
    {"weave", cmd_weave, "a policy from a handful of demos, in the time that there is"},
    {"verify", cmd_verify, "replay a generated dataset from its first states, bit for bit"},
    {"render", cmd_render, "contact sheets, videos and image observations of a dataset"},
    {"view", cmd_view, "look at demos in a window, annotate them, run new ones"},
    {"teleop", cmd_teleop, "drive a task's robots and record source demos"},
    {"twin", cmd_twin, "a task from scans of a room and of objects: made, cut and given joints, checked"},
    {"train", cmd_train, "train a policy on a dataset"},
    {"rollout", cmd_rollout, "let a trained policy act, and count its successes"},
    {"export", cmd_export, "a trained policy as ONNX, to run elsewhere"},
    {"dagger", cmd_dagger, "improve a policy by what an expert says in its own states"},
    {"finetune", cmd_finetune, "improve a policy by reinforcement in simulation"},
    {"distill", cmd_distill, "a student of other eyes from a policy, or from a recording without states"},
    {"gail", cmd_gail, "learn a task from demos against a discriminator (GAIL); toys of it"},
    {"observe", cmd_observe, "a reward from watching demos without actions, poses or pictures"},
    {"irl", cmd_irl, "which reward an expert follows, on tasks and in tables of states and actions"},
    {"dataset", cmd_dataset, "merge, split, filter and strip datasets"},
};

static void print_program_help(FILE* out) {
  fputs(
      "demoloom: a handful of bimanual demonstrations in, thousands out\n\nusage: demoloom COMMAND "
      "[options]\n\n",
      out);

  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
  }

  fputs(
      "\nWhat is there already is replaced only with --overwrite, and is never half written; --resume goes "
      "on "
      "with what was\nstopped, if all settings are the same.\n"
      "\nexamples:\n"
      "  demoloom generate handover -n 1000 -o handover.hdf5\n"
      "  demoloom verify handover.hdf5\n"
      "  demoloom render handover.hdf5 --sheet handover.png\n\n"
      "`demoloom COMMAND --help` says more; `demoloom --version [--json]` tells what this one is built of,\n"
      "`demoloom help task` every key of task and robot files, `demoloom help train` those of a training "
      "run, `demoloom help finetune` those of finetuning.\n",
      out);
}

// Threads of GNU's OpenMP wait for each other by spinning for milliseconds, as if nobody else wanted cores.
// Where others do, training takes three times as long on two threads as on one. How long they spin is read
// before main begins: so the program begins anew with a setting of its own, unless the user has one.
static void spin_briefly(char** argv) {
  if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY")) return;
  if (!setenv("GOMP_SPINCOUNT", "5000", 1)) execv("/proc/self/exe", argv);
}

static int run_command(int argc, char** argv) {
  // Without a command the help is an error's.
  if (argc < 2) {
    print_program_help(stderr);
    return 2;
  }

  // References, made from the tables that read such files.
  if (argc > 2 && !strcmp(argv[1], "help") && !strcmp(argv[2], "task")) {
    loom_task_reference_print(stdout);
    return 0;
  }
  if (argc > 2 && !strcmp(argv[1], "help") && !strcmp(argv[2], "train")) {
    loom_train_config_reference(stdout);
    return 0;
  }

  if (argc > 2 && !strcmp(argv[1], "help") && !strcmp(argv[2], "finetune")) {
    loom_finetune_config_reference(stdout);
    return 0;
  }

  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    print_program_help(stdout);
    return 0;
  }
  if (!strcmp(argv[1], "--version")) {
    tool_print_build(argc > 2 && !strcmp(argv[2], "--json"));
    return 0;
  }

  // Each command reads its own options.
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(argv[1], commands[i].name)) continue;
    spin_briefly(argv);
    return commands[i].run(argc - 1, argv + 1);
  }

  fprintf(stderr, "demoloom: no command '%s'; see `demoloom --help`\n", argv[1]);
  return 2;
}

// Standard streams that are closed would lend their numbers to the first files opened, and what is printed
// would go into those. They are opened so that reading and writing fails as it does on what is closed.
static void hold_streams(void) {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// What was printed is part of what was asked for: status 0 only once stdout has all of it.
static int settle_stdout(int status) {
  errno = 0;
  bool lost = ferror(stdout);
  if (fclose(stdout)) lost = true;
  if (!lost) return status;

  fprintf(stderr, "demoloom: stdout cannot be written, what was printed is lost%s%s\n", errno ? ": " : "",
          errno ? strerror(errno) : "");
  return status ? status : EXIT_FAILED;
}

int main(int argc, char** argv) {
  hold_streams();
  loom_hdf5_leave_exit_alone();
  tool_watch_damage();
  tool_tell_signals();
  return settle_stdout(run_command(argc, argv));
}
