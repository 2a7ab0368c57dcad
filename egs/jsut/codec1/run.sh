#!/usr/bin/env bash
# A tokenizer of JSUT: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=jsut
about="JSUT: 10 hours of one Japanese reader."
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
