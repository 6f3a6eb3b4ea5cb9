"""Layer lists and MeshNets: the numbers of the same network written out in PyTorch; published weights as they are."""

import json

import numpy as np
import pytest
from django.conf import settings

from evaluators import predictions
from evaluators.sandbox import Sandbox
from leaderboard.demo import brain_tissue
from tests.evaluators.predicting import CLASSES, SEGMENTS, by_torch, predict, save_config

BRAINCHOP = settings.SHARED_DATA / "models_brainchop"


@pytest.fixture(scope="module")
def box():
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture
def signals(tmp_path):
    folder = tmp_path / "inputs"
    folder.mkdir()
    np.savez(folder / "beats.npz", x=np.random.default_rng(0).normal(size=(6, 96)).astype(np.float32))
    return folder


CONVOLUTIONAL = [
    {"layer": "conv1d", "in_channels": 1, "out_channels": 4, "kernel_size": 5, "padding": 2, "bias": False},
    {"layer": "batchnorm1d", "num_features": 4},
    {"layer": "relu"},
    {"layer": "residual", "layers": [{"layer": "conv1d", "in_channels": 4, "out_channels": 4, "kernel_size": 3,
                                      "padding": 1}, {"layer": "gelu"}]},
    {"layer": "skip", "layers": [{"layer": "conv1d", "in_channels": 4, "out_channels": 2, "kernel_size": 1}]},
    {"layer": "adaptiveavgpool1d", "output_size": 3},
    {"layer": "flatten"},
    {"layer": "linear", "in_features": 18, "out_features": 2},
]  # fmt: skip


def test_a_layer_list_gives_what_the_same_layers_give_in_pytorch(box, signals, tmp_path):
    code = """
class Residual(nn.Module):
    def __init__(self): super().__init__(); self.__dict__["f"] = None; setattr(self, "0", nn.Conv1d(4, 4, 3, padding=1))
    def forward(self, x): return x + nn.functional.gelu(getattr(self, "0")(x))
class Skip(nn.Module):
    def __init__(self): super().__init__(); setattr(self, "0", nn.Conv1d(4, 2, 1))
    def forward(self, x): return torch.cat([x, getattr(self, "0")(x)], 1)
net = nn.Sequential(nn.Conv1d(1, 4, 5, padding=2, bias=False), nn.BatchNorm1d(4), nn.ReLU(), Residual(), Skip(),
                    nn.AdaptiveAvgPool1d(3), nn.Flatten(), nn.Linear(18, 2))
x = torch.from_numpy(np.load(sys.argv[1])["x"])[:, None]
net(x)  # running statistics that are not 0 and 1
save_file(net.state_dict(), sys.argv[2])
show(net.eval()((x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True)).softmax(1))
"""
    inputs = {"kind": "signal", "steps": [{"step": "normalise"}]}
    folder = save_config(tmp_path / "m", framework="layers", layers=CONVOLUTIONAL, inputs=inputs)
    expected = by_torch(code, signals / "beats.npz", folder / "model.safetensors")

    found = predict(box, folder, signals, CLASSES, tmp_path / "out", [f"beats.npz#{n}" for n in range(6)])

    assert found.status == "done", found
    assert predictions.load(tmp_path / "out", "classification", 6) == pytest.approx(expected, abs=1e-6)


NESTED = {"layer": "relu"}
for _ in range(50):
    NESTED = {"layer": "block", "layers": [NESTED]}
HOSTILE = [
    ([], "list of 1 to"),
    ([{"layer": "os.system"}], "no layer known"),
    ([{"layer": "relu", "inplace": True}], "takes no"),
    ([{"layer": "linear", "in_features": 10**9, "out_features": 10**9}], "missing"),
    ([{"layer": "conv1d", "in_channels": "a"}], "cannot be made"),
    ([{"layer": "linear", "in_features": {"x": 1}, "out_features": 2}], "takes no"),
    ([NESTED], "8 deep"),
]


def test_hostile_layer_lists_are_refused_before_anything_is_allocated(tmp_path):
    for number, (layers, _) in enumerate(HOSTILE):
        save_config(tmp_path / f"{number}", framework="layers", layers=layers)
    code = """
import resource
from pathlib import Path
from evaluators import runners
from evaluators.faults import Faults
for folder in sorted(Path(sys.argv[1]).iterdir()):
    save_file({"x": torch.zeros(1)}, folder / "model.safetensors")
    try:
        runners.open_network(folder, [], json.loads(sys.argv[2]), 1)
    except Faults as faults:
        (folder / "told").write_text(str(faults))
show(torch.tensor(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
"""
    megabytes = by_torch(code, tmp_path, json.dumps(CLASSES))
    assert megabytes < 4000  # most of it torch itself; the fourth would take 4 EB
    for number, (_, words) in enumerate(HOSTILE):
        assert words in (tmp_path / f"{number}" / "told").read_text()


@pytest.mark.skipif(not BRAINCHOP.is_dir(), reason="the published networks are not beside the project")
def test_a_published_meshnet_runs_as_it_is_on_a_volume_turned_and_padded(box, tmp_path):
    import nibabel

    (tmp_path / "inputs").mkdir()
    volume = brain_tissue.template()[0][30:90, 100:164, 60:120]  # cortex
    nibabel.Nifti1Image(volume, np.diag([-1, 1, 1, 1])).to_filename(tmp_path / "inputs" / "a.nii.gz")  # LAS
    steps = [{"step": "reorient", "to": "LIA"}, {"step": "pad", "size": [64]}, {"step": "normalise", "how": "minmax"}]
    config = json.loads((BRAINCHOP / "model5_gw_ae.json").read_text())
    folder = save_config(tmp_path / "m", framework="meshnet", inputs={"steps": steps}, **config)
    (folder / "model.safetensors").write_bytes((BRAINCHOP / "model5_gw_ae.safetensors").read_bytes())
    code = """
w = load_file(sys.argv[1]); x = torch.from_numpy(np.load(sys.argv[2]))
x = x.flip(2).permute(0, 2, 1)  # LAS to LIA: z mirrored, then second
whole = torch.zeros(64, 64, 64); whole[2:62, 2:62] = x
x = ((whole - whole.min()) / (whole.max() - whole.min()))[None, None]
for n, d in enumerate((1, 2, 4, 8, 16, 8, 4, 2, 1)):
    x = nn.functional.conv3d(x, w[f"model.{2 * n}.weight"], w[f"model.{2 * n}.bias"], padding=d, dilation=d).relu()
x = nn.functional.conv3d(x, w["model.18.weight"], w["model.18.bias"])[0].argmax(0)[2:62, 2:62]
show(x.permute(0, 2, 1).flip(2))
"""
    np.save(tmp_path / "a.npy", volume)
    expected = by_torch(code, folder / "model.safetensors", tmp_path / "a.npy")

    found = predict(box, folder, tmp_path / "inputs", SEGMENTS, tmp_path / "out")

    assert found.status == "done", found
    assert found.value["cost"]["parameters"] == 5598
    assert len(np.unique(expected)) == 3
    assert np.array_equal(
        predictions.load(tmp_path / "out", "segmentation", 1)[0], np.array([0, 1, 5])[expected.astype(int)]
    )


@pytest.mark.soak
@pytest.mark.skipif(not BRAINCHOP.is_dir(), reason="the published networks are not beside the project")
def test_the_published_meshnet_with_normalisation_takes_its_parameters(box, tmp_path):
    """mindgrab: its own JSON leaves the channels open; 15 and 2 are in the file."""
    (tmp_path / "inputs").mkdir()
    np.savez(tmp_path / "inputs" / "a.npz", x=np.random.default_rng(0).random((16, 16, 16)).astype(np.float32))
    config = json.loads((BRAINCHOP / "mindgrab.json").read_text())
    for number, layer in enumerate(config["layers"]):
        layer |= {"in_channels": 15 if number else 1, "out_channels": 15 if number < len(config["layers"]) - 1 else 2}
    folder = save_config(tmp_path / "m", framework="meshnet", inputs={"kind": "volume"}, **config)
    code = """
w = torch.load(sys.argv[1], map_location="cpu", weights_only=True); save_file(w, sys.argv[2])
x = torch.from_numpy(np.load(sys.argv[3])["x"])[None, None]
for n, d in enumerate((16, 8, 4, 2, 1) * 5):
    x = nn.functional.conv3d(x, w[f"model.{n}.0.weight"], padding=d, dilation=d)
    x = nn.functional.gelu(nn.functional.instance_norm(x))
show(nn.functional.conv3d(x, w["model.25.weight"], w["model.25.bias"])[0].argmax(0))
"""
    manifest = SEGMENTS | {"classes": ["background", "brain"], "label_values": {"brain": 1}}
    file = BRAINCHOP / "mindgrab.pth"
    expected = by_torch(code, file, folder / "model.safetensors", tmp_path / "inputs" / "a.npz")

    found = predict(box, folder, tmp_path / "inputs", manifest, tmp_path / "out")

    assert found.status == "done", found
    assert found.value["cost"]["parameters"] == 146_237
    assert (predictions.load(tmp_path / "out", "segmentation", 1)[0] == expected).mean() > 0.999
