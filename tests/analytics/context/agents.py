"""User agents that others take for something else: with browser, system, device and app."""

_WEBVIEW = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/111.0.5563.116 Mobile Safari/537.36"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_ANDROID = "Mozilla/5.0 (Linux; Android 13; V2307A Build/TP1A.220624.014; wv)"
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"

AGENTS = [
    (
        f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
        ("WeChat", "iOS", "phone", "WeChat"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} XWEB/1110017 MMWEBSDK/20231002 MicroMessenger/8.0.43.2480(0x28002B51) "
        "WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64",
        ("WeChat", "Android", "phone", "WeChat"),
    ),
    (
        f"{_WINDOWS} Chrome/107.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) "
        "WindowsWechat(0x63090819) XWEB/8555 Flue",
        ("WeChat", "Windows", "desktop", "WeChat"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} wxwork/4.1.10 MicroMessenger/7.0.1 NetType/WIFI Language/zh",
        ("WeCom", "Android", "phone", "WeCom"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} AliApp(DingTalk/7.1.10) com.alibaba.android.rimet/29830366 Channel/227200 "
        "language/zh-CN abi/64 UT4Aplus/0.2.25 colorScheme/light",
        ("DingTalk", "Android", "phone", "DingTalk"),
    ),
    (
        f"{_IPHONE} Mobile/15E148 Lark/7.5.7 LarkLocale/zh_CN ChannelName/Feishu",
        ("Feishu", "iOS", "phone", "Feishu"),
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Lark/7.9.6 Chrome/110.0.5481.208 Electron/23.1.3 Safari/537.36 LarkLocale/en_US",
        ("Lark", "macOS", "desktop", "Lark"),
    ),
    (
        f"{_IPHONE} Mobile/15E148 discover/8.28 xhsminiweb",
        ("Xiaohongshu", "iOS", "phone", "Xiaohongshu"),
    ),
    (
        f"{_IPHONE} Mobile/15E148 xhsdiscover/8.20 Resolution/1170x2532 Language/zh-Hans",
        ("Xiaohongshu", "iOS", "phone", "Xiaohongshu"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} QQ/8.9.68.11565 NetType/4G WebP/0.4.1 V1_AND_SQ_8.9.68_4266_YYB_D",
        ("QQ", "Android", "phone", "QQ"),
    ),
    (
        f"{_IPHONE} Mobile/15E148 NebulaSDK/1.8.100112 AlipayDefined(nt:WIFI,ws:390|844|3.0) "
        "AliApp(AP/10.5.36.6000) AlipayClient/10.5.36.6000 Language/zh-Hans",
        ("Alipay", "iOS", "phone", "Alipay"),
    ),
    (
        f"{_IPHONE} Mobile/15E148 Weibo (iPhone14,5__weibo__13.9.0__iphone__os17.5)",
        ("Weibo", "iOS", "phone", "Weibo"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} aweme_270000 JsSdk/1.0 NetType/WIFI Channel/xiaomi AppName/aweme "
        "app_version/27.0.0 ByteLocale/zh-CN Region/CN BytedanceWebview/d8a21c6",
        ("Douyin", "Android", "phone", "Douyin"),
    ),
    (
        f"{_ANDROID} {_WEBVIEW} T7/13.57 SP-engine/2.95.0 baiduboxapp/13.57.0.10 (Baidu; P1 13) NABar/1.0",
        ("Baidu", "Android", "phone", "Baidu"),
    ),
    (
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 "
        "Safari/537.36 ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.300",
        ("Huawei Browser", "HarmonyOS", "phone", ""),
    ),
    (
        "Mozilla/5.0 (Tablet; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 "
        "Safari/537.36 ArkWeb/4.1.6.1",
        ("ArkWeb", "HarmonyOS", "tablet", ""),
    ),
    (
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN01; HMSCore 6.11.0.302) AppleWebKit/537.36 (KHTML, "
        "like Gecko) Chrome/99.0.4844.88 HuaweiBrowser/13.0.5.303 Mobile Safari/537.36",
        ("Huawei Browser", "HarmonyOS", "phone", ""),
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 12; zh-CN; M2102K1C Build/SKQ1.211006.001) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/100.0.4896.58 UCBrowser/15.5.2.1242 Mobile Safari/537.36",
        ("UC Browser", "Android", "phone", ""),
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 12; zh-cn; 21091116AC Build/SP1A.210812.016) AppleWebKit/537.36 "
        "(KHTML, like Gecko) Version/4.0 Chrome/98.0.4758.102 MQQBrowser/13.5 Mobile Safari/537.36",
        ("QQ Browser", "Android", "phone", ""),
    ),
    (
        f"{_WINDOWS} Chrome/86.0.4240.198 Safari/537.36 SE 2.X MetaSr 1.0",
        ("Sogou Browser", "Windows", "desktop", ""),
    ),
    (
        "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
        ("Samsung Internet", "Android", "phone", ""),
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
        "Mobile/15E148 Safari/604.1",
        ("Safari", "iOS", "tablet", ""),
    ),
    (f"{_WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0", ("Edge", "Windows", "desktop", "")),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        ("Firefox", "Linux", "desktop", ""),
    ),
    (
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 "
        "Safari/537.36 WebAppManager",
        ("Chrome", "webOS", "tv", ""),
    ),
    (f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/430.0.0.32.113]", ("Facebook", "iOS", "phone", "Facebook")),
    (
        f"{_IPHONE} Mobile/15E148 Barcelona 289.0.0.14.109 (iPhone14,3; iOS 17_5; en_US; en; scale=3.00)",
        ("Threads", "iOS", "phone", "Threads"),
    ),
]
