"""MONAI networks: what MONAI itself gives, for each on the list; nothing outside the list, no argument of another kind."""

import json

import numpy as np
import pytest

from evaluators import predictions
from evaluators.sandbox import Sandbox
from tests.evaluators.predicting import CLASSES, SEGMENTS, by_torch, predict, save_config

pytest.importorskip("monai", reason="MONAI is an optional extra")

UNET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 8, 8], "strides": [2, 2], "norm": "batch",
        "act": ["leakyrelu", {"negative_slope": 0.1}]}  # fmt: skip
SMALL = {
    "UNet": UNET,
    "DynUNet": {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "kernel_size": [3, 3, 3], "strides": [1, 2, 2],
                "upsample_kernel_size": [2, 2], "filters": [4, 8, 8]},
    "SegResNet": {"spatial_dims": 3, "init_filters": 8, "in_channels": 1, "out_channels": 3},
    "SwinUNETR": {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "feature_size": 12},
    "UNETR": {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "img_size": [96, 96], "feature_size": 8, "hidden_size": 48,
              "mlp_dim": 96, "num_heads": 4},
    "DenseNet121": {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "init_features": 8, "growth_rate": 4},
    "ResNet": {"block": "basic", "layers": [1, 1, 1, 1], "block_inplanes": [4, 8, 8, 8], "spatial_dims": 2,
               "n_input_channels": 1, "num_classes": 2},
    "BasicUNet": {"spatial_dims": 2, "in_channels": 1, "out_channels": 3, "features": [4, 4, 8, 8, 8, 4]},
    "VNet": {"spatial_dims": 2, "dropout_dim": 2, "in_channels": 1, "out_channels": 3},
    "EfficientNetBN": {"model_name": "efficientnet-b0", "spatial_dims": 2, "in_channels": 1, "num_classes": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def box():
    box = Sandbox()
    yield box
    box.close()


HOSTILE = [
    ({"network": "os.system"}, "no network"),
    ({"network_def": {"_target_": "builtins.eval", "source": "1"}}, "no network"),
    ({"network_def": {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}}, "no network"),
    ({"network": "monai.networks.nets.UNet.__init__"}, "no network"),
    ({"network": "UNet", "arguments": UNET | {"pretrained": True}}, "no argument"),
    ({"network": "DenseNet121", "arguments": {"spatial_dims": 2, "pretrained": True}}, "no argument"),
    ({"network": "SwinUNETR", "arguments": {"norm_layer": "x"}}, "no argument"),
    ({"network": "UNet", "arguments": UNET | {"act": {"_target_": "os.system"}}}, "no plain value"),
    ({"network": "UNet", "arguments": UNET | {"act": "$import os"}}, "no plain value"),
    ({"network": "UNet", "arguments": UNET | {"norm": "../../etc"}}, "no plain value"),
    ({"network": "UNet", "arguments": UNET | {"channels": [10**6, 10**6, 10**6]}}, "do not fit"),
    ({"network": "UNet", "arguments": {"spatial_dims": "3"}}, "makes no UNet"),
    ({"network": "UNet", "arguments": []}, "not an object"),
    ({"network": "UNet", "arguments": UNET | {"num_res_units": 2}}, "missing"),
]


def test_each_network_gives_what_monai_gives_and_hostile_ones_are_refused_before_anything_is_allocated(tmp_path):
    """One process opens them all; the networks beside ours are made by MONAI's own constructors."""
    for name, arguments in SMALL.items():
        save_config(tmp_path / "good" / name, framework="monai", network=name, arguments=arguments)
    for number, (config, _) in enumerate(HOSTILE):
        save_config(tmp_path / "bad" / f"{number:02d}", framework="monai", **config)
    code = """
import resource
from pathlib import Path
from monai.networks import nets
from safetensors.torch import save_model
from evaluators import runners
from evaluators.faults import Faults
segments, classes, unet = map(json.loads, sys.argv[2:])
weights = nets.UNet(**unet).state_dict()
for folder in sorted(Path(sys.argv[1], "bad").iterdir()):
    save_file(weights, folder / "model.safetensors")
    try:
        runners.open_network(folder, [], segments, 1)
    except Faults as faults:
        (folder / "told").write_text(str(faults))
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
differences = []
for folder in sorted(Path(sys.argv[1], "good").iterdir()):
    config = json.loads((folder / "config.json").read_text())
    arguments = config["arguments"] | ({"act": ("leakyrelu", {"negative_slope": 0.1})} if config["network"] == "UNet" else {})
    if config["network"].startswith("Eff"): arguments["pretrained"] = False
    net = getattr(nets, config["network"])(**arguments)
    save_model(net, folder / "model.safetensors")  # as it is told to: DynUNet holds parameters twice
    kind = classes if config["network"] in ("DenseNet121", "ResNet", "EfficientNetBN") else segments
    ours = runners.open_network(folder, [], kind, 1)
    x = np.random.default_rng(0).normal(size=(2, *ours.synthetic().shape)).astype(np.float32)[..., :64]
    x = x if config["network"] != "UNETR" else x.repeat(2, -1)[..., :96]
    if x.ndim == 5: x = x[:1, :, :32, :32, :32]
    with torch.no_grad():
        wanted = net.eval()(torch.from_numpy(x))
    wanted = wanted[0] if isinstance(wanted, (tuple, list)) else wanted
    differences.append(float(np.abs(ours(x) - wanted.numpy()).max()))
    assert ours.parameters == sum(p.numel() for p in net.parameters())
show(torch.tensor([megabytes, *differences]))
"""
    said = [json.dumps(one) for one in (SEGMENTS, CLASSES, UNET | {"act": "relu"})]
    megabytes, *differences = by_torch(code, tmp_path, *said)
    assert len(differences) == len(SMALL) and max(differences) < 1e-4
    told = [(tmp_path / "bad" / f"{number:02d}" / "told") for number in range(len(HOSTILE))]
    told = [path.read_text() if path.exists() else "opened" for path in told]
    assert [words for (_, words), text in zip(HOSTILE, told, strict=True) if words not in text] == [], told
    assert megabytes < 2000


def test_a_bundles_definition_runs_through_windows_on_a_volume_with_spacing(box, tmp_path):
    import nibabel

    (tmp_path / "inputs").mkdir()
    volume = np.random.default_rng(0).normal(size=(20, 24, 10)).astype(np.float32)
    nibabel.Nifti1Image(volume, np.diag([1, 1, 2, 1])).to_filename(tmp_path / "inputs" / "a.nii.gz")
    inputs = {"steps": [{"step": "resample", "spacing": [1]}, {"step": "normalise"}]}
    folder = save_config(
        tmp_path / "m", framework="monai", network_def={"_target_": "monai.networks.nets.UNet", **UNET}, inputs=inputs,
        inference={"patch": [16, 16, 16], "overlap": 0.5, "flips": [0]},
    )  # fmt: skip
    code = """
from monai.networks.nets import UNet
from monai.inferers import sliding_window_inference
net = UNet(**json.loads(sys.argv[3]) | {"act": ("leakyrelu", {"negative_slope": 0.1})}).eval()
save_file(net.state_dict(), sys.argv[2])
x = torch.from_numpy(np.load(sys.argv[1]))[None, None]
x = nn.functional.interpolate(x, size=(20, 24, 20), mode="trilinear")
x = (x - x.mean()) / x.std(correction=0)
with torch.no_grad():
    see = lambda x: sliding_window_inference(x, (16, 16, 16), 4, net, overlap=0.5, mode="gaussian")
    y = (see(x) + see(x.flip(2)).flip(2)) / 2
show(nn.functional.interpolate(y, size=(20, 24, 10), mode="trilinear")[0].argmax(0))
"""
    np.save(tmp_path / "a.npy", volume)
    expected = by_torch(code, tmp_path / "a.npy", folder / "model.safetensors", json.dumps(UNET))

    found = predict(box, folder, tmp_path / "inputs", SEGMENTS, tmp_path / "out")

    assert found.status == "done", found
    answer = predictions.load(tmp_path / "out", "segmentation", 1)[0]
    assert answer.shape == volume.shape and len(np.unique(answer)) > 1
    assert (answer == np.array([0, 1, 5])[expected.astype(int)]).mean() > 0.999
