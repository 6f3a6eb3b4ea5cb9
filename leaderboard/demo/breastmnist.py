"""Breast lesion on ultrasound: BreastMNIST, 156 held-out images, a small residual network as weights and a linear model."""

from leaderboard.demo import Baseline, _classifiers, _medmnist

IMAGES = _medmnist.Images("breastmnist", "b", ("benign or normal", "malignant"), labels=(1, 0))
MANIFEST = {
    "slug": "breast-ultrasound-breastmnist",
    "version": 1,
    "title": "Malignant lesion on breast ultrasound, BreastMNIST test set",
    "description": "Ultrasound images of the breast: a malignant lesion, against a benign one or none.",
    "task": {
        "slug": "breast-lesion-ultrasound",
        "title": "Breast lesion on ultrasound",
        "question": "Does an ultrasound image of the breast show a malignant lesion? Ultrasound finds cancers that dense "
        "breasts hide from mammography, at the price of many needless biopsies.",
        "specialty": "radiology",
        "modality": "ultrasound",
        "anatomy": "breast",
    },
    "kind": "classification",
    "classes": list(IMAGES.classes),
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "robustness": ["noise", "blur", "brightness", "resolution", "one_pixel"],
    "metrics": {
        "primary": "auroc",
        "also": ["average_precision", "balanced_accuracy", "sensitivity_at_specificity", "brier", "ece"],
        "parameters": {"sensitivity_at_specificity": {"at": 0.9}},
        "why": {
            "auroc": "Whether malignant lesions are ranked above the rest at every threshold; 27 % are malignant, so accuracy would mislead."
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "source": {
        "name": "BreastMNIST (MedMNIST v2), from BUSI",
        "licence": "CC BY 4.0",
        "citation": _medmnist.YANG + "Source: Al-Dhabyani W. et al. Dataset of breast ultrasound images. Data in Brief "
        "28:104863 (2020).",
        "url": "https://medmnist.com/",
    },
    "traps": [
        "156 images, 42 of them malignant: only large differences can be seen.",
        "BUSI holds near-duplicates, and some fall on both sides of the official split; exact copies of held-out images were "
        "left out of the training part here.",
        "Callipers and writing on many images can give the answer away, and some images show the armpit, not the breast "
        "(Pawłowska A. et al., Data in Brief 2023, PMC10293973).",
        _medmnist.SMALL,
        _medmnist.NO_PATIENTS,
    ],
}
RECIPE = _classifiers.Recipe("test_resnet", size=64, epochs=50)


def entries() -> list[Baseline]:
    network = IMAGES.network(
        RECIPE, MANIFEST, "Breast lesion on ultrasound, a very small residual network", "To show how a network is published, "
        "run and measured, on a set small enough for a laptop.",
        "Women of 25 to 75 years, with or without a breast lesion, one hospital in Cairo (BUSI)",
    )  # fmt: skip
    return [
        Baseline(
            "Small residual network", "weights", network, "0.4 million parameters, from random weights.",
            model="breast-ultrasound-resnet",
        ),
        Baseline("Logistic regression on pixels", "predictions", IMAGES.logistic(0.03), "784 standardised pixels."),
    ]  # fmt: skip


DEMO = _medmnist.demo(IMAGES, MANIFEST, entries, seconds=40)
