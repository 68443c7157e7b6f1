"""What lies on the desk: folders of proposals, what persons have decided about them, and what was published of them."""
