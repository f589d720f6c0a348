"""What a package stores about a component: columns and properties, known or refused."""
