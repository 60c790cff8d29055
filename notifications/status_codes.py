"""Enhanced status codes in the replies of mail servers (RFC 3463)."""

import re

# Groups: class, subject, detail. Not part of an IP address.
ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
