#!/usr/bin/env bash
# A tokenizer of AISHELL-3: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=aishell3
about="AISHELL-3: 85 hours of 218 Mandarin speakers."
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
