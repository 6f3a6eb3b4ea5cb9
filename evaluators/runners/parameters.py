"""Parameters of a safetensors file against the network that is to take them: one to one, finite, of the right shape."""

from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from evaluators.faults import Fault, Faults
from evaluators.runners import refusal

SHOWN = 10  # names in a message
PREFIXES = ("model.", "module.", "network.", "net.", "_orig_mod.")  # of a network that was saved as part of another


def load(path: Path, name: str, network: torch.nn.Module) -> int:
    """Fill `network` from the file; the number of its parameters. Raises Faults with every missing and surplus name.

    A prefix that all names of the file share, and none of the network, is taken off: one of PREFIXES.
    """
    wanted, count = network.state_dict(), sum(parameter.numel() for parameter in network.parameters())
    with _opened(path, name) as file:
        places = _fitting(file, network, name)
        found = {key: file.get_tensor(place) for key, place in places.items()}
    odd = [
        key for key, tensor in found.items() if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if odd:
        raise refusal(f"NaN or infinity in {_some(odd)}", "Train again, or take an earlier checkpoint.", file=name)
    network.load_state_dict({key: tensor.to(wanted[key].dtype) for key, tensor in found.items()}, assign=True)
    return count


def compare(path: Path, name: str, network: torch.nn.Module) -> None:
    """Raise Faults where names or shapes of the file are not those of `network`, which may lie on the meta device."""
    with _opened(path, name) as file:
        _fitting(file, network, name)


@contextmanager
def _opened(path: Path, name: str):
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, ValueError):
        raise refusal(
            "the file is not a whole safetensors file", "Save it again with safetensors.torch.save_file.", file=name
        ) from None


def _fitting(file, network: torch.nn.Module, name: str) -> dict[str, str]:
    """Where in the file each parameter stands: one that the network holds under several names may be there once.

    Raises Faults.
    """
    wanted = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    prefix = _prefix(shapes, wanted)
    shapes = {key.removeprefix(prefix): shape for key, shape in shapes.items()}
    places = {key: key for key in wanted}
    same: dict[int, list[str]] = {}
    for key, tensor in (
        *network.named_parameters(remove_duplicate=False),
        *network.named_buffers(remove_duplicate=False),
    ):
        same.setdefault(id(tensor), []).append(key)
    for keys in same.values():
        there = [key for key in keys if key in shapes]
        places |= {key: there[0] for key in keys if there and key in wanted and key not in shapes}
    _compare(shapes, {key: shape for key, shape in wanted.items() if places[key] == key}, name)
    return {key: prefix + place for key, place in places.items()}


def _prefix(found, wanted) -> str:
    for prefix in PREFIXES:
        if found and all(key.startswith(prefix) for key in found) and not any(key.startswith(prefix) for key in wanted):
            return prefix
    return ""


def _compare(found: Mapping[str, tuple], wanted: Mapping[str, tuple], name: str) -> None:
    faults = []
    missing, surplus = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing:
        faults.append(Fault(f"{len(missing)} parameters of the network are missing: {_some(missing)}", file=name))
    if surplus:
        faults.append(Fault(f"{len(surplus)} parameters are not of this network: {_some(surplus)}", file=name))
    for key in sorted(wanted.keys() & found.keys()):
        if wanted[key] != found[key]:
            faults.append(
                Fault(f"{key[:200]} has shape {list(found[key])}, the network {list(wanted[key])}", file=name)
            )
    if faults:
        hint = "config.json must name the very network, with its num_classes, that the file was saved from."
        raise Faults([*faults[:49], Fault("the parameters do not fit the network", hint, file="config.json")])


def _some(names: list[str]) -> str:
    shown = ", ".join(key[:200] for key in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
