"""What Visual Studio keeps in a project folder, and its build: configurations, protection, manifest and packages."""
