#!/usr/bin/env bash
# The stages of a music prior on eleven bundled clips, in a minute or two: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=mini
about="Every stage of a music prior on eleven bundled clips of speech. What comes out is no music: it shows that all works."
. egs/common/music_defaults.sh
stage=0 tokenizer=speech-16k num_levels=3 labels='' num_pieces=2 seconds=2 primer_seconds=0.5 about_data=egs/mini/data/README.md
score_settings=--no-embeddings
. egs/common/music_stages.sh
