"""Speed and memory on a GPU, with models of full size and random weights."""
