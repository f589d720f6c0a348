"""The parts of the catalog client, one for each kind of object; :class:`~..client.Catalog` combines them."""
