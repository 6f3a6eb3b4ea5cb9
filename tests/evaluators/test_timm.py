"""timm networks: pretrained_cfg is honoured as timm honours it, and every kind of answer comes from one."""

import json

import numpy as np
import pytest

from tests.evaluators.predicting import CLASSES, by_torch

CFGS = [
    {"input_size": [3, 64, 64], "interpolation": how, "crop_pct": pct, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    | mode
    for how, pct, mode in [
        ("bicubic", 0.875, {}), ("bilinear", 1.0, {"crop_mode": "center"}), ("lanczos", 0.95, {"crop_mode": "squash"}),
        ("bicubic", 0.9, {"crop_mode": "border"}), ("nearest", 0.8, {}), ("bicubic", 0.9, {"input_size": [3, 48, 80]}),
        ("bilinear", 0.95, {"input_size": [1, 50, 50], "mean": [0.5], "std": [0.5]}),
    ]
]  # fmt: skip


def test_pictures_are_prepared_bit_for_bit_as_timm_does():
    code = """
from PIL import Image
from timm.data import create_transform, resolve_data_config
from evaluators.runners import timm, inputs
draw = np.random.default_rng(0)
pictures = [draw.integers(0, 255, shape).astype(np.uint8) for shape in ((70, 90, 3), (131, 64, 3), (40, 40), (64, 64, 3))]
differ = []
for cfg in json.loads(sys.argv[1]):
    theirs = create_transform(**resolve_data_config(
        pretrained_cfg={k: tuple(v) if isinstance(v, list) else v for k, v in cfg.items()}), is_training=False)
    declared = inputs.check({"kind": "image", "steps": timm.steps(timm._cfg({"pretrained_cfg": cfg}))})
    for picture in pictures:
        wanted = theirs(Image.fromarray(picture).convert("L" if cfg["input_size"][0] == 1 else "RGB")).numpy()
        found = inputs.prepare(picture, {"spatial": 2}, declared).array
        assert found.shape == wanted.shape, (cfg, picture.shape, found.shape, wanted.shape)
        differ.append(np.abs(found - wanted).max())
show(torch.tensor(differ))
"""
    assert by_torch(code, json.dumps(CFGS)).max() < 1e-6


KINDS = {
    "ordinal": (CLASSES | {"classes": ["none", "mild", "severe"], "ordinal": True}, 2, "ordinal"),
    "several labels": (CLASSES | {"classes": ["a", "b", "c"], "multilabel": True}, 3, None),
    "one output for two classes": (CLASSES, 1, None),
    "regression": (CLASSES | {"kind": "regression", "classes": []}, 1, None),
    "survival": (CLASSES | {"kind": "survival", "classes": []}, 1, "risk"),
    "bfloat16": (CLASSES | {"precision": ["bfloat16"]}, 2, None),
    "bfloat16 where it is not allowed": (CLASSES | {"precision": []}, 2, None),
}


def test_every_kind_of_answer_comes_from_a_timm_network(tmp_path):
    for name, (manifest, outputs, head) in KINDS.items():
        folder = tmp_path / name
        (folder / "out").mkdir(parents=True)
        config = {
            "architecture": "resnet10t",
            "num_classes": outputs,
            "pretrained_cfg": CFGS[0] | {"mean": [0.5], "std": [0.5]},
        }
        config |= {"head": head} if head else {}
        config |= {"precision": "bfloat16"} if "bfloat16" in name else {}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "manifest.json").write_text(json.dumps(manifest))
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3)).astype(np.uint8))
    code = """
import timm
from pathlib import Path
from evaluators import inference, predictions
pictures = np.load(sys.argv[1] + "/x.npy")
names = json.loads(sys.argv[2]); inputs = []
for n, picture in enumerate(pictures):
    np.save(f"{sys.argv[1]}/{n}.npy", picture); inputs.append(Path(f"{sys.argv[1]}/{n}.npy"))
x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
found = []
for name in names:
    folder = Path(sys.argv[1]) / name
    config, manifest = (json.loads((folder / f"{n}.json").read_text()) for n in ("config", "manifest"))
    config["pretrained_cfg"]["crop_pct"] = 1.0
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(1)
    net = timm.create_model("resnet10t", num_classes=config["num_classes"]).eval()
    save_file(net.state_dict(), folder / "model.safetensors")
    facts = inference.run(folder, ["config.json", "model.safetensors"], manifest, inputs, folder / "out")
    with torch.no_grad():
        y = net(x)
    answer = predictions.load(folder / "out", manifest["kind"], 4)
    sure = y.sigmoid()
    wanted = {
        "ordinal": lambda: torch.stack([1 - sure[:, 0], sure[:, 0] - sure.amin(1), sure.amin(1)], 1),
        "several labels": lambda: sure, "one output for two classes": lambda: torch.cat([1 - sure, sure], 1),
        "regression": lambda: y[:, 0], "survival": lambda: y[:, 0]}.get(name, lambda: y.softmax(1))().numpy()
    answer = answer["risk"] if name == "survival" else answer
    found.append([float(np.abs(answer - wanted).max()), facts["precision"] == "bfloat16"])
show(torch.tensor(found))
"""
    found = by_torch(code, tmp_path, json.dumps(list(KINDS)))
    differ = dict(zip(KINDS, found[:, 0], strict=True))
    assert found[:, 1].tolist() == [0, 0, 0, 0, 0, 1, 0], "reduced precision where both ask for it, and nowhere else"
    assert 0 < differ.pop("bfloat16") < 0.05
    assert max(differ.values()) == pytest.approx(0, abs=1e-5), differ
