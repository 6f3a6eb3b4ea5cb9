"""Says how the demonstration gets on: a line per step with the time since the start, and on a terminal one live line."""

import shutil
import time

QUIET = 20.0  # seconds after which a log without a terminal gets the live line too


class Progress:
    """Writes to a Django command's `stdout`."""

    def __init__(self, out):
        self.out, self.start = out, time.monotonic()
        self.terminal = out.isatty()
        self.shown = ""
        self.last = self.start

    def elapsed(self) -> float:
        return time.monotonic() - self.start

    def line(self, text: str) -> None:
        """A step, kept on the screen."""
        self._clear()
        self.out.write(f"{self._stamp()} {text}")
        self.out.flush()
        self.last = time.monotonic()

    def live(self, text: str) -> None:
        """What is going on at this moment; overwritten by the next."""
        if not self.terminal:
            if text and time.monotonic() - self.last > QUIET:
                self.line(text)
            return
        self._clear()
        if text:
            self.shown = f"{self._stamp()} {text}"[: shutil.get_terminal_size().columns - 1]
            self.out.write(self.shown, ending="\r")
            self.out.flush()

    def _clear(self) -> None:
        if self.shown:
            self.out.write(" " * len(self.shown), ending="\r")
            self.shown = ""

    def _stamp(self) -> str:
        return f"[{self.elapsed():5.0f} s]"
