"""PNG, JPEG and TIFF pictures: (h, w), or (h, w, channels) for colour. `scan.tiff#2` is the third page of a TIFF file."""

from pathlib import Path

import numpy as np

from evaluators.readers.registry import Format, Picture, Unreadable, register

MAX_PIXELS = 500_000_000
COLOUR = {"P": "RGB", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB", "LA": "L"}


def _reader(name: str):
    def read(path: Path, index: str = "", labels: bool = False) -> Picture:
        from PIL import Image

        if index and (name != "TIFF" or not index.isdigit()):
            raise Unreadable(f"a {name} file holds one picture", "Name the file without '#'.")
        try:
            with Image.open(path, formats=[name]) as image:
                pages = getattr(image, "n_frames", 1)
                if name == "TIFF" and not (int(index) < pages if index else pages == 1):
                    raise Unreadable(f"the file has {pages} pages", "Name one behind '#', counted from 0.")
                if index:
                    image.seek(int(index))
                if image.width * image.height > MAX_PIXELS:
                    raise Unreadable(
                        f"a picture of {image.width} x {image.height} is too large", "Keep the input's size."
                    )
                image.load()
                if not labels and image.mode in COLOUR:
                    image = image.convert(COLOUR[image.mode])
                array = np.asarray(image)
        except (MemoryError, Unreadable):
            raise
        except Exception as error:  # Pillow raises many kinds for damaged bytes
            raise Unreadable(f"this is not a {name} picture, or it is cut off", "Write it again.") from error
        if array.dtype == bool:
            array = array.astype(np.uint8)
        return Picture(array, spatial=2)

    return read


register(Format("png", (".png",), _reader("PNG")))
register(Format("jpeg", (".jpg", ".jpeg"), _reader("JPEG")))
register(Format("tiff", (".tiff", ".tif"), _reader("TIFF")))
