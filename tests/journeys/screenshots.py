"""The pictures of docs/screenshots: `python -m tests.journeys.screenshots URL` with the whole gallery served there.

One of each page at desktop and phone width, light and dark: the top of it, and on a phone the place that matters. `--host NAME` has the address
bar, and so the lines to copy, name another host, which the service must know by KENSA_ALLOWED_HOSTS.
"""

import argparse
import shutil
from io import BytesIO
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.journeys.service import ROOT

PAGES = {
    "home": "/",
    "board": "/benchmarks/nuclei-dsb2018/",
    "model": "/kensa/retinopathy-grading-resnet",
    "task": "/tasks/diabetic-retinopathy-grading/",
}
PLACES = {"home": "#sota", "board": "#board"}  # where a phone has scrolled to
SIZES = {"desktop": (1440, 1080), "phone": (390, 844)}
COLOURS = 200  # of a picture; the pages use few


def main(url: str, host: str = "") -> None:
    real, folder = urlsplit(url), ROOT / "docs" / "screenshots"
    arguments = [f"--host-resolver-rules=MAP {host}:80 {real.hostname}:{real.port}"] if host else []
    url = f"http://{host}" if host else url.rstrip("/")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *arguments]
        )
        for size, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                page = context.new_page()
                for name, path in PAGES.items():
                    place = PLACES.get(name, "") if size == "phone" else ""
                    page.goto(url + path + place, wait_until="networkidle", timeout=120_000)
                    made = (
                        Image.open(BytesIO(page.screenshot()))
                        .convert("RGB")
                        .quantize(COLOURS, dither=Image.Dither.NONE)
                    )
                    made.save(folder / f"{name}-{size}-{theme}.png", optimize=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--host", default="")
    main(**vars(parser.parse_args()))
