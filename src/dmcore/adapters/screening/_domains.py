"""Which endings of a name make it an address on the internet, without asking anybody.

The two-letter ones are complete; of the longer ones, those that people meet. An address with a
scheme or "www." before it needs no list.
"""

from typing import Final

from dmcore.adapters.screening._folding import folded

_COUNTRIES: Final = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt
bv bw by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg
er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr
ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk
lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf
ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc
sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt
tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
"""

_GENERIC: Final = """
com net org info biz name pro mobi edu gov mil int arpa aero coop museum jobs travel tel cat
post asia app dev page web site website online store shop blog cloud tech digital agency media
news live link click club top xyz vip win bid loan work world today life space fun icu cyou
buzz chat email group team social network systems services solutions support center company
studio design art music video photo photos gallery games game bet casino poker dating sex porn
adult cam cams tube fans money cash finance bank credit crypto exchange market trade deals sale
discount review reviews download stream host hosting codes software guru ninja expert academy
education school university health care clinic fit yoga beauty fashion style love wedding
family kids baby pet dog house homes land rent rentals realty property city london berlin paris
nyc eus wiki ink zone one plus black blue red green pink gold rocks cool lol wtf party band
events tickets tours vacations flights hotel restaurant pizza coffee bar pub beer wine recipes
africa lat moe gay ooo foo bot quest monster rest sbs mom skin hair makeup cfd bond
zip mov
рф рус укр бел бг срб мкд қаз мон москва онлайн сайт орг дети ком ελ ею 中国 中國 台灣 台湾
香港 公司 网络 网址 在线 中文网 한국 닷컴 みんな コム भारत இந்தியா ไทย مصر السعودية امارات ایران
ישראל קום
"""

ENDINGS: Final = frozenset(map(folded, (_COUNTRIES + _GENERIC).split()))

# Endings of files: "main.py" is an address only where more says so.
FILES: Final = frozenset({"cc", "md", "ml", "mov", "pm", "ps", "py", "rs", "sh", "so", "st", "zip"})
# English words: "dot in", "point to" are none, nor is what follows a full stop without a space.
WORDS: Final = frozenset(
    {
        "am",
        "as",
        "at",
        "be",
        "by",
        "do",
        "how",
        "id",
        "in",
        "is",
        "it",
        "la",
        "me",
        "my",
        "no",
        "of",
        "one",
        "so",
        "to",
        "us",
    }
)
