// The subcommands of the program: each takes its own argc and argv (argv[0] is its name) and returns
// the exit status.
#ifndef LOOM_TOOLS_SHARED_COMMANDS_H
#define LOOM_TOOLS_SHARED_COMMANDS_H

int cmd_dagger(int argc, char** argv);
int cmd_dataset(int argc, char** argv);
int cmd_distill(int argc, char** argv);
int cmd_export(int argc, char** argv);
int cmd_finetune(int argc, char** argv);
int cmd_generate(int argc, char** argv);
int cmd_info(int argc, char** argv);
int cmd_gail(int argc, char** argv);
int cmd_irl(int argc, char** argv);
int cmd_observe(int argc, char** argv);
int cmd_record(int argc, char** argv);
int cmd_relabel(int argc, char** argv);
int cmd_render(int argc, char** argv);
int cmd_replay(int argc, char** argv);
int cmd_retarget(int argc, char** argv);
int cmd_rollout(int argc, char** argv);
int cmd_scenes(int argc, char** argv);
int cmd_segment(int argc, char** argv);
int cmd_teleop(int argc, char** argv);
int cmd_train(int argc, char** argv);
int cmd_twin(int argc, char** argv);
int cmd_verify(int argc, char** argv);
int cmd_view(int argc, char** argv);
int cmd_weave(int argc, char** argv);

#endif
