"""The XML namespaces of SSIS files, as prefixes of lxml's names. SSIS writes the first two without a scheme."""

from __future__ import annotations

DTS = "{www.microsoft.com/SqlServer/Dts}"
"""Packages and connection managers."""

SSIS = "{www.microsoft.com/SqlServer/SSIS}"
"""Manifests and parameters."""

XML_ENCRYPTION = "{http://www.w3.org/2001/04/xmlenc#}"
"""Encrypted elements in packages."""
