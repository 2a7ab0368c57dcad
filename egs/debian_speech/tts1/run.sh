#!/usr/bin/env bash
# Seven voices in five languages that speak texts: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_speech
about="Text to speech in English, Spanish, French, Italian and Russian, on the data of egs/debian_speech/codec1/run.sh.
All transcribed voices in all their languages: --prepare_settings 'speakers=[]'."
. egs/common/tts_defaults.sh
. egs/common/tts_stages.sh
