"""The Pastiche daemon: perceptual losses, training and trained transformer networks over gRPC."""

__version__ = "0.1.0"
