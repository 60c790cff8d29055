"""Invented attendees with Chinese and English names. Their addresses are at example.com, which nobody has."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

# Characters and their Pinyin, from which mail addresses are made.
_SURNAMES = (
    "王 wang,李 li,张 zhang,刘 liu,陈 chen,杨 yang,黄 huang,赵 zhao,吴 wu,周 zhou,徐 xu,孙 sun,马 ma,"
    "朱 zhu,胡 hu,郭 guo,何 he,林 lin,高 gao,罗 luo,郑 zheng,梁 liang,谢 xie,宋 song,唐 tang,许 xu,"
    "韩 han,冯 feng,邓 deng,曹 cao,彭 peng,曾 zeng,肖 xiao,田 tian,董 dong,潘 pan,袁 yuan,蔡 cai,"
    "蒋 jiang,余 yu,于 yu,杜 du,叶 ye,程 cheng,魏 wei,苏 su,吕 lü,丁 ding,任 ren,沈 shen,欧阳 ouyang,"
    "司马 sima"
)
_GIVEN_NAMES = (
    "伟 wei,芳 fang,娜 na,敏 min,静 jing,磊 lei,洋 yang,勇 yong,艳 yan,杰 jie,涛 tao,明 ming,超 chao,"
    "霞 xia,秀英 xiuying,桂兰 guilan,建国 jianguo,志强 zhiqiang,海燕 haiyan,晓东 xiaodong,丽华 lihua,"
    "国栋 guodong,思远 siyuan,雨桐 yutong,子涵 zihan,欣怡 xinyi,梓轩 zixuan,浩然 haoran,宇航 yuhang,"
    "诗涵 shihan,俊杰 junjie,佳琪 jiaqi,雪梅 xuemei,文博 wenbo,天宇 tianyu,嘉怡 jiayi,一诺 yinuo,"
    "晨曦 chenxi,泽宇 zeyu,若曦 ruoxi,博文 bowen,婉清 wanqing,景行 jingxing,亦凡 yifan,书瑶 shuyao,"
    "弘毅 hongyi,明轩 mingxuan,可欣 kexin"
)
_FIRST_NAMES = (
    "Emma,Oliver,Sophie,James,Grace,Daniel,Hannah,Lucas,Priya,Arjun,Maria,Diego,Yuki,Kenji,Fatima,Omar,Anna,"
    "Lena,Tom,Chloe,Ethan,Zoe,Samuel,Ruth,Ingrid,Mateo,Nadia,Ravi,Claire,Hugo,Elena,Peter,Alice,Benjamin,Maya,"
    "Noah,Isabel,Victor,Laura,Felix,Amara,Kwame,Siobhan,Callum,Freya,Marek,Julia,Henrik"
)
_LAST_NAMES = (
    "Smith,Taylor,Brown,Walker,Hughes,Patel,Sharma,Iyer,García,Rojas,Tanaka,Sato,Müller,Becker,Weiß,Novak,"
    "Kowalski,Andersson,Larsen,O’Brien,Murphy,Campbell,Fraser,Dubois,Laurent,Rossi,Conti,Silva,Costa,Okafor,"
    "Mensah,Haddad,Rahman,Nguyen,Kim,Park,Tan,Lim,Wong,Fernando,Cooper,Bennett,Reed,Foster,Hayes,Quinn"
)
_COMPANIES = {
    "zh-hans": ["云帆数据", "星河智能", "浦江银行", "复旦大学", "远景科技", "蓝鲸传媒", "同济大学", ""],
    "en": ["Northwind", "Harbour Labs", "Contoso", "Lakeside University", "Brightwater", "Acme Robotics", ""],
}
_PLAIN = str.maketrans("üáãçéíñóöüß", "uaaceinoous")


@dataclass(frozen=True)
class Person:
    name: str
    email: str
    phone: str
    language: str
    company: str


def invent_people(chance: random.Random, *, chinese_share: float = 0.68) -> Iterator[Person]:
    """Yield people without end. No two have the same address."""
    surnames, given_names = _pairs(_SURNAMES), _pairs(_GIVEN_NAMES)
    first_names, last_names = _FIRST_NAMES.split(","), _LAST_NAMES.split(",")
    taken: dict[str, int] = {}
    while True:
        if chance.random() < chinese_share:
            (surname, sounds), (given, sound) = chance.choice(surnames), chance.choice(given_names)
            name, local, language = surname + given, f"{sound}.{sounds}", "zh-hans"
            phone = f"+86138{chance.randrange(10**8):08}" if chance.random() < 0.6 else ""
        else:
            first, last = chance.choice(first_names), chance.choice(last_names)
            name, local, language = f"{first} {last}", f"{first}.{last}", "en"
            phone = ""
        local = local.lower().replace("’", "").translate(_PLAIN)
        taken[local] = taken.get(local, 0) + 1
        number = taken[local] if taken[local] > 1 else ""
        company = chance.choice(_COMPANIES[language])
        yield Person(name, f"{local}{number}@example.com", phone, language, company)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(item.split()[0], item.split()[1]) for item in text.split(",")]
