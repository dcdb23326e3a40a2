"""The modules of the GIMP plug-in; everything that Krita needs, too, is in `pastiche_client`."""
