#!/usr/bin/env bash
# A tokenizer of NSynth: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=nsynth
about="NSynth: 305,979 notes of 1006 instruments, 340 hours at 16 kHz."
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
