"""Names that want to be more than text."""

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onload='alert(1)",
    "javascript:alert(1)",
    "</text></svg><svg onload=alert(1)>",
    "</title></style><style>*{display:none}",
    "<!--",
    "]]>",
    "&lt;b&gt;",
    "\u202ereversed",
    "line\nbreak\x00\x1b[31m",
    "\ud800",
    "x" * 1_000_000,
    "<b>" * 300_000,
]
