"""The client as a wheel, so that `pip install http://this-server/client/...whl` needs nothing but this server."""

import base64
import functools
import hashlib
import io
import zipfile
from pathlib import Path

from leaderboard.client import kensa

SOURCE = Path(kensa.__file__)
NAME = f"kensa-{kensa.__version__}-py3-none-any.whl"
MOMENT = (1980, 1, 1, 0, 0, 0)  # so that the same client gives the same bytes


@functools.cache
def wheel() -> bytes:
    """The bytes of the wheel (PEP 427): one module, one command, no dependency."""
    info = f"kensa-{kensa.__version__}.dist-info"
    files = {
        "kensa.py": SOURCE.read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: kensa\nVersion: {kensa.__version__}\n"
        "Summary: Check, submit and read leaderboards of a Kensa server\nLicense: Apache-2.0\nRequires-Python: >=3.9\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: kensa\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nkensa = kensa:main\n",
    }
    record = "".join(f"{name},sha256={_hash(text)},{len(text.encode())}\n" for name, text in files.items())
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, MOMENT)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
