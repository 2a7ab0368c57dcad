#!/usr/bin/env bash
# A tokenizer of GTZAN: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=gtzan
about="GTZAN: clips of 30 s in ten genres; 930 of the 1000, without the faulty ones."
. egs/common/codec_defaults.sh
sample_rate=32000
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
