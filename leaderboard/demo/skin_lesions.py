"""Skin lesions: cited results, and how to make the benchmark from a copy of HAM10000. Its licence keeps it out of the demonstration."""

from leaderboard.demo import _papers

TASK = {
    "slug": "skin-lesions",
    "title": "Skin lesions on dermatoscopy",
    "question": "Is a mark on the skin malignant, and above all, is it a melanoma? Found early it is cut out and cured, and most marks are "
    "harmless.",
    "specialty": "dermatology",
    "modality": "dermatoscopy",
    "anatomy": "skin",
}
ESTEVA = {
    "citation": "Esteva A. et al. Dermatologist-level classification of skin cancer with deep neural networks. Nature (2017).",
    "doi": "10.1038/nature21056",
    "source": "abstract",
}
TSCHANDL = {
    "citation": "Tschandl P. et al. Expert-level diagnosis of nonpigmented skin cancer by combined convolutional neural networks. JAMA "
    "Dermatology 155:58-65 (2019).",
    "doi": "10.1001/jamadermatol.2018.4378",
    "source": "abstract, Results",
    "cohort": "nonpigmented lesions; 95 human raters",
}
CLAIMS = [
    {
        "name": "Esteva et al., network",
        "metric": "Two binary tasks, against 21 dermatologists",
        "printed": "on par",
        **ESTEVA,
    },
    {"name": "cCNN", "metric": "AUROC", "value": 0.742, "low": 0.729, "high": 0.755, **TSCHANDL},
    {
        "name": "Human raters",
        "metric": "AUROC",
        "value": 0.695,
        "low": 0.676,
        "high": 0.713,
        "reader": True,
        **TSCHANDL,
    },
]
NOTE = (
    "HAM10000 (CC BY-NC 4.0) may not be part of an openly licensed demonstration. With a copy of it, one command writes the benchmark "
    "package: seven diagnoses, one fifth of the lesions held out with all their pictures, subgroups by sex and age, and the rule that "
    "at most one melanoma in ten may be called a naevus."
)
COMMAND = ".venv/bin/python manage.py import_images ham10000 path/to/HAM10000 path/to/new-package"
DEMO = _papers.demo(TASK, CLAIMS, NOTE, COMMAND)
