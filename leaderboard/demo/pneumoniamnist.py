"""Pneumonia on chest X-ray: PneumoniaMNIST, 624 held-out films of children, a small residual network and a linear model."""

from leaderboard.demo import Baseline, _classifiers, _medmnist

IMAGES = _medmnist.Images("pneumoniamnist", "p", ("normal", "pneumonia"), labels=(0, 1))
MANIFEST = {
    "slug": "chest-xray-pneumoniamnist",
    "version": 1,
    "title": "Pneumonia on paediatric chest radiographs, PneumoniaMNIST test set",
    "description": "Frontal chest films of children aged one to five, pneumonia against normal.",
    "task": {
        "slug": "pneumonia-chest-xray",
        "title": "Pneumonia on chest X-ray",
        "question": "Does a child's chest X-ray show pneumonia? Where no radiologist is at hand, a second reading helps to decide "
        "which child to examine again and treat.",
        "specialty": "radiology",
        "modality": "X-ray",
        "anatomy": "chest",
    },
    "kind": "classification",
    "classes": list(IMAGES.classes),
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "robustness": ["noise", "blur", "brightness", "resolution", "one_pixel"],
    "metrics": {
        "primary": "auroc",
        "also": [
            "sensitivity_at_specificity", "average_precision", "balanced_accuracy", "brier", "ece", "calibration_slope",
        ],
        "parameters": {"sensitivity_at_specificity": {"at": 0.95}},
        "why": {
            "auroc": "Ranks films with pneumonia above normal ones at every threshold.",
            "sensitivity_at_specificity": "What is found when one in twenty children without pneumonia may be called back.",
            "ece": "Whether a probability of 0.8 means eight in ten.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "PneumoniaMNIST (MedMNIST v2)",
        "licence": "CC BY 4.0",
        "citation": _medmnist.YANG + "Source: Kermany D.S. et al. Identifying medical diagnoses and treatable diseases by "
        "image-based deep learning. Cell 172:1122-1131 (2018).",
        "url": "https://medmnist.com/",
    },
    "traps": [
        "The held-out films differ from the rest: the linear model has an AUROC of 0.99 on the official validation part, 0.93 here.",
        "One hospital, children only; 390 of 624 films show pneumonia, so predictive values do not carry over.",
        "Letters, tubes and positioning on the films can give the answer away.",
        _medmnist.SMALL,
        _medmnist.NO_PATIENTS,
    ],
}  # fmt: skip
RECIPE = _classifiers.Recipe("test_resnet", size=64, epochs=8)


def entries() -> list[Baseline]:
    network = IMAGES.network(
        RECIPE, MANIFEST, "Pneumonia on chest X-ray, a very small residual network", "To show how a network is published, run "
        "and measured, and how it bears noise and blur.",
        "Children of one to five years with a chest X-ray, Guangzhou Women and Children's Medical Center",
    )  # fmt: skip
    return [
        Baseline(
            "Small residual network", "weights", network, "0.4 million parameters, from random weights.",
            model="chest-xray-pneumonia-resnet",
        ),
        Baseline("Logistic regression on pixels", "predictions", IMAGES.logistic(0.01), "784 standardised pixels."),
    ]  # fmt: skip


DEMO = _medmnist.demo(IMAGES, MANIFEST, entries, seconds=50)
