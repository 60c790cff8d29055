"""The types of files that we tell apart by their content. Their names are also their usual extensions."""

WORD = frozenset({"docx", "doc", "odt", "fodt", "rtf", "txt", "html"})
SHEETS = frozenset({"xlsx", "xls", "ods", "fods", "csv"})
SLIDES = frozenset({"pptx", "ppt", "odp", "fodp", "odg", "fodg"})
OFFICE = WORD | SHEETS | SLIDES
PICTURES = frozenset({"jpeg", "png", "webp", "gif", "tiff", "bmp", "heic", "avif"})
PDF = "pdf"
ALL = OFFICE | PICTURES | {PDF}

# Other usual extensions of the same types.
ALIASES = {
    "jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "heif": "heic", "htm": "html", "text": "txt", "tsv": "csv",
    "docm": "docx", "dotx": "docx", "xlsm": "xlsx", "xltx": "xlsx", "pptm": "pptx", "ppsx": "pptx",
    "potx": "pptx", "dot": "doc", "pps": "ppt", "wps": "doc", "et": "xls", "dps": "ppt",
    "ott": "odt", "ots": "ods", "otp": "odp",
}  # fmt: skip


def read_extension(name: str) -> str:
    """Return the type that a file's name claims, or its extension if we do not know it."""
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return ALIASES.get(extension, extension)
