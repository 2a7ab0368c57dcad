#!/usr/bin/env bash
# A tokenizer of Common Voice: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=commonvoice
about="Common Voice: sentences read by volunteers. Some languages: --prepare_settings corpus.languages=[cy,eu]"
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
