#!/bin/sh
#SBATCH --job-name=falaj-sweep
#SBATCH --cpus-per-task=2
#SBATCH --requeue
# One shard of a sweep, as a task of a job array of Slurm or a pod of an indexed Job of Kubernetes.
#
#   shard.sh SCENARIO FOLDER SHARDS [OPTION…]
#   shard.sh --seeds=FIRST..END FOLDER SHARDS      random scenarios
#
# Runs shard INDEX/SHARDS into FOLDER/part-INDEX, where INDEX is the task's, counted from 0. A task that is killed goes on where it was
# when it is started again. A verdict is a result, which lies in the folder and which `falaj-sim merge` speaks of; the job fails only
# if the shard did not come to its end.
set -u
scenario=$1 folder=$2 shards=$3
shift 3
index=${SLURM_ARRAY_TASK_ID:-${JOB_COMPLETION_INDEX:-}}
if [ -z "$index" ]; then
    echo 'shard.sh: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set: this is no task of a job array' >&2
    exit 2
fi
falaj-sim run "$scenario" --out "$folder/part-$index" --shard "$index/$shards" "$@"
code=$?
case $code in
    0 | 10 | 11 | 12 | 13) exit 0 ;;
    *) exit "$code" ;;
esac
