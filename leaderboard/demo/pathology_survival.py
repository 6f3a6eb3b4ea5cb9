"""Survival from histopathology slides: cited, since the slides are too large to be part of a demonstration. Not measured."""

from leaderboard.demo import _papers

TASK = {
    "slug": "survival-from-pathology",
    "title": "Survival from pathology slides",
    "question": "How long will a patient with lung cancer or glioma live, judged from the stained slide of the tumour? What a slide "
    "says beyond stage and grade could decide about treatment.",
    "specialty": "pathology",
    "modality": "whole-slide histopathology",
    "anatomy": "lung, brain",
}
CLAIMS = [
    {
        "name": "WSISA",
        "metric": "Concordance index",
        "printed": "better than earlier survival models on three data sets (no figure in the abstract)",
        "cohort": "glioma and non-small-cell lung cancer, three data sets",
        "citation": "Zhu X., Yao J., Zhu F., Huang J. WSISA: Making Survival Prediction from Whole Slide Histopathological Images. "
        "CVPR 2017.",
        "source": "abstract",
    }
]
NOTE = (
    "Whole slides are gigapixel images of patients and are not part of this demonstration. A site that holds slides with follow-up can "
    "make a benchmark of kind survival from them: time and event in cases.csv, one slide or one row of features an input. The benchmark "
    "on survival after breast cancer (GBSG2) shows the same metrics on clinical facts."
)
DEMO = _papers.demo(TASK, CLAIMS, NOTE)
