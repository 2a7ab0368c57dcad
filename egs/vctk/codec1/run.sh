#!/usr/bin/env bash
# A tokenizer of VCTK: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=vctk
about="VCTK 0.92: 44 hours of 110 English readers with many accents."
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
