#!/usr/bin/env bash
# A tokenizer of TEMPLATE: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=TEMPLATE
about="TEMPLATE: a line on what this corpus is."
. egs/common/codec_defaults.sh
corpus_root=FOLDER
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
