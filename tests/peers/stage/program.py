"""A program that runs beside the story, its output in a file."""

import signal
import subprocess

from .waiting import TooLate, until


class Program:
    """Started at once; stopped by its own process id, never by name."""

    def __init__(self, name, command, log, cwd=None, env=None):
        self.name = name
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def said(self, text):
        """Whether its output holds `text`."""
        return text in self.log.read_text(errors="replace")

    def alive(self):
        """True; an error when it has ended."""
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended early with {self.process.returncode}\n{self.tail()}")
        return True

    def finish(self, seconds):
        """Waits for its own end; the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TooLate(f"{self.name} still runs after {seconds} s\n{self.tail()}") from None

    def stop(self, how=signal.SIGTERM, seconds=10):
        """Asks it to end and waits; the exit code, negative when a signal ended it."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(seconds)
        return self.process.returncode

    def wait_up(self, condition, seconds=10):
        """Waits until it does its work; one that never does is ended."""
        try:
            until(f"{self.name} to be up", lambda: self.alive() and condition(), seconds)
        except BaseException:
            self.stop()
            raise

    def tail(self, lines=25):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
