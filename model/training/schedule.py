"""The schedule of a run, as a function of its progress from 0 to 1."""
import math
from dataclasses import dataclass

METHODS = ("parsing", "edges", "csr")
POWER = 0.9
WARM_UP = 200  # steps
CSR_START, CYCLES = 0.64, 4

# The progress from which on it applies, the window's side as a part of the model's frame, and its batch as a part of the run's.
# A CPU sees more pictures, small ones first; a GPU would not be busy with those.
WINDOWS = {"cpu": ((0.0, 0.625, 1.5), (0.3, 0.8125, 1), (0.65, 1, 1)), "cuda": ((0.0, 1, 1),)}


@dataclass(frozen=True)
class Schedule:
    """method: parsing alone, with the decoupled edge tasks, or with cyclical self-regulation after these. frozen: the
    number of first layers of the encoder that are frozen."""
    method: str
    base_rate: float
    batch: int
    side: int
    device: str
    frozen: int = 0

    @property
    def decoupled(self):
        return self.method != "parsing"

    def cycle(self, progress):
        """The cycle of self-regulation, None before the first."""
        if self.method != "csr" or progress < CSR_START:
            return None
        return min(CYCLES - 1, int(self.turns(progress)))

    def turns(self, progress):
        """How many cycles are complete, as a real number."""
        return (progress - CSR_START) / (1 - CSR_START) * CYCLES

    def rate(self, progress, steps):
        """Polynomial decay after a short rise; in each cycle a cosine from half the base rate (paper section 4.2)."""
        cycle = self.cycle(progress)
        if cycle is None:
            return self.base_rate * min(1, (steps + 1) / WARM_UP) * (1 - progress) ** POWER
        return self.base_rate / 4 * (1.01 + math.cos(math.pi * min(1, self.turns(progress) - cycle)))

    def window(self, progress):
        """(side, batch): sides are multiples of 8."""
        _, part, share = [row for row in WINDOWS[self.device] if progress >= row[0]][-1]
        return max(32, round(self.side * part / 8) * 8) if part < 1 else self.side, max(2, round(self.batch * share))
