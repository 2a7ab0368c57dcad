#!/usr/bin/env bash
# A tokenizer of LJSpeech: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=ljspeech
about="LJSpeech: 24 hours of one English reader."
. egs/common/codec_defaults.sh
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
