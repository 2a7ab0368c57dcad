#!/usr/bin/env bash
# LJSpeech's one English voice: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=ljspeech
about="Text to speech in the one voice of LJSpeech."
. egs/common/tts_defaults.sh
. egs/common/tts_stages.sh
