"""Endoscopy: cited results on polyps, and how to make benchmarks from folders as Kvasir and Kvasir-SEG come in."""

from leaderboard.demo import _papers

TASK = {
    "slug": "endoscopy",
    "title": "Findings on endoscopy",
    "question": "What does a frame of a colonoscopy show, and where is the polyp? A polyp that is overlooked may be cancer years later.",
    "specialty": "gastroenterology",
    "modality": "endoscopy",
    "anatomy": "bowel",
}
CLAIMS = [
    {
        "name": "ResUNet++",
        "metric": metric,
        "value": value,
        "printed": f"{value} %",
        "cohort": cohort,
        "citation": "Jha D. et al. ResUNet++: An Advanced Architecture for Medical Image Segmentation. IEEE International Symposium on "
        "Multimedia (2019).",
        "source": "abstract",
    }
    for metric, value, cohort in (
        ("Dice", 81.33, "Kvasir-SEG"), ("Mean IoU", 79.27, "Kvasir-SEG"),
        ("Dice", 79.55, "CVC-612"), ("Mean IoU", 79.62, "CVC-612"),
    )
]  # fmt: skip
NOTE = (
    "No endoscopy data with an open licence is at hand. With a copy of Kvasir (a folder for each class) or of Kvasir-SEG (images and "
    "masks of polyps) one command writes the benchmark package; state the licence under which you hold the pictures. For classes "
    "write folders in place of masks."
)
COMMAND = ".venv/bin/python manage.py import_images masks path/to/Kvasir-SEG path/to/new-package --source Kvasir-SEG --licence LICENCE"
DEMO = _papers.demo(TASK, CLAIMS, NOTE, COMMAND)
