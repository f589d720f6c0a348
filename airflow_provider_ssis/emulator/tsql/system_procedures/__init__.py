"""The sp_ procedures that drivers and clients call."""
