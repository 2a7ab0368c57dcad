#!/usr/bin/env bash
# The stages of a recipe on eleven bundled clips, in a minute or two: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=mini
about="Every stage of a recipe on eleven bundled clips of four voices. What comes out is no model: it shows that all works."
. egs/common/codec_defaults.sh
corpus_root=egs/mini/data about_data=egs/mini/data/README.md
exp=exp/mini/codec1_FRONTEND experiment=mini_codec1_FRONTEND
frontend=mel more_options=frontend
more_help="  --frontend $frontend  mel or wave: what the encoder reads
"
. egs/common/codec_options.sh

case "$frontend" in
  mel | wave) ;;
  *) die "--frontend must be mel or wave, got '$frontend'" ;;
esac
exp=${exp/FRONTEND/$frontend} experiment=${experiment/FRONTEND/$frontend}

. egs/common/codec_stages.sh
