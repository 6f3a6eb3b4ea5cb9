"""Detection: the free-response curve of each class, by the rules of the benchmark's own FROC metric."""

import numpy as np

from evaluators.metrics import METRICS

RATES = np.geomspace(1 / 16, 16, 25)  # false positives per image


def froc(manifest, reference, prediction, draws, codes):
    """rate, sensitivity, low, high of each class that has lesions."""
    parameters = dict((manifest["metrics"].get("parameters") or {}).get("froc") or {}) | {"fp_per_image": RATES}
    found = {}
    for name in manifest["classes"]:
        plan = METRICS["froc"].weighted(reference[name], prediction[name], **parameters)
        boxes, part, lesions = plan.classes[0], plan.parts[0], plan.lesions[0]
        if not lesions.sum():
            continue

        def curve(weights, plan=plan, rest=(boxes, part, lesions)):
            return plan.curve(*rest, np.ascontiguousarray(weights))

        value = curve(np.ones((boxes.n, 1), np.uint8))[:, 0]
        low, high = np.nanquantile(draws.apply(curve, codes), [0.025, 0.975], axis=1)
        columns = {"rate": plan.rates, "sensitivity": value, "low": low, "high": high}
        found |= {("froc", name, column): array for column, array in columns.items()}
    return found


FIGURES = (froc,)
