"""The gRPC services: from the wire to the use cases and back, and nothing else."""
