#!/usr/bin/env bash
# A prior that composes chorales: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=rendered_scores
about="Chorales in the manner of Bach's, in eight instruments, on the data of egs/rendered_scores/codec1/run.sh and the codes of music-32k."
. egs/common/music_defaults.sh
labels=labels.jsonl
. egs/common/music_stages.sh
