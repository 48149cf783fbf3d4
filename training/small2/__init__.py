"""freegvc-small 2, in training: an autoencoder whose latents cover two frames each."""
