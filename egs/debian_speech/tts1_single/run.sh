#!/usr/bin/env bash
# The single voice with the most speech: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_speech
about="Text to speech in the one voice of festvox-ru, Russian prose."
. egs/common/tts_defaults.sh
exp=exp/debian_speech/tts1_single splits=train prepare_settings="speakers=[ru_festvox_nsh]"
. egs/common/tts_stages.sh
