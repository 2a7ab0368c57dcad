#!/usr/bin/env bash
# A tokenizer of your own recordings: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=my_folder
about="Your own sound files, in --corpus_root: a folder for each voice (in music: each album), text beside a file in a .txt.
If all are of one voice: --prepare_settings corpus.speaker=me. To keep settings, make a recipe: python -m recipes.new_recipe"
. egs/common/codec_defaults.sh
corpus=folder corpus_root=my_recordings
more_options=experiment
more_help="  --experiment $experiment   in configs/experiment; of music: my_folder_music, with --sample_rate 32000
"
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
