#!/usr/bin/env bash
# The stages of a vocoder recipe on eleven bundled clips, in a minute: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=mini
about="Every stage of a vocoder recipe on eleven bundled clips of four voices. What comes out is no vocoder: it shows that all works."
. egs/common/voc_defaults.sh
stage=0 about_data=egs/mini/data/README.md
. egs/common/voc_stages.sh
