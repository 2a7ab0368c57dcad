"""The language model of egs/gpt2, trained on an export; a stand-in for datasets reads the file with pyarrow."""

import subprocess
import sys
from pathlib import Path

from safetensors import safe_open

from audiovq.tokens.flatten import vocabulary_size
from audiovq.tokens.formats import export_table
from tests.tokens.tables import LAYOUT, table

ROOT = Path(__file__).parents[2]
DATASETS = """
from itertools import cycle
import pyarrow.parquet as pq

def load_dataset(kind, data_files, split, streaming):
    assert (kind, split, streaming) == ("parquet", "train", True)
    return Rows(pq.read_table(data_files).to_pylist())

class Rows(list):
    def shuffle(self, seed, buffer_size):
        return self

    def repeat(self, times):
        assert times is None
        return (row for row in cycle(self))
"""


def test_it_trains_on_the_flat_stream(tmp_path: Path) -> None:
    (tmp_path / "datasets.py").write_text(DATASETS)
    export_table(table(tmp_path / "table"), tmp_path / "flat", "flat")
    command = [sys.executable, str(ROOT / "egs/gpt2/train.py"), str(tmp_path / "flat"), str(tmp_path / "model"), "1"]
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("step 1: 8.")  # about the logarithm of the number of tokens
    with safe_open(tmp_path / "model/model.safetensors", "pt") as weights:
        assert weights.get_slice("transformer.wte.weight").get_shape()[0] == vocabulary_size(LAYOUT) + 1
