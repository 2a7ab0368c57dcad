"""The log-mel conventions of published vocoders, by name."""

from audiovq.audio.mel import LogMelConfig

MEL_PRESETS: dict[str, LogMelConfig] = {
    "audiovq-16k": LogMelConfig(),
    # Source: Kong et al. 2020, HiFi-GAN: config_v1.json and meldataset.py of jik876/hifi-gan, as used for LJSpeech.
    "hifigan-22k": LogMelConfig(sample_rate=22050, n_fft=1024, hop_length=256, padding="reflect", power_offset=1e-9),
    # Source: Siuzdak 2023, Vocos: configs/vocos.yaml and feature_extractors.py of gemelo-ai/vocos.
    "vocos-24k": LogMelConfig(
        sample_rate=24000,
        n_fft=1024,
        hop_length=256,
        num_mels=100,
        fmax=12000.0,
        floor=1e-7,
        padding="reflect_center",
        filter_scale="htk",
        filter_norm="none",
    ),
}
