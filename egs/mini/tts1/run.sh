#!/usr/bin/env bash
# The stages of text to speech on eleven bundled clips, in a minute or two: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=mini
about="Every stage of text to speech on eleven bundled clips of four voices. What comes out is no speech: it shows that all works."
. egs/common/tts_defaults.sh
stage=0 recogniser='' about_data=egs/mini/data/README.md
. egs/common/tts_stages.sh
