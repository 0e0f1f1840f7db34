"""What a person sees of `up`: steps while it works, then where to go."""

import sys
import time

RULE = 72


class Screen:
    def __init__(self) -> None:
        self.tty = sys.stdout.isatty()
        self._step = ""
        self._since = 0.0

    def begin(self, step: str) -> None:
        self._step, self._since = step, time.monotonic()
        self._write(f"  \033[2m…\033[0m {step}" if self.tty else f"{step} ... ", end="")

    def done(self) -> None:
        seconds = f"{time.monotonic() - self._since:.1f} s"
        step, self._step = self._step, ""
        self._write(f"\r  \033[32m✓\033[0m {step} \033[2m{seconds}\033[0m" if self.tty else f"ok ({seconds})")

    def say(self, line: str) -> None:
        self._leave_step()
        self._write(f"  {line}" if self.tty else line)

    def fail(self, line: str) -> None:
        self._leave_step()
        print(f"threadline: {line}", file=sys.stderr, flush=True)

    def panel(self, lines: list[str]) -> None:
        """Ruled above and below only, so that a line can be copied whole."""
        rule = ("─" if self.tty else "-") * RULE
        self._write("\n".join([rule, *lines, rule]))

    def _leave_step(self) -> None:
        if self._step:
            self._step = ""
            self._write("")

    def _write(self, text: str, end: str = "\n") -> None:
        print(text, end=end, flush=True)
