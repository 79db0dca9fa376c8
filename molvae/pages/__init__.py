"""Pages of HTML that need nothing from elsewhere: markup, style, tables and structures that reports share."""
