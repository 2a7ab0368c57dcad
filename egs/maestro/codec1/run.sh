#!/usr/bin/env bash
# A tokenizer of MAESTRO: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=maestro
about="MAESTRO 3: 199 hours of piano competitions."
. egs/common/codec_defaults.sh
sample_rate=32000
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
