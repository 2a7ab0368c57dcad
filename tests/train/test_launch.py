"""What the launchers around us say about processes and nodes."""

import pytest

from audiovq.train.launch import processes_around


@pytest.fixture(autouse=True)
def outside_of_launchers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "SLURM_NTASKS", "SLURM_NNODES"):
        monkeypatch.delenv(name, raising=False)


def test_alone() -> None:
    assert processes_around({}) == (1, 1)


def test_under_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "3"}.items():
        monkeypatch.setenv(name, value)
    assert processes_around({"LOCAL_WORLD_SIZE": "4", "GROUP_WORLD_SIZE": "2"}) == (4, 2)


def test_under_srun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_JOB_NAME", "codec1")
    assert processes_around({"SLURM_NTASKS": "8", "SLURM_NNODES": "2"}) == (4, 2)


def test_in_a_shell_of_slurm_without_srun_the_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_JOB_NAME", "bash")
    assert processes_around({"SLURM_NTASKS": "8", "SLURM_NNODES": "2"}) == (1, 1)
