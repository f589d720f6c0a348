"""The control flow: the walk over the containers of a package."""
