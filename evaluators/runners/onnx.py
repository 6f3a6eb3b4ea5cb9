"""ONNX networks: `model.onnx` and `config.json` with `{"framework": "onnx", "inputs": {...}, "head": "softmax"}`.

Images, volumes and rows of tables. Input and output are the network's first ones, or those that `inputs.name` and
`output` name. Only the standard operators run; external data must be a file of the same revision.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from evaluators.runners import Runner, TooMuch, heads, refusal
from evaluators.runners import inputs as declared

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
STANDARD = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}


class Onnx:
    """An ONNX network in onnxruntime, on CUDA where that is there, else on the CPU."""

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int):
        name = config.get("file", "model.onnx")
        if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
            raise refusal(
                f"{str(name)[:60]!r} is not a file of this revision", 'Name the ONNX file: {"file": "model.onnx"}.'
            )
        self.config, self.inputs = config, declared.check(config.get("inputs", {}))
        self.parameters, self.graph = _inspect(folder / name, name), folder / name
        self._session = _session(folder / name, name, threads)
        self._input = _pick(self._session.get_inputs(), self.inputs.get("name"), "input")
        self._output = _pick(self._session.get_outputs(), config.get("output"), "output")
        if self._input.type not in TYPES:
            raise refusal(f"the network's input is {self._input.type}", "Export it with a float input.", file=name)
        last = self._output.shape[1] if len(self._output.shape or []) > 1 else None
        self.head = heads.choose(config, manifest, last if isinstance(last, int) else None)
        self.device = "cuda" if self._session.get_providers()[0].startswith("CUDA") else "cpu"
        self.precision = str(np.dtype(TYPES[self._input.type]))
        first = self._input.shape[0] if self._input.shape else None
        self.batch = first if isinstance(first, int) else None  # a fixed batch size, else any

    def synthetic(self) -> np.ndarray | None:
        """A case of zeros; None where the network takes any size and only real cases tell it."""
        shape = [n if isinstance(n, int) and n > 0 else None for n in self._input.shape[1:]]
        size = declared.size_of(self.inputs)
        if size and len(shape) > len(size) and None in shape[-len(size) :]:
            shape[-len(size) :] = size
        if None in shape[:1]:
            shape[0] = self.inputs.get("channels", 1) if len(shape) > 1 else None
        return None if None in shape or not shape else np.zeros(shape, np.float32)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        try:
            feed = {self._input.name: np.ascontiguousarray(batch, TYPES[self._input.type])}
            return np.asarray(self._session.run([self._output.name], feed)[0])
        except MemoryError:
            raise TooMuch from None
        except Exception as error:  # onnxruntime has a class of its own for each code, and no common one
            text = str(error)
            if "allocate" in text or "memory" in text.lower() or "bad_alloc" in text:
                raise TooMuch from None
            raise refusal(
                "the network fails on an input prepared as config.json declares", "Check `inputs` in config.json."
            ) from None


def _inspect(path: Path, name: str) -> int:
    """The number of parameters. Raises Faults for damage, foreign operators, data outside the revision, NaN."""
    try:
        model = onnx.load(str(path), load_external_data=False)
        domains = {entry.domain for entry in model.opset_import} | {node.domain for node in model.graph.node}
    except Exception:  # protobuf's errors depend on its implementation
        raise refusal("the file is not a whole ONNX file", "Export it again.", file=name) from None
    foreign = sorted(domains - STANDARD)
    if foreign or model.functions and {f.domain for f in model.functions} & {"ai.onnx"}:
        raise refusal(
            f"operators of {', '.join(foreign)[:100]} are not run here", "Use standard ONNX operators.", file=name
        )
    total, odd = 0, []
    for tensor in model.graph.initializer:
        total += int(np.prod(tensor.dims, dtype=object)) if tensor.dims else 1
        for entry in tensor.external_data:
            if entry.key == "location" and (
                Path(entry.value).name != entry.value or not (path.parent / entry.value).is_file()
            ):
                raise refusal(
                    "external data is not a file of this revision", "Store it beside the ONNX file.", file=name
                )
        if not tensor.external_data and tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
            try:
                if not np.isfinite(onnx.numpy_helper.to_array(tensor)).all():
                    odd.append(tensor.name)
            except (ValueError, TypeError):
                raise refusal(
                    f"parameter {tensor.name[:100]!r} is damaged", "Export the file again.", file=name
                ) from None
    if odd:
        raise refusal(
            f"NaN or infinity in {', '.join(odd[:10])[:300]}", "Train again, or take an earlier checkpoint.", file=name
        )
    return total


def _session(path: Path, name: str, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    providers = [one for one in wanted if one in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except MemoryError:
        raise
    except Exception as error:  # as above
        if "bad_alloc" in str(error) or "Failed to allocate" in str(error):
            raise MemoryError from None
        raise refusal(
            "onnxruntime cannot load this network", "Check it with onnx.checker and onnxruntime.", file=name
        ) from None


def _pick(items, wanted, what: str):
    if wanted is None and items:
        return items[0]
    for item in items:
        if item.name == wanted:
            return item
    known = ", ".join(item.name for item in items)[:200]
    raise refusal(f"the network has no {what} {str(wanted)[:60]!r}", f"It has {known or 'none'}.")


RUNNER = Runner("onnx", Onnx)
