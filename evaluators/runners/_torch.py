"""What every network of PyTorch has in common here: one device, fixed seeds, the allowed precision, batches that may not fit."""

from pathlib import Path

import numpy as np
import torch

from evaluators.runners import TooMuch, heads, parameters, refusal

WEIGHTS = "model.safetensors"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def weights(folder: Path) -> Path:
    """The file of parameters. Raises Faults where it is missing."""
    if not (folder / WEIGHTS).exists():
        raise refusal(f"{WEIGHTS} is missing", "Save the parameters with safetensors.torch.save_file under this name.")
    return folder / WEIGHTS


def settle(threads: int) -> None:
    """The process's own settings, before a network is built: threads, seed, no choice by timing."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid: it would write every output twice


class TorchNetwork:
    """A network of PyTorch with its parameters, on the GPU where there is one."""

    def __init__(self, module: torch.nn.Module, folder: Path, config: dict, manifest: dict, inputs: dict):
        """`inputs`: the checked declaration. `module` may lie on the meta device; its parameters come from the file."""
        self.config, self.inputs = config, inputs
        self.parameters = parameters.load(weights(folder), WEIGHTS, module)
        cuda = torch.cuda.is_available()
        self._device = torch.device("cuda" if cuda else "cpu")
        self.device = torch.cuda.get_device_name() if cuda else "cpu"
        self.precision = precision(config, manifest, cuda)
        self._network = module.eval().requires_grad_(False).to(self._device)
        self.head = heads.choose(config, manifest, self.outputs())
        self.shape: tuple[int, ...] | None = None  # of a prepared case, where it is known beforehand

    def outputs(self) -> int | None:
        """How many numbers come out for a case, where the configuration says it."""
        return None

    def synthetic(self) -> np.ndarray | None:
        """A case of zeros, as the network takes it; None where only real cases tell its size."""
        return None if self.shape is None else np.zeros(self.shape, np.float32)

    def stage(self, batch: np.ndarray) -> torch.Tensor:
        """A batch on its way to the device; called beside the one that is computed."""
        tensor = torch.from_numpy(batch)
        return tensor.pin_memory() if self._device.type == "cuda" else tensor

    def __call__(self, batch) -> np.ndarray:
        tensor = batch if isinstance(batch, torch.Tensor) else torch.from_numpy(batch)
        kind = PRECISIONS[self.precision]
        try:
            with torch.inference_mode(), torch.autocast(self._device.type, kind, enabled=kind != torch.float32):
                answer = self._network(tensor.to(self._device, non_blocking=True))
                if isinstance(answer, list | tuple) and answer:  # deep supervision: the first is the full one
                    answer = answer[0]
                return answer.float().cpu().numpy()
        except (torch.OutOfMemoryError, MemoryError):
            torch.cuda.empty_cache()
            raise TooMuch from None
        except (RuntimeError, AssertionError, ValueError, TypeError, AttributeError, IndexError) as error:
            if "allocate memory" in str(error) or "out of memory" in str(error):
                raise TooMuch from None
            shape = " x ".join(map(str, tensor.shape[1:]))
            raise refusal(
                f"the network fails on an input of shape {shape}", "Check the declared preprocessing in config.json."
            ) from None


def precision(config: dict, manifest: dict, cuda: bool) -> str:
    """What config.json asks for, if the benchmark allows it and the device has it; else float32."""
    wanted = config.get("precision", "float32")
    if wanted not in PRECISIONS:
        raise refusal(f"`precision` is {str(wanted)[:40]!r}", f"Choose {', '.join(PRECISIONS)}.")
    allowed = wanted in (manifest.get("precision") or ["float32"])
    return wanted if allowed and (cuda or wanted == "bfloat16") else "float32"
