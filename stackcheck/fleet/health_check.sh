#!/bin/sh
# Slurm's HealthCheckProgram: drains this node for an error that StackCheck finds below the Python environment, with
# its one-line reason. In slurm.conf:
#
#   HealthCheckProgram=/etc/slurm/stackcheck-health-check
#   HealthCheckInterval=300
#
# Slurm kills it after 60 s. What cannot be judged in time drains nothing; a node that is drained already keeps its
# reason, and nobody but an administrator resumes one. STACKCHECK_FACTS names a directory, on a file system that the
# nodes share, where each leaves its facts for `stackcheck fleet doctor --facts`.
PATH=$PATH:/usr/local/bin:/usr/bin:/bin
stackcheck=${STACKCHECK:-@STACKCHECK@}
node=${SLURMD_NODENAME:-$(hostname -s)}

scratch=$(mktemp -d) || exit 0
trap 'rm -rf "$scratch"' EXIT
facts=${STACKCHECK_FACTS:-$scratch}/$node.json
# shellcheck disable=SC2086
timeout -k 2 40 $stackcheck -q probe --timeout 20 --output "$facts" || exit 0
# shellcheck disable=SC2086
reason=$(timeout -k 2 10 $stackcheck -q doctor --facts "$facts" --only KM --only DV --only HW --format reason)
[ $? -eq 1 ] || exit 0
scontrol --oneliner show node "$node" | grep -q 'State=[A-Z+*~]*DRAIN' && exit 0
scontrol update NodeName="$node" State=DRAIN Reason="stackcheck: $reason"
