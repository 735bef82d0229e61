#!/bin/bash
# A grid of finetuning runs, a dataset and rollouts, each by all tasks of a Slurm job: `sbatch --nodes=2 --ntasks=2 job.sh`. The
# folder that it is started in is one that all nodes see. A job that was cut short goes on when it is given again.
#SBATCH --job-name=demoloom
#SBATCH --output=demoloom-%j.txt
#SBATCH --cpus-per-task=1
set -e
srun demoloom finetune "$GRID" -o grid -j 1
srun demoloom generate $TASK -o demos.hdf5
srun demoloom rollout $POLICY --results tried.json
