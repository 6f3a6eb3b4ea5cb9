"""Times one job of one peer library: `python image_peers.py LIBRARY FILE.npz` prints seconds, the best of up to four tries.

Runs in `.venv-peers`, where Kensa is not importable; `images.py` writes the arrays and reads the number.
"""

import sys
import time

import numpy as np


def panoptica(reference, prediction, spacing):
    from panoptica import InputType, Panoptica_Evaluator
    from panoptica.metrics import Metric

    wanted = [Metric.DSC, Metric.IOU, Metric.HD95, Metric.ASSD, Metric.NSD]
    evaluator = Panoptica_Evaluator(InputType.MATCHED_INSTANCE, instance_metrics=wanted, global_metrics=[])
    return lambda: evaluator.evaluate(prediction, reference, voxelspacing=tuple(spacing), verbose=False)


def medpy(reference, prediction, spacing):
    from medpy.metric import binary

    def run():
        for label in np.unique(reference)[1:]:
            one, two = prediction == label, reference == label
            binary.dc(one, two), binary.jc(one, two)
            binary.hd95(one, two, spacing), binary.assd(one, two, spacing)

    return run


def surface_distance(reference, prediction, spacing):
    import surface_distance as peer

    def run():
        for label in np.unique(reference)[1:]:
            one, two = reference == label, prediction == label
            peer.compute_dice_coefficient(one, two)
            found = peer.compute_surface_distances(one, two, tuple(spacing))
            peer.compute_robust_hausdorff(found, 95)
            peer.compute_average_surface_distance(found)
            peer.compute_surface_dice_at_tolerance(found, 1.0)

    return run


if __name__ == "__main__":
    data = np.load(sys.argv[2])
    job = {"panoptica": panoptica, "medpy": medpy, "surface-distance": surface_distance}[sys.argv[1]]
    run = job(data["reference"], data["prediction"], data["spacing"].tolist())
    seconds = []
    while not seconds or (len(seconds) < 4 and sum(seconds) < 20):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    print(min(seconds))
