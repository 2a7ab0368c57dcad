#!/usr/bin/env bash
# A tokenizer of 32 kHz music: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_music
about="About 19 hours of music of games from Debian packages, split by album."
. egs/common/codec_defaults.sh
sample_rate=32000
download=true
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
