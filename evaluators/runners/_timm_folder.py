"""A child process that makes a folder of a timm architecture and local weights: config.json and model.safetensors.

`python -m evaluators.runners._timm_folder ARCHITECTURE WEIGHTS FOLDER`. Ends with 2 and one line on stderr where the
weights do not fit. Nothing is downloaded, and a pickle is read as tensors alone.
"""

import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from timm.models import save_for_hf


def main(architecture: str, weights: str, folder: str) -> str:
    """What is wrong, or "" where the folder is made."""
    if not timm.is_model(architecture):
        near = ", ".join(timm.list_models(f"*{architecture[:6]}*")[:5])
        return f"timm knows no architecture {architecture!r}" + (f"; it knows {near}" if near else "")
    try:
        state = (
            load_file(weights) if weights.endswith(".safetensors") else torch.load(weights, "cpu", weights_only=True)
        )
    except Exception as error:  # a damaged file, or one that is more than tensors
        return f"{Path(weights).name} cannot be read as tensors: {str(error).splitlines()[0][:200]}"
    state = state.get("state_dict", state) if isinstance(state, dict) else {}
    options = {"pretrained": False} | _told_by(state, architecture)
    model = timm.create_model(architecture, **options)
    try:
        model.load_state_dict(state, strict=True)
    except (RuntimeError, AttributeError, TypeError) as error:
        return f"the weights do not fit {architecture}: {' '.join(str(error).split())[:300]}"
    save_for_hf(model, folder, model_args={"num_classes": model.num_classes}, safe_serialization=True)
    return ""


def _told_by(state: dict, architecture: str) -> dict:
    """The number of classes and of input channels, as the weights have them."""
    facts = timm.get_pretrained_cfg(architecture)
    options = {}
    heads = facts.classifier if isinstance(facts.classifier, tuple | list) else [facts.classifier]
    head = state.get(f"{heads[0]}.weight") if heads else None
    if head is not None:
        options["num_classes"] = int(head.shape[0])
    first = facts.first_conv[0] if isinstance(facts.first_conv, tuple | list) else facts.first_conv
    stem = state.get(f"{first}.weight")
    if stem is not None:
        options["in_chans"] = int(stem.shape[1])
    return options


if __name__ == "__main__":
    wrong = main(*sys.argv[1:])
    if wrong:
        print(wrong, file=sys.stderr)
    sys.exit(2 if wrong else 0)
