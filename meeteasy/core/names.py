"""Names of people: strangers type them into a public form, and mails and lists show them.

A confirmation goes to any address that the form names and greets with any name that it gives. So a name with
a web address would turn the form into a way to mail advertising to strangers, with our sender.
"""

import re
import unicodedata

# Invisible characters that do not belong in a name: zero-width ones, fillers, tags, and direction controls,
# which reverse the text around them. Joiners and variation selectors stay, because several scripts and emoji
# need them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_JOINERS = "\u200c\u200d"

# Generic domains, and country domains that are popular in advertising. The list is incomplete on purpose:
# `Wei.Li` and `Dr.de Vries` are names, though `li` and `de` are countries.
_DOMAINS = (
    "com|net|org|info|biz|xyz|top|shop|site|online|store|club|vip|app|dev|link|live|icu|win|work|click|fun|pro|"
    "space|tech|website|world|life|today|cloud|io|cc|cn|ru|tk|ml|ga|cf|gq|ws|uk|eu|"
    "网址|网站|中国|公司|网络|在线|商城"
)
_WEB_ADDRESS = re.compile(
    rf"[a-z][a-z0-9+.-]*:/+\S|\bwww\d*\.|[\w-]\.[\w-]{{2,}}[/?#]\S|[\w-]{{2,}}\.({_DOMAINS})(?![\w-]|\.\w)",
    re.IGNORECASE,
)
# Dots that browsers read as the dot of a domain (UTS 46).
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")


def strip_invisible(text: str) -> str:
    """Remove invisible characters. Joiners stay between two characters.

    >>> strip_invisible("\\u202eAnn\\u200b\\u3164")
    'Ann'
    """
    text = _INVISIBLE.sub("", text)
    if any(joiner in text for joiner in _JOINERS):
        text = re.sub(rf"(^|(?<=\s))[{_JOINERS}]+|[{_JOINERS}]+($|(?=\s))", "", text)
    return text.strip()


def has_web_address(text: str) -> bool:
    """Whether a mail program would turn part of the text into a link: `https://…`, `www.…`, `evil.com`.

    Full-width letters and dots count as their plain forms.
    """
    plain = unicodedata.normalize("NFKC", strip_invisible(text)).translate(_DOTS)
    return _WEB_ADDRESS.search(plain) is not None
