"""What pages are made of: markup, style, tables, structures; nothing from elsewhere is needed to read them."""
