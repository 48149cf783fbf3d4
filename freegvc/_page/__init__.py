"""Pages for a browser: one HTML file each, which plays clips in step and loads nothing."""
