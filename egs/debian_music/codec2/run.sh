#!/usr/bin/env bash
# A tokenizer of 44.1 kHz stereo music: see --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

name=debian_music
about="The music of codec1 in stereo at 44.1 kHz (12 GB), and one set of codes for both channels."
. egs/common/codec_defaults.sh
task=codec2 data=data/debian_music44 exp=exp/debian_music/codec2 experiment=debian_music_codec2
sample_rate=44100 prepare_settings="num_channels=2"
evaluate_settings="metrics=[mel_distance,visqol_audio,stereo] most_seconds=30"
download=true
more_options=experiment
more_help="  --experiment $experiment   or ${experiment}_separate, ${experiment}_mid_side: as many bits in two sets of codes
"
. egs/common/codec_options.sh
. egs/common/codec_stages.sh
