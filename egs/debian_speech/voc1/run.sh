#!/usr/bin/env bash
# A vocoder for 16 kHz speech, on the data of codec1: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_speech
about="Log-mels to sound, half of them decoded by speech-16k, on the data of egs/debian_speech/codec1."
. egs/common/voc_defaults.sh
more_help="experiment debian_speech_voc2 trains one with phases of its own against discriminators: for a GPU
"
. egs/common/voc_stages.sh
