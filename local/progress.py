"""What a person sees while something long runs, and the record of how long each step took."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# A step that prints nothing for longer than this looks hung, to a person and to a CI runner alike.
HEARTBEAT_SECONDS = 30.0


@dataclass
class Progress:
    """Prints the start, a heartbeat and the end of each step; steps may run in several threads.

    ``durations`` holds the seconds of every finished step, in the order in which they ended.
    """

    durations: dict[str, float] = field(default_factory=dict)
    _running: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str) -> None:
        """Print one whole line, from any thread, without buffering."""
        with self._lock:
            print(text, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce ``name``, report every 30 s that it still runs, and record how long it took."""
        began = time.monotonic()
        ended = threading.Event()
        self.say(f"  … {name}")
        heartbeat = threading.Thread(target=self._beat, args=(name, began, ended), daemon=True)
        heartbeat.start()
        try:
            yield
        except BaseException:
            self.say(f"  ✗ {name} after {time.monotonic() - began:.1f} s")
            raise
        else:
            seconds = time.monotonic() - began
            self.durations[name] = seconds
            self.say(f"  ✓ {name} {seconds:.1f} s")
        finally:
            ended.set()
            heartbeat.join()

    def _beat(self, name: str, began: float, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT_SECONDS):
            self.say(f"  … {name}: {time.monotonic() - began:.0f} s so far")
