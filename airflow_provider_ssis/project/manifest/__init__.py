"""``@Project.manifest``: the files of a project, and what it says about packages, parameters and connections."""
