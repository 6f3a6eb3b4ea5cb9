"""Packages from the folder layouts of HAM10000, Kvasir and Kvasir-SEG, made here from a few noisy pictures."""

import csv

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from evaluators import package as packages
from leaderboard import importing


def pictures(folder, names, white=False):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 32, 3), dtype=np.uint8)
        if white:
            pixels = np.zeros((24, 32), np.uint8)
            pixels[6:18, 8:24] = 255
        Image.fromarray(pixels).save(folder / f"{name}.jpg", quality=95)


@pytest.fixture
def skin(tmp_path):
    """Forty lesions with two pictures each, in the two parts that the collection comes in."""
    source, rows = tmp_path / "ham", []
    diagnoses = list(importing.SKIN)
    for lesion in range(40):
        for shot in range(2):
            row = {
                "lesion_id": f"HAM_{lesion:07d}",
                "image_id": f"ISIC_{2 * lesion + shot:07d}",
                "dx": diagnoses[lesion % 7],
            }
            rows.append(
                row | {"dx_type": "histo", "age": "45.0" if lesion else "NA", "sex": "female", "localization": "back"}
            )
    names = [row["image_id"] for row in rows]
    pictures(source / "HAM10000_images_part_1", names[:40])
    pictures(source / "HAM10000_images_part_2", names[40:])
    with (source / "HAM10000_metadata.csv").open("w", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return source


def test_ham10000_becomes_a_package_with_whole_lesions_on_one_side(skin, tmp_path):
    call_command("import_images", "ham10000", skin, tmp_path / "made", share=0.5)
    with packages.read(tmp_path / "made") as folder:
        assert folder.manifest["slug"] == "skin-lesions-ham10000"
        assert folder.manifest["source"]["licence"] == "CC BY-NC 4.0"
        assert folder.manifest["labels"] == "hidden"
        tested = set(folder.cases.ids)
        assert len(set(folder.cases.patients)) * 2 == len(tested)
    learnt = {line.rpartition("/")[2][:-4] for line in (tmp_path / "made.training.txt").read_text().split()}
    assert not learnt & tested
    assert len(learnt | tested) == 80


def test_folders_of_classes_become_a_package_under_the_licence_that_is_stated(tmp_path):
    for name in ("polyps", "normal-cecum"):
        pictures(tmp_path / "kvasir" / name, [f"{name}-{number}" for number in range(30)])
    with pytest.raises(CommandError, match="the name of the data is not known"):
        call_command("import_images", "folders", tmp_path / "kvasir", tmp_path / "made")
    stated = {"source": "Kvasir v2", "licence": "research and education", "slug": "kvasir"}
    call_command("import_images", "folders", tmp_path / "kvasir", tmp_path / "made", share=0.5, **stated)
    with packages.read(tmp_path / "made") as folder:
        assert folder.manifest["classes"] == ["normal-cecum", "polyps"]
        assert folder.manifest["source"]["licence"] == "research and education"


def test_images_and_masks_become_a_segmentation_package(tmp_path):
    names = [f"p{number}" for number in range(20)]
    pictures(tmp_path / "seg" / "images", names)
    pictures(tmp_path / "seg" / "masks", names, white=True)
    stated = {"source": "Kvasir-SEG", "licence": "research and education"}
    call_command("import_images", "masks", tmp_path / "seg", tmp_path / "made", share=0.5, **stated)
    with packages.read(tmp_path / "made") as folder:
        assert folder.manifest["classes"] == ["background", "polyp"]
    mask = np.asarray(Image.open(next((tmp_path / "made" / "reference").iterdir())))
    assert sorted(np.unique(mask)) == [0, 1]
    assert mask.sum() == 12 * 16
    (tmp_path / "seg" / "masks" / "p3.jpg").unlink()
    with pytest.raises(CommandError, match="p3 is in one of them alone"):
        call_command("import_images", "masks", tmp_path / "seg", tmp_path / "other", **stated)


def test_what_is_not_there_is_named_and_nothing_is_overwritten(skin, tmp_path):
    with pytest.raises(CommandError, match="no HAM10000_metadata file"):
        call_command("import_images", "ham10000", skin / "HAM10000_images_part_1", tmp_path / "made")
    with pytest.raises(CommandError, match="exists"):
        call_command("import_images", "ham10000", skin, skin)
    next(skin.rglob("*.jpg")).unlink()
    with pytest.raises(CommandError, match="is not in the folder"):
        call_command("import_images", "ham10000", skin, tmp_path / "made")
