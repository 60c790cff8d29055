"""What things are called on pages: channels, people who are known by an id only, refused uploads."""

from django.utils.translation import gettext_lazy as _

from meeteasy.core.errors import RefusedError

# Channels as the SDK and organizers name them. Others are shown as they are.
_CHANNELS = {
    "wechat": _("WeChat"),
    "weixin": _("WeChat"),
    "moments": _("WeChat Moments"),
    "weibo": _("Weibo"),
    "qq": "QQ",
    "douyin": _("Douyin"),
    "xiaohongshu": _("Xiaohongshu"),
    "dingtalk": _("DingTalk"),
    "feishu": _("Feishu"),
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "linkedin": "LinkedIn",
    "twitter": "X",
    "x": "X",
    "facebook": "Facebook",
    "copy": _("Copied link"),
    "link": _("Copied link"),
    "email": _("Mail"),
    "mail": _("Mail"),
    "sms": _("SMS"),
    "qr": _("QR code"),
    "poster": _("Poster"),
    "newsletter": _("Newsletter"),
    "native": _("Share menu"),
}
# Sites and apps that are no channels, and have another name in another language.
_SITES = {
    **_CHANNELS,
    "baidu": _("Baidu"),
    "bilibili": _("Bilibili"),
    "bing": _("Bing"),
    "douban": _("Douban"),
    "kuaishou": _("Kuaishou"),
    "sogou": _("Sogou"),
    "tieba": _("Tieba"),
    "toutiao": _("Toutiao"),
    "zhihu": _("Zhihu"),
}


def label_channel(channel: str) -> str:
    """Return the name of a channel for people; a dash for none."""
    return str(_CHANNELS.get(channel.lower(), channel)) if channel else "–"


def label_site(name: str) -> str:
    """Return the name of a referring site, or of an app, for people."""
    return str(_SITES.get(name.lower(), name))


def shorten_id(visitor: str) -> str:
    """Return a short id for somebody who did not register: `v-21d509`, the end of their visitor id."""
    return f"v-{visitor[-6:]}"


def describe_upload_refusal(error: RefusedError) -> str:
    """Return why an uploaded file was refused, in the reader's language."""
    known = {
        "too_large": _("The file is too large."),
        "quota_exceeded": _("The files of this conference use up its space. Delete some."),
        "too_many_waiting": _("Too many files of this conference are waiting. Wait for some to be done."),
    }
    return str(known.get(error.code, error.message))
