#!/usr/bin/env bash
# A tokenizer of 16 kHz speech, from an empty disk to a model folder: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_speech
about="About 15 hours of speech from Debian packages (0.8 GB, decoded 1.8 GB; needs no root), and three levels trained on it."
. egs/common/codec_defaults.sh
download=true
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
