#!/usr/bin/env bash
# A tokenizer of MUSDB18-HQ: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=musdb18
about="MUSDB18-HQ: 150 songs, 10 hours. Stems too: --prepare_settings corpus.stems=[mixture,vocals,drums,bass,other]"
. egs/common/codec_defaults.sh
sample_rate=32000
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
