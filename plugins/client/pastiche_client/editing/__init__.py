"""What the plug-ins of GIMP and Krita share: everything but the editor's own calls.

Nothing here knows an editor or a toolkit. The work runs in threads of its own, and whatever is
for the editor's windows goes through the `post` that the plug-in gives (see `host.Post`).
"""
