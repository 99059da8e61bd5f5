"""A file a story, each with `story(stage)`; its first line is what the run tells. What it returns is told too."""
