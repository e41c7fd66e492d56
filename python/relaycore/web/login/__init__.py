"""The login of browsers: a page, the cookie that it gives, and its end."""
