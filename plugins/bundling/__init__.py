"""Builds the folders that are put into the editors: plug-in, client and vendored packages."""
