"""Lumbar spine grading on MRI: what Jamaludin and others printed in 2016, with the radiologist's agreement of two of his or her own readings. Not measured."""

from leaderboard.demo import _papers

TASK = {
    "slug": "lumbar-spine-grading",
    "title": "Lumbar spine grading on MRI",
    "question": "How degenerate are the discs and vertebrae of the lower back on an MRI? Grades help to decide about treatment of back pain, "
    "and two readings by one radiologist differ in up to three of ten.",
    "specialty": "radiology",
    "modality": "MRI, T2-weighted",
    "anatomy": "lumbar spine",
}
GRADES = (
    "Pfirrmann grading", "Disc narrowing", "Upper endplate defects", "Lower endplate defects", "Upper marrow changes",
    "Lower marrow changes",
)  # fmt: skip
BRANCH = {
    "none": "Separate networks", "Conv3": "Branch after Conv3", "Conv4": "Branch after Conv4",
    "Conv5": "Branch after Conv5", "FC6": "Branch after FC6", "FC7": "Branch after FC7",
}  # fmt: skip
INTRA = (70.4, 72.0, 80.7, 83.3, 92.5, 91.4)
PRINTED = {  # class-average accuracy in percent, mean and standard deviation
    "none": ((69.8, 0.4), (72.3, 2.1), (79.0, 0.5), (79.5, 1.2), (88.1, 0.6), (87.3, 0.3)),
    "Conv3": ((71.2, 1.0), (74.4, 0.4), (83.0, 1.5), (82.8, 1.5), (89.1, 0.1), (88.2, 0.7)),
    "Conv4": ((70.9, 0.1), (73.3, 1.9), (81.7, 2.5), (84.5, 1.2), (89.2, 0.2), (88.9, 0.2)),
    "Conv5": ((71.2, 0.4), (73.9, 0.7), (84.8, 0.6), (87.3, 2.3), (90.1, 0.4), (89.0, 0.4)),
    "FC6": ((69.8, 0.4), (73.2, 0.1), (85.8, 0.3), (85.8, 2.0), (89.2, 0.3), (88.5, 0.8)),
    "FC7": ((70.9, 0.6), (74.5, 0.7), (85.7, 0.1), (86.4, 2.0), (89.2, 0.5), (88.2, 0.7)),
}
SOURCE = {
    "citation": "Jamaludin A., Kadir T., Zisserman A. SpineNet: automatically pinpointing classification evidence in spinal MRIs. "
    "MICCAI 2016.",
    "source": "Table of class-average accuracy by the layer at which the tasks branch",
}


def claims() -> list[dict]:
    """One claim a grade and row, in percent; the printed form keeps the standard deviation."""
    found = [
        {
            "name": "Radiologist, intra-rater agreement",
            "metric": f"{grade}, %",
            "value": value,
            "printed": f"{value:.1f}",
            "reader": True,
        }
        | SOURCE
        for grade, value in zip(GRADES, INTRA, strict=True)
    ]
    for layer, values in PRINTED.items():
        for grade, (mean, deviation) in zip(GRADES, values, strict=True):
            printed = f"{mean:.1f} ± {deviation:.1f}"
            found.append({"name": BRANCH[layer], "metric": f"{grade}, %", "value": mean, "printed": printed} | SOURCE)
    return found


NOTE = (
    "The spinal MRIs of this work are not public, so nothing here was measured: the rows below are cited. The first row, how well a "
    "radiologist agrees with an own earlier reading, is the human yardstick beside which the networks were read."
)
DEMO = _papers.demo(TASK, claims(), NOTE)
