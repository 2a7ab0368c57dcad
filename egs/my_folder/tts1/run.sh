#!/usr/bin/env bash
# Text to speech in your own voices, from tts-debian on: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=my_folder
about="Text to speech in your own voices, on data that egs/my_folder/codec1/run.sh has made: README.md tells how."
. egs/common/tts_defaults.sh
. egs/common/tts_stages.sh
