"""Lines to copy from a model's page. Every one pins the revision and names this server, and works as it is written."""

from urllib.parse import quote

from zoo.models import Commit, File, Model

WEIGHTS = ("model.safetensors", "model.onnx")


def of(model: Model, commit: Commit, files: list[File], endpoint: str) -> list[dict[str, str]]:
    """[{"title", "text"}] for a revision; empty without files. `endpoint` is this server's address, without a slash."""
    main = main_file(files)
    if main is None:
        return []
    repo, revision = str(model), commit.oid
    here = f"export HF_ENDPOINT={endpoint}\n"
    paths = {file.path for file in files}
    found = [{"title": "Command line", "text": f"{here}hf download {repo} --revision {revision}"}]
    if model.library == "timm" and "config.json" in paths:
        call = f"import timm; timm.create_model('hf-hub:{repo}@{revision}', pretrained=True)"
        found.append({"title": "timm", "text": f'{here}python -c "{call}"'})
    if model.library == "transformers" and "config.json" in paths:
        call = f"from transformers import AutoModel; AutoModel.from_pretrained('{repo}', revision='{revision}')"
        found.append({"title": "transformers", "text": f'{here}python -c "{call}"'})
    found.append(
        {
            "title": "Python",
            "text": f"from huggingface_hub import hf_hub_download\n"
            f"path = hf_hub_download({repo!r}, {main.path!r}, revision={revision!r}, endpoint={endpoint!r})",
        }
    )
    url = f"{endpoint}/{repo}/resolve/{revision}/{quote(main.path)}".replace("'", "%27")
    name = main.path.rpartition("/")[2].replace("'", "_")
    header = ' -H "Authorization: Bearer $HF_TOKEN"' if model.private or model.gated else ""
    check = f"echo '{main.blob_id}  {name}' | sha256sum -c"
    found.append({"title": "curl, with the checksum", "text": f"curl -fL{header} -o '{name}' '{url}'\n{check}"})
    return found


def one_line(model: Model, commit: Commit, files: list[File], endpoint: str) -> str:
    """One line of a shell that loads a revision with the library it is for, or fetches it where none is known."""
    main, repo = main_file(files), str(model)
    at = f"HF_ENDPOINT={endpoint}"
    if main is None:
        return ""
    if model.library == "timm" and "config.json" in {file.path for file in files}:
        return f"{at} python -c \"import timm; net = timm.create_model('hf-hub:{repo}@{commit.oid}', pretrained=True)\""
    if main.path.endswith(".onnx"):
        load = f"ort.InferenceSession(get('{repo}', '{main.path}', revision='{commit.oid}'))"
        return f'{at} python -c "import onnxruntime as ort; from huggingface_hub import hf_hub_download as get; net = {load}"'
    return f"{at} hf download {repo} --revision {commit.oid}"


def main_file(files: list[File]) -> File | None:
    """The file that a reader most likely wants: the weights by their usual name, else the largest."""
    for name in WEIGHTS:
        for file in files:
            if file.path == name:
                return file
    return max(files, key=lambda file: (file.blob.size, file.path), default=None)
