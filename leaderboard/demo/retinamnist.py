"""Diabetic retinopathy grading: RetinaMNIST, 400 held-out fundus photographs in five grades, with a safety rule."""

from pathlib import Path

from leaderboard.demo import Baseline, Demo, _classifiers, _medmnist, _writing

CLASSES = ("none", "mild", "moderate", "severe", "proliferative")
REFERABLE = [2, 3, 4]  # moderate and worse
IMAGES = _medmnist.Images("retinamnist", "r", CLASSES, labels=(0, 1, 2, 3, 4))
MANIFEST = {
    "slug": "retina-dr-grading",
    "version": 1,
    "title": "Diabetic retinopathy grading, RetinaMNIST test set",
    "description": "Fundus photographs in the five grades of diabetic retinopathy, none to proliferative.",
    "task": {
        "slug": "diabetic-retinopathy-grading",
        "title": "Diabetic retinopathy grading",
        "question": "How advanced is diabetic retinopathy on a photograph of the fundus? From the moderate grade on a patient "
        "is referred, and treatment in time saves sight.",
        "specialty": "ophthalmology",
        "modality": "fundus photography",
        "anatomy": "retina",
    },
    "kind": "classification",
    "classes": list(CLASSES),
    "ordinal": True,
    "accepts": ["predictions", "weights"],
    "labels": "public",
    "release_inputs": True,
    "metrics": {
        "primary": "quadratic_weighted_kappa",
        "also": ["auroc", "sensitivity_at_specificity", "mae_of_grade", "balanced_accuracy"],
        "parameters": {
            "auroc": {"positive": REFERABLE},
            "sensitivity_at_specificity": {"positive": REFERABLE, "at": 0.9},
        },
        "why": {
            "quadratic_weighted_kappa": "Grades are ordered: an error of two grades costs four times one of one grade.",
            "auroc": "Referable disease, moderate or worse, against the rest: the decision that a screening programme takes.",
            "sensitivity_at_specificity": "Referable disease found when one in ten patients without it may be referred.",
        },
    },
    "resample": {"unit": "patient_id", "resamples": 2000},
    "safety": [
        {"never": {"truth": ["severe", "proliferative"], "predicted": ["none"]}, "at_most": 0},
        {"sensitivity": {"positive": ["moderate", "severe", "proliferative"]}, "at_least": 0.90},
    ],
    "source": {
        "name": "RetinaMNIST (MedMNIST v2), from DeepDRiD",
        "licence": "CC BY 4.0",
        "citation": _medmnist.YANG + "Source: Liu R. et al. DeepDRiD: Diabetic retinopathy - grading and image quality "
        "estimation challenge. Patterns 3:100512 (2022).",
        "url": "https://medmnist.com/",
    },
    "traps": [
        "Small haemorrhages and microaneurysms, which define the early grades, are lost at 28 x 28 pixels.",
        "88 of 400 held-out images are severe or proliferative, 20 of them proliferative: the first safety rule rests on these.",
        _medmnist.NO_PATIENTS,
        _medmnist.SMALL,
    ],
}
TING = (
    "Ting D.S.W. et al. Development and validation of a deep learning system for diabetic retinopathy and related eye diseases "
    "using retinal images from multiethnic populations with diabetes. JAMA 318:2211-2223 (2017)."
)
COHORT = "71,896 images of 14,880 patients"
CLAIMS = [
    {
        "name": "Ting et al. 2017", "metric": f"{what} for {disease} diabetic retinopathy", "value": value,
        "printed": f"{100 * value:.1f} %" if value < 1 else "100 %",
        "cohort": COHORT, "citation": TING, "doi": "10.1001/jama.2017.18152", "source": "abstract, Results",
    }
    for disease, what, value in (
        ("referable", "Sensitivity", 0.905), ("referable", "Specificity", 0.916),
        ("vision-threatening", "Sensitivity", 1.0), ("vision-threatening", "Specificity", 0.911),
    )
]  # fmt: skip
RECIPE = _classifiers.Recipe("test_resnet", size=64, epochs=30, turn=3.1, flips=(3, 2))


def package(folder: Path) -> None:
    IMAGES.package(folder, MANIFEST)
    (folder / "claims.yaml").write_text(_writing.text(CLAIMS), "utf-8")


def entries() -> list[Baseline]:
    network = IMAGES.network(
        RECIPE, MANIFEST, "Diabetic retinopathy grading, a very small residual network", "To show how a network is published, "
        "run and measured, and how a safety rule judges it.",
        "People with diabetes, photographed for the DeepDRiD challenge",
    )  # fmt: skip
    return [
        Baseline(
            "Small residual network", "weights", network, "0.4 million parameters, from random weights.",
            model="retinopathy-grading-resnet",
        ),
        Baseline("Logistic regression on pixels", "predictions", IMAGES.logistic(0.001), "2,352 standardised pixels."),
    ]  # fmt: skip


DEMO = Demo(
    slug=MANIFEST["slug"],
    package=package,
    entries=entries,
    held_out=IMAGES.held_out,
    needs=("medmnist/retinamnist.npz",),
    seconds=45,
    modules=_medmnist.MODULES,
    short=True,
    picture=IMAGES.picture,
    credit="RetinaMNIST (MedMNIST v2), CC BY 4.0",
)
