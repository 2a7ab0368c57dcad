#!/usr/bin/env bash
# A prior that composes in the manner of your own music: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=my_folder
about="Music in the manner of your own, on data that egs/my_folder/codec1/run.sh has made at 32 kHz: README.md tells how."
. egs/common/music_defaults.sh
. egs/common/music_stages.sh
