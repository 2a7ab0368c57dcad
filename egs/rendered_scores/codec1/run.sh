#!/usr/bin/env bash
# A tokenizer of rendered scores: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=rendered_scores
about="The scores of music21's corpus, played by FluidSynth: stage 0 renders them, which takes hours.
Some of them: --prepare_settings corpus.folders=[bach,monteverdi]; on all cores: --prepare_settings corpus.num_jobs=8"
. egs/common/codec_defaults.sh
sample_rate=32000
download=true
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
