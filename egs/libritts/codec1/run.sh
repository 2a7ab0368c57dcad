#!/usr/bin/env bash
# A tokenizer of LibriTTS: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=libritts
about="LibriTTS: 585 hours of English audiobooks by 2456 readers. Fewer parts: --prepare_settings corpus.parts=[train-clean-100,dev-clean,test-clean]"
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
