"""The parts of tools/make_samples.py."""
