#!/usr/bin/env bash
# A prior that composes music: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_music
about="Music in the manner of eleven games, on the data of egs/debian_music/codec1/run.sh and the codes of music-32k."
. egs/common/music_defaults.sh
. egs/common/music_stages.sh
