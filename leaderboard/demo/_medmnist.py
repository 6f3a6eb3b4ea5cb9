"""What the MedMNIST benchmarks share: reading the official splits, packages of PNG files, and their two kinds of entry."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from leaderboard.demo import Baseline, Demo, _classifiers, _data, _pictures, _writing

MODULES = ("_medmnist", "_classifiers")
YANG = (
    "Yang J. et al. MedMNIST v2 - A large-scale lightweight benchmark for 2D and 3D biomedical image classification. "
    "Scientific Data 10:41 (2023), doi:10.1038/s41597-022-01721-8. "
)
SMALL = "Pictures of 28 x 28 pixels: what is learnt here says little about the full images."
NO_PATIENTS = (
    "No patient is named in the data. Each image counts as one patient, so where a patient has several, the intervals are "
    "somewhat too narrow."
)


@dataclass(frozen=True)
class Images:
    """One MedMNIST file. `labels[i]` is the class index that the file's label i stands for here."""

    file: str
    prefix: str
    classes: tuple[str, ...]
    labels: tuple[int, ...]

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(_data.find(f"medmnist/{self.file}.npz")) as data:
            return {name: data[name] for name in data.files}

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(n, 28, 28) or (n, 28, 28, 3) uint8 and (n,) class indices, of `train` or `test`.

        Training images that equal a held-out one pixel by pixel are left out.
        """
        images, labels = self.arrays[f"{name}_images"], self.arrays[f"{name}_labels"].ravel()
        if name == "train":
            tested = {image.tobytes() for image in self.arrays["test_images"]}
            keep = np.array([image.tobytes() not in tested for image in images])
            images, labels = images[keep], labels[keep]
        return images, np.asarray(self.labels)[labels]

    def case_id(self, number: int) -> str:
        return f"{self.prefix}{number:04d}"

    def held_out(self) -> tuple[set, set]:
        """The pictures themselves as identities: what was trained on, and what is tested."""
        return tuple({image.tobytes() for image in self.part(name)[0]} for name in ("train", "test"))

    def package(self, folder: Path, manifest: dict) -> None:
        images, labels = self.part("test")
        for number, image in enumerate(images):
            _writing.picture(folder / "inputs" / f"{self.case_id(number)}.png", image)
        cases = (
            {
                "case_id": self.case_id(number),
                "patient_id": self.case_id(number),
                "label": self.classes[label],
                "input": f"inputs/{self.case_id(number)}.png",
            }
            for number, label in enumerate(labels)
        )
        _writing.package(folder, manifest, cases)

    def picture(self) -> np.ndarray:
        """Three training images of different classes."""
        images, labels = self.part("train")
        return _pictures.row([images[labels == label][0] for label in sorted(set(labels.tolist()))[:3]])

    def logistic(self, strength: float) -> Callable[[Path], Path]:
        """Logistic regression on standardised pixels. `strength` (C) was chosen on the official validation part."""

        def make(folder: Path) -> Path:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler

            images, labels = self.part("train")
            model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=400))
            model.fit(images.reshape(len(images), -1) / 255, labels)
            tests = self.part("test")[0]
            values = model.predict_proba(tests.reshape(len(tests), -1) / 255)
            cases = [self.case_id(number) for number in range(len(tests))]
            return _writing.probabilities(folder / "answer.csv", cases, self.classes, values)

        return make

    def network(
        self, recipe: _classifiers.Recipe, card: dict, title: str, use: str, population: str
    ) -> Callable[[Path], Path]:
        """A timm network trained on the training part, as a model folder with its card."""

        def make(folder: Path) -> Path:
            images, labels = self.part("train")
            parameters = _classifiers.train(folder, images, labels, self.classes, recipe)
            _describe(self, folder, recipe, card, title, use, population, parameters)
            return folder

        return make


def _describe(
    images: Images, folder: Path, recipe, card: dict, title: str, use: str, population: str, parameters: int
) -> None:
    front = {
        "license": "apache-2.0",
        "library_name": "timm",
        "pipeline_tag": "image-classification",
        "task": card["task"]["slug"],
        "tags": ["medical", card["task"]["modality"], card["task"]["anatomy"]],
        "datasets": [images.file],
    }
    count = len(images.part("train")[0])
    sections = {
        "What it is": f"timm's `{recipe.architecture}`, {parameters:,} parameters, trained from random weights. Input: "
        f"pictures of 28 x 28 pixels enlarged to {recipe.size} x {recipe.size}. Output: "
        f"{', '.join(images.classes)}.",
        "Intended use": use + " Research use only.",
        "Training data": f"{count:,} images of the official training part of {card['source']['name']} "
        f"({card['source']['licence']}); the held-out images of `{card['slug']}` are not among them, and the official "
        f"validation part was used to choose the recipe alone. {card['source']['citation']}",
        "Training": f"{recipe.epochs} epochs of AdamW, learning rate {recipe.rate:g} on one cycle, batches of "
        f"{recipe.batch}, flips, small turns, shifts and changes of contrast; seed {recipe.seed}; about a "
        "minute on one core.",
    }
    _writing.card(
        folder, front, title, sections,
        population=population,
        acquisition={"pixels": "28 x 28, as MedMNIST reduced the source's images"},
        training_data=[
            {"name": card["source"]["name"], "size": f"{count:,} images", "licence": card["source"]["licence"],
             "supervision": "full"}
        ],
    )  # fmt: skip


def demo(images: Images, manifest: dict, entries: Callable[[], list[Baseline]], seconds: int) -> Demo:
    return Demo(
        slug=manifest["slug"],
        package=lambda folder: images.package(folder, manifest),
        entries=entries,
        held_out=images.held_out,
        needs=(f"medmnist/{images.file}.npz",),
        seconds=seconds,
        modules=MODULES,
        short=True,
        picture=images.picture,
        credit=f"{manifest['source']['name']}, {manifest['source']['licence']}",
    )
