"""Reading mammograms: what Kooi and others published, on the page of the task whose readers `tomosynthesis` shows."""

from leaderboard.demo import _papers

TASK = {
    "slug": "mammography-reading",
    "title": "Mammography and tomosynthesis reading",
    "question": "Where on a mammogram is a lesion that should be looked into? A mark too many calls a healthy woman back, a mark too few "
    "leaves a cancer.",
    "specialty": "radiology",
    "modality": "mammography",
    "anatomy": "breast",
}
CLAIMS = [
    {
        "name": "Convolutional network",
        "metric": "Against certified screening radiologists, on patches",
        "printed": "no significant difference between the network and the readers",
        "cohort": "reader study on patches; the network learnt from about 45,000 images",
        "citation": "Kooi T. et al. Large scale deep learning for computer aided detection of mammographic lesions. Medical Image "
        "Analysis 35:303-312 (2017).",
        "source": "abstract",
    }
]
DEMO = _papers.demo(TASK, CLAIMS)
