"""Open training of the prior "freegvc-small": data, autoencoder, denoiser, validation."""
