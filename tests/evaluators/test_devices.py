"""GPUs are lent to one run each, among threads and processes of a machine; files of the test stand for the devices."""

import subprocess
import sys
import threading

import pytest

from evaluators import devices


def test_the_devices_of_a_machine_are_counted_and_may_be_restricted(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert devices.visible(tmp_path) == []
    for name in ("nvidia0", "nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert devices.visible(tmp_path) == ["0", "2", "10"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-ab/1")
    assert devices.visible(tmp_path) == ["2", "GPU-ab/1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.visible(tmp_path) == []


def test_without_a_device_nothing_is_lent_and_nobody_waits(tmp_path):
    with devices.lend([], tmp_path) as first, devices.lend([], tmp_path) as second:
        assert first == second == ""


def in_another_process(folder) -> subprocess.CompletedProcess:
    code = (
        "import sys; from pathlib import Path; from evaluators import devices\n"
        "with devices.lend(['0'], Path(sys.argv[1]), lambda: sys.exit('waits')) as gpu: print(gpu)"
    )
    return subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)


def test_two_runs_never_share_a_device(tmp_path):
    with devices.lend(["0", "1"], tmp_path / "gpus") as first:
        with devices.lend(["0", "1"], tmp_path / "gpus") as second:
            assert {first, second} == {"0", "1"}
        assert "waits" in in_another_process(tmp_path / "gpus").stderr
    assert in_another_process(tmp_path / "gpus").stdout.strip() == "0"


def test_a_run_that_waits_gets_the_device_that_is_given_back(tmp_path):
    had, waits = [], threading.Event()

    def second():
        with devices.lend(["0"], tmp_path, waits.set) as gpu:
            had.append(gpu)

    thread = threading.Thread(target=second)
    with devices.lend(["0"], tmp_path):
        thread.start()
        assert waits.wait(10) and not had
    thread.join(10)
    assert had == ["0"]


def test_a_run_that_is_cancelled_stops_waiting(tmp_path):
    def cancelled():
        raise InterruptedError

    with devices.lend(["0"], tmp_path), pytest.raises(InterruptedError), devices.lend(["0"], tmp_path, cancelled):
        pass
