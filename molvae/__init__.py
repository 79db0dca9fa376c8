"""molvae: a variational autoencoder for molecules."""
