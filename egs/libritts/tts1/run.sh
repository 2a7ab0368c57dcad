#!/usr/bin/env bash
# The many English voices of LibriTTS: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=libritts
about="Text to speech in the voices of LibriTTS."
. egs/common/tts_defaults.sh
. egs/common/tts_stages.sh
