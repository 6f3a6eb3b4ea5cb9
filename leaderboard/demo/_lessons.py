"""What the boards of the page "How a benchmark lies" share: their task, and the part of a manifest that is the same."""

TASK = {
    "slug": "how-a-benchmark-lies",
    "title": "How a benchmark lies",
    "question": "How can a number on held-out cases be high and mean nothing? Each board here shows one way on real data, beside the "
    "check that finds it.",
    "specialty": "methodology",
    "modality": "records and images",
    "anatomy": "any",
}
COMMON = {
    "version": 1,
    "task": TASK,
    "accepts": ["predictions"],
    "labels": "public",
    "release_inputs": True,
    "resample": {"unit": "patient_id", "resamples": 2000},
}
