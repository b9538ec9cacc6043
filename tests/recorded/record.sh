#!/usr/bin/env bash
# Records what a fixed list of commands computes, to the bit, so that a change
# which should not change results can be held against the program before it:
#
#   tests/recorded/record.sh OLD/driftfield /tmp/old
#   tests/recorded/record.sh NEW/driftfield /tmp/new
#   diff /tmp/old/sums /tmp/new/sums
#
# One line of `sums` a command: its number, the checksum of what it wrote (arrays,
# weights), that of what it printed (times apart), its status, and the command. Bits
# are promised for one build on one type of CPU, so the sums themselves are no
# reference and are not kept.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 PROGRAM DIRECTORY" >&2; exit 2; }
here="$(cd "$(dirname "$0")" && pwd)"
program="$(realpath "$1")"
weights="$(realpath "$here/../../weights")"
mkdir -p "$2"
cd "$2"
ln -sfn "$weights" weights
ln -sfn "$here/../data/mnist" mnist
cat > m.json <<'JSON'
{"weights": [0.3, 0.7], "means": [[-1, 0.5], [1, -0.25]], "stds": [0.2, 0.4]}
JSON
: > sums
number=0
while read -r line; do
    case "$line" in '' | '#'*) continue ;; esac
    number=$((number + 1))
    name="$(printf '%03d' "$number")"
    mkdir -p "$name"
    # A command writes below a folder of its own, which the list calls OUT.
    status=0
    # shellcheck disable=SC2086
    "$program" ${line//OUT/$name} > "$name/stdout" 2> "$name/stderr" < /dev/null || status=$?
    # Seconds differ from run to run.
    sed -i -E 's/"seconds(_std)?": [0-9.e+-]+/"seconds": 0/' "$name/stdout"
    sed -i -z -E 's/"seconds_seeds": \[[^]]*\]/"seconds_seeds": []/g' "$name/stdout"
    written="$(cd "$name" && find . -type f \( -name '*.npy' -o -name '*.safetensors' -o -name '*loss.csv' \) -print0 \
        | sort -z | xargs -0r sha256sum | sha256sum)"
    printed="$(sha256sum < "$name/stdout")"
    echo "$name ${written%% *} ${printed%% *} $status $line" >> sums
done < "$here/commands"
echo "$number commands recorded in $2/sums" >&2
