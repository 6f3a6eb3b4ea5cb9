"""Networks that transformers and MONAI push and load again, bit for bit: `python libraries.py` with HF_ENDPOINT and ALICE set.

Run by test_clients.py in a process of its own, so it imports nothing of ours, and the tests neither library. Tiny networks
with random weights; what comes back is compared tensor by tensor, and by what each makes of one input.
"""

import json
import os
import tempfile
from pathlib import Path

os.environ["HF_TOKEN"] = os.environ["ALICE"]

import torch
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from safetensors.torch import load_file, save_file

FOLDER = Path(tempfile.mkdtemp())
hub = HfApi()


def same(one: torch.nn.Module, two: torch.nn.Module | dict) -> None:
    before, after = one.state_dict(), two if isinstance(two, dict) else two.state_dict()
    assert before.keys() == after.keys()
    for name in before:
        assert before[name].dtype == after[name].dtype and torch.equal(before[name], after[name]), name


def transformers():
    from transformers import AutoConfig, AutoModel, BertConfig, BertModel, ViTConfig, ViTForImageClassification

    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    words = BertModel(BertConfig(vocab_size=60, max_position_embeddings=32, **small)).to(torch.bfloat16).eval()
    words.push_to_hub("lab/words", private=True, max_shard_size="6KB")
    assert "model.safetensors.index.json" in hub.list_repo_files("lab/words"), "in pieces"
    again = AutoModel.from_pretrained("lab/words", cache_dir=FOLDER / "words")
    same(words, again)
    with torch.no_grad():
        text = torch.arange(20)[None]
        assert torch.equal(words(text).pooler_output, again.eval()(text).pooler_output)
    try:
        AutoModel.from_pretrained("lab/words", token=os.environ["BOB"], cache_dir=FOLDER / "none")
    except OSError:
        pass
    else:
        raise AssertionError("a private model was loaded by a stranger")

    film = ViTForImageClassification(ViTConfig(image_size=16, patch_size=4, num_channels=1, num_labels=3, **small))
    film.push_to_hub("lab/film")
    first = hub.model_info("lab/film").sha
    with torch.no_grad():
        film.classifier.weight.add_(1)
    film.push_to_hub("lab/film", commit_message="Train on")
    same(film, ViTForImageClassification.from_pretrained("lab/film", cache_dir=FOLDER / "film"))
    earlier = ViTForImageClassification.from_pretrained("lab/film", revision=first, cache_dir=FOLDER / "film")
    assert torch.equal(earlier.classifier.weight + 1, film.classifier.weight)
    assert AutoConfig.from_pretrained("lab/film", cache_dir=FOLDER / "film").image_size == 16


def bundle(name: str) -> tuple[Path, torch.nn.Module]:
    """A MONAI bundle without weights, and the network that it describes."""
    from monai.networks.nets import UNet

    arguments = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}
    place = FOLDER / "made" / name
    for folder in ("configs", "models", "docs"):
        (place / folder).mkdir(parents=True)
    facts = {"version": "0.1.0", "monai_version": "1.6.1", "network_data_format": {"inputs": {}, "outputs": {}}}
    (place / "configs" / "metadata.json").write_text(json.dumps(facts))
    (place / "configs" / "inference.json").write_text(
        json.dumps({"network_def": {"_target_": "monai.networks.nets.UNet", **arguments}})
    )
    (place / "docs" / "README.md").write_text("# A bundle\n")
    return place, UNet(**arguments)


def monai():
    from monai.bundle import ConfigParser, download, push_to_hf_hub

    place, network = bundle("spleen")
    torch.save(network.state_dict(), place / "models" / "model.pt")
    try:
        push_to_hf_hub("lab/spleen", "spleen", str(place.parent), version="0.1.0")
    except HfHubHTTPError as refusal:
        assert "safetensors" in str(refusal), "the refusal of a pickle says what to do"
    else:
        raise AssertionError("a pickle was taken")
    (place / "models" / "model.pt").unlink()
    save_file(network.state_dict(), place / "models" / "model.safetensors")
    push_to_hf_hub("lab/spleen", "spleen", str(place.parent), version="0.1.0")
    # no version given: MONAI asks for the tags, and takes the last
    download("spleen", source="huggingface_hub", repo="lab/spleen", bundle_dir=FOLDER / "got", progress=False)
    got = FOLDER / "got" / "spleen"
    weights = load_file(got / "models" / "model.safetensors")
    same(network, weights)
    again = ConfigParser(json.loads((got / "configs" / "inference.json").read_text())).get_parsed_content("network_def")
    again.load_state_dict(weights, strict=True)
    same(network, again)


def monai_pickles():
    """Where the operator allows pickles, MONAI's own `models/model.pt` too; `load` reads it with weights_only."""
    from monai.bundle import load, push_to_hf_hub

    place, network = bundle("liver")
    torch.save(network.state_dict(), place / "models" / "model.pt")
    push_to_hf_hub("lab/liver", "liver", str(place.parent), version="0.1.0", tag_as_latest_version=True)
    options = {"source": "huggingface_hub", "repo": "lab/liver", "bundle_dir": FOLDER / "got", "progress": False}
    loaded = load("liver", workflow_type="inference", **options)
    assert isinstance(loaded, torch.nn.Module)
    same(network, loaded)


if __name__ == "__main__":
    acts = [monai_pickles] if os.environ.get("PICKLES") else [transformers, monai]
    for act in acts:
        act()
        print("ok", act.__name__, flush=True)
