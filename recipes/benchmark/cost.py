"""What a codec costs apart from time: multiply-adds and memory."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils import parametrize
from torch.utils.flop_counter import FlopCounterMode

from recipes.benchmark import rivals
from recipes.benchmark.codec import Codec, CodecError
from recipes.benchmark.synthetic import speech_like


@dataclass(frozen=True)
class MultiplyAdds:
    """Of the convolutions, matrix products and attention of one encode and one decode; FFTs are not counted."""

    encode: int
    decode: int


def multiply_adds(codec: Codec, wave: Tensor) -> MultiplyAdds | None:
    """None for a codec without a network.

    Shape: wave (1, T) at the codec's rate
    """
    if codec.num_parameters is None:
        return None
    with _countable():
        codec.decode(codec.encode(wave))  # computes the weights that are stored in parts, which the counter trips over
        with FlopCounterMode(display=False) as encoding:
            encoded = codec.encode(wave)
        with FlopCounterMode(display=False) as decoding:
            codec.decode(encoded)
    return MultiplyAdds(encoding.get_total_flops() // 2, decoding.get_total_flops() // 2)


@contextlib.contextmanager
def _countable() -> Iterator[None]:
    """Without oneDNN, a recurrent layer is made of matrix products that can be counted."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "TF32 acceleration", UserWarning)  # about GPUs, whatever is switched
        with torch.backends.mkldnn.flags(enabled=False), torch.no_grad(), parametrize.cached():
            yield


def peak_bytes(word: str, seconds: float) -> int:
    """The most memory that a fresh process held which loaded a network, then encoded and decoded some seconds.

    Raises: CodecError when that process fails.
    """
    command = [sys.executable, "-m", "recipes.benchmark.cost", word, str(seconds)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["it said nothing"]
        raise CodecError(f"`{' '.join(command)}` ended with code {result.returncode}: {lines[-1]}")
    return int(json.loads(result.stdout.splitlines()[-1]))


def main() -> None:
    """Code once, and print the peak in bytes."""
    codec = rivals.make(sys.argv[1])
    wave = speech_like(float(sys.argv[2]), codec.sample_rate)
    codec.decode(codec.encode(wave))
    print(json.dumps(_peak_of_this_process()))


def _peak_of_this_process() -> int:
    """In bytes. Linux's own count, where there is one: the portable one begins with that of the process before it."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
