#!/usr/bin/env bash
# A tokenizer of FMA: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=fma
about="FMA: 30 s clips in many genres, 66 hours. More: --prepare_settings corpus.subset=large"
. egs/common/codec_defaults.sh
sample_rate=32000
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
