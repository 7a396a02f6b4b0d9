"""The stock that invented summaries, pages and account names are made of.

Every place, person and account here is made up. A phrase is a template: `{slot}` is filled with the
word a person prefers for it (`SLOTS`), `{d}` with a matter of the page's subject, `{s}` with a
section, `{n}` with a year, `{k}` with a small number.
"""
# ruff: noqa: E501 - lists of words read best unbroken

from __future__ import annotations

from dataclasses import dataclass


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


# The words that people choose differently for one thing; a person's choice holds across phrases.
SLOTS: dict[str, tuple[str, ...]] = {
    "add": _split("add|added|adding|+|put in|new"),
    "rm": _split("remove|removed|rm|cut|drop|del|took out"),
    "fix": _split("fix|fixed|fixing|corrected|correct|corr."),
    "src": _split("source|ref|cite|citation|reference"),
    "and": _split("and|&|+|,|/"),
    "with": _split("with|w/|incl.|giving"),
    "typo": _split("typo|spelling|sp|misspelling|slip"),
    "ce": _split("copyedit|ce|c/e|tidy|wording|copy edit|rephrase|tweak"),
    "para": _split("paragraph|para|section|bit|sentence|passage"),
    "per": _split("per|see|as said on|cf."),
    "upd": _split("update|updated|upd|updating|brought up to date"),
    "mv": _split("move|moved|mv|shift|moving"),
    "talk": _split("talk|the talk page|discussion|Talk|tp"),
    "加": _split("补充|添加|加|增加|增补|補"),
    "修": _split("修正|修|更正|改正|改|订正"),
    "删": _split("删除|删|移除|删去|去掉"),
    "源": _split("来源|参考|出处|参考资料|脚注|ref"),
    "润": _split("润色|修饰|文句修饰|语句|调整文字|ce"),
    "更": _split("更新|更新一下|up|最新"),
}

KINDS = _split(
    "typo|copyedit|cite|expand|remove|link|category|image|layout|update|prose|reply|usertalk"
)

ENGLISH: dict[str, tuple[str, ...]] = {
    "typo": _split(
        "{typo}|{fix} {typo}|{fix} {typo} in {d}|{typo}s|minor {typo}|oops, {typo}|grammar|"
        "{typo} {and} grammar|punctuation|missing word|{fix} plural|a {typo} I left behind|comma"
    ),
    "copyedit": _split(
        "{ce}|{ce} {and} shorten|some {ce}|smoother {para}|{ce}: {d}|clearer|plain words|"
        "{ce} throughout|active voice|less wordy|tone|{ce} the lead|reads better|"
        "split a long sentence|same tense throughout|{ce} on {d}"
    ),
    "cite": _split(
        "{add} {src}|{add} {src} for {d}|{src} for {d}|+{src}|{src}s|{add} page number|"
        "{add} {src} {with} page|better {src}|{fix} {src}|dead link replaced|{src} needed|"
        "{add} archive link|{n} survey, p. {k}|{src} was in the wrong place|{src} {and} quote"
    ),
    "expand": _split(
        "{add} {d}|expand|expand on {d}|{add} a {para} on {d}|more on {d}|{n} survey on {d}|"
        "start on {d}|{add} {n} figures|a little more on {d}|down to {n}|new {para}: {d}|"
        "{d}, {n} to date|{add} {d} {and} a {src}|background"
    ),
    "remove": _split(
        "{rm} {d}|{rm} unsourced {para}|{rm} duplicate|{rm} {d}, not in the {src}|trim|"
        "{rm} {para}, {per} {talk}|off topic|too much detail|{rm} peacock words|"
        "{rm} {d}: said twice|trivia"
    ),
    "link": _split(
        "link|{add} link|{fix} link|wikilinks|unlink|link {d}|{fix} redirect|dab|"
        "{fix} dab link|overlinking|{add} see also|pipe"
    ),
    "category": _split("+cat|{add} category|{fix} category|cats|sort key|recat|cat"),
    "image": _split(
        "{add} image|image of {d}|{fix} caption|caption|swap image|{add} map|{mv} image|"
        "alt text|picture of {d}|smaller image"
    ),
    "layout": _split(
        "{mv} {para}|layout|{fix} table|heading|{mv} {d} up|infobox|table of {d}|"
        "{fix} template|by year|whitespace|{mv} {d} to its own {para}|formatting"
    ),
    "update": _split("{upd}|{upd} {d}|{upd} figures|{upd} to {n}|as of {n}|{upd} infobox|now {k}"),
    "prose": _split(
        "the {n} survey has {k} of them, not {j}|this {para} belongs under {s}|"
        "still looking for a {src} on {d}|don't think we need {d} twice|"
        "I'd keep {d}, but shorter|can't find {d} in the {src} given|what I said on {talk}|"
        "put back {d}, it is in the {n} survey|first draft, will {add} {src}s later|"
        "half of this is about {d}|sorry, wrong {para}|that is not what the {src} says|"
        "names as in the {n} list|before {n} there was nothing of the kind|"
        "{d} came later, {per} {src}|if nobody objects I will {rm} {d} next week|"
        "two {src}s disagree on {d}, giving both|better in {s} than here|"
        "where does {k} come from? the {src} says {j}|{rm} my own note on {d}"
    ),
    "reply": _split(
        "reply|re|re {d}|comment|answer|question about {d}|agree|not sure|thanks|one more thing|"
        "my reading of {d}|support|+1|re: {n}|new topic: {d}"
    ),
    "usertalk": _split(
        "welcome|hello|note about {d}|question|thanks for {d}|re|reply|about {d}|heads up|"
        "{src} for {d}?"
    ),
}

CHINESE: dict[str, tuple[str, ...]] = {
    "typo": _split("{修}错字|错别字|{修}笔误|笔误|漏字|标点|{修}标点|语病|小改"),
    "copyedit": _split("{润}|{润}导言|精简|通顺|语气|改写|顺一下|{润}，{d}|小改动"),
    "cite": _split(
        "{加}{源}|+{源}|{加}{d}的{源}|{源}|{加}页码|换{源}|失效链接|{修}{源}格式|{n}年志"
    ),
    "expand": _split("扩充|{加}内容|{加}{d}|扩充{d}一节|{d}|{加}{n}年数字|再写一点{d}|内容扩充"),
    "remove": _split("{删}|{删}无{源}内容|{删}重复|与条目无关|过于琐碎|{删}{d}|见讨论页"),
    "link": _split("内链|{加}内链|{修}链接|消歧义|{修}重定向|+内链"),
    "category": _split("分类|{加}分类|+cat|{修}分类"),
    "image": _split("{加}图|配图|图说|换图|{d}的图"),
    "layout": _split("排版|{修}表格|标题|调整顺序|信息框|格式"),
    "update": _split("{更}|{更}{d}|{更}数据|{更}至{n}年"),
    "prose": _split(
        "{n}年的记载不是这样|这段应放在{s}|{d}还没有{源}|已在讨论页说明|先这样，以后再{加}|"
        "{源}里没有这句|{d}写了两遍|两说并存|原文是{k}，不是{j}|若无异议下周{删}"
    ),
    "reply": _split("回复|re|答|意见|问{d}|同意|谢谢|补一句|+1"),
    "usertalk": _split("欢迎|你好|关于{d}|请教|谢谢|通知|回复"),
}

# Simplified characters of the stock above and their traditional forms: a habit, like any other.
_SIMPLE = "补来错误别链图说删内节页条换类标题处无语顺简扩写数据讨论见谢问复过记载与调关应这两还里后资饰订纲导闸盐仓纤运桥驿阵戏腔师谱场赛险边异识"
_TRADITIONAL = "補來錯誤別鏈圖說刪內節頁條換類標題處無語順簡擴寫數據討論見謝問復過記載與調關應這兩還裡後資飾訂綱導閘鹽倉纖運橋驛陣戲腔師譜場賽險邊異識"
TO_TRADITIONAL = str.maketrans(_SIMPLE, _TRADITIONAL)


@dataclass(frozen=True)
class Subject:
    """What a community writes about.

    Attributes
    ----------
    peak
        The hour (UTC) around which its members edit.
    chinese
        Shares of its members who write summaries in English, in both languages, in Chinese.
    jargon
        Phrases that its members share, whoever they are.
    """

    name: str
    peak: float
    chinese: tuple[float, float, float]
    places: tuple[str, ...]
    things: tuple[str, ...]
    zh_pages: tuple[str, ...]
    sections: tuple[str, ...]
    details: tuple[str, ...]
    zh_details: tuple[str, ...]
    jargon: tuple[str, ...]


_ZH_COMMON = _split("沿革|名称|地点|年份|人物|记载|图表|附录")

SUBJECTS: tuple[Subject, ...] = (
    Subject(
        "River trade",
        12.5,
        (0.45, 0.25, 0.3),
        _split("Wend|Harrowquay|Tarnferry|Ousel Lock|Lower Sallow|Pikemouth|Brackwater|Nettlehythe|Osier Bank|Crake Weir|Dunmere|Saltings"),
        _split("toll bridge|ferry dispute|barge company|lock-keepers|salt boats|quay fire|regatta|towpath|customs house|flood|boatyard|chain ferry"),
        _split("石埠渡|柳溪漕运|南荇盐仓|鹭洲码头|云陂水闸|石埠船捐|柳溪纤道|鹭洲浮桥|南荇埠头|云陂渡口|芦汀船厂|石埠税关|柳溪水驿|鹭洲渔市"),
        _split("History|Trade|Tolls|Boats|The dispute|Owners|Traffic|航运|沿革|争议"),
        _split("tolls|the ferry|barge numbers|the lock|tonnage|the quay|salt boats|the 1911 toll act|the weir|owners|the tow rates|flood years|the lease|crews"),
        _split("渡口|船捐|漕船|盐仓|码头|水闸|纤道|埠头|水位|船户|税则|航期"),
        _split("per the toll survey|tonnage per the 1894 return|lock dims|{n} toll act|wharf, not quay|据船捐册|river name per list"),
    ),
    Subject(
        "Tramways",
        19.0,
        (0.97, 0.03, 0.0),
        _split("Coldharbour|Mint Street|Ashlode|Upper Tilling|Parsonage Hill|Gorsewick|Marlpit|Eastgate|Yarrow Cross|Limehouse Lane"),
        _split("tram line|depot|carriage works|horse tram|strike|electric company|terminus|timetable reform|rolling stock|bridge accident|fare riots"),
        (),
        _split("History|Route|Rolling stock|Stops|Accidents|Closure|Operators"),
        _split("gauge|the depot|car numbers|the timetable|headways|stop names|fares|wiring|the junction|liveries|crews"),
        _ZH_COMMON,
        _split("fleet list|gauge per drawing|stop order as built|car {k} rebodied|rolling stock table"),
    ),
    Subject(
        "Moths",
        20.0,
        (0.9, 0.1, 0.0),
        _split("Fernwick|Sallow|Heath|Lesser|Pale|Bog|Ringed|Copper|Dusky|Vale|Hoary|Thorn"),
        _split("footman moth|plume moth|hook-tip|tussock|carpet moth|pinion|wainscot|pug|clearwing|prominent"),
        (),
        _split("Description|Range|Life cycle|Food plants|Records|Similar species|Taxonomy"),
        _split("wingspan|the larva|flight season|food plants|records|antennae|range|the type|hindwing|synonyms"),
        _ZH_COMMON,
        _split("sp. page layout|per checklist|flight season by county|syn.|taxobox|det. by wing"),
    ),
    Subject(
        "Folk song",
        21.5,
        (0.93, 0.07, 0.0),
        _split("Sedgemarsh|Copperhill|Blind Tam|Aldermoor|Hob Lane|Ravelin|Skelder|Tinker's|Long Mary|Wren"),
        _split("ballad|reel|morris|carol|fiddle tune|drinking song|broadside|lament|pipe march|singing club"),
        (),
        _split("Words|Tune|Versions|Singers|Collected|Recordings|Dance"),
        _split("the tune|verse 3|the refrain|variants|the collector|first print|key|the singer|recordings|metre"),
        _ZH_COMMON,
        _split("tune no. {k}|variant B|tune only|coll. {n}|sung version"),
    ),
    Subject(
        "Village football",
        17.5,
        (0.98, 0.02, 0.0),
        _split("Harrowquay|Ashlode|Dunmere|Gorsewick|Tilling|Saltings|Yarrow|Marlpit|Sallow|Nettlehythe"),
        _split("Rovers|Wanderers|Athletic|women's team|cup final|ground|season 2023|season 2024|youth league|supporters' trust"),
        (),
        _split("Season|Squad|Results|Ground|Honours|Managers|Records"),
        _split("line-ups|the score|attendance|fixtures|goals|the table|the squad|kit|transfers|appearances"),
        _ZH_COMMON,
        _split("FT {k}–{j}|apps and goals|squad list|result|+match report|table after week {k}"),
    ),
    Subject(
        "Pottery",
        15.0,
        (0.85, 0.15, 0.0),
        _split("Claywell|Osier Bank|Redmarl|Kiln Lane|Brackwater|Slipford|Ashglaze|Tenmile|Old Wick|Pargeter"),
        _split("ware|kiln site|pattern book|glass house|tile works|potters' guild|exhibition|salt glaze|marks|museum"),
        (),
        _split("Wares|Marks|Kilns|History|Potters|Collections|Glazes"),
        _split("glaze|the mark|sherds|firing|the kiln|shapes|dates|the pattern|provenance|body colour"),
        _ZH_COMMON,
        _split("marks table|acc. no.|attr.|sherd count|body and glaze|after the sale catalogue"),
    ),
    Subject(
        "茶与戏",
        13.0,
        (0.02, 0.18, 0.8),
        _split("Cloud Slope|Stone Kettle|Reed Isle|Nine Steps"),
        _split("tea house|opera troupe|tea road|stage"),
        _split("云坡茶|石铫戏台|芦汀班|九阶茶亭|云坡茶马道|南荇腔|鹭洲戏班|石铫茶会|九阶灯戏|柳溪社戏|云坡采茶歌|芦汀鼓书|石铫茶税|鹭洲唱本|九阶戏楼|南荇水袖|柳溪茶市|云坡贡茶"),
        _split("历史|剧目|唱腔|制法|产地|人物|版本|References"),
        _split("the stage|tea tax|the troupe|scores"),
        _split("剧目|唱词|茶税|戏班|脸谱|产地|采制|票价|班主|曲牌|年代"),
        _split("据县志|剧目表|唱本异文|茶录卷{k}|{n}年重修本|见《石铫志》"),
    ),
    Subject(
        "Board games",
        2.0,
        (0.9, 0.08, 0.02),
        _split("Nine Wells|Hare and Hounds|Quern|Fox Run|Merels of Wick|Towers|Longship|Tally|Gallow Hill|Pegs"),
        _split("rules|variant|opening theory|tournament|board|club|world record|notation|computer player|history"),
        (),
        _split("Rules|Play|Variants|Strategy|History|Tournaments|Equipment"),
        _split("the opening|move {k}|the board|scoring|draw rule|notation|variants|ratings|pieces|time limits"),
        _ZH_COMMON,
        _split("rule {k}|notation per club|diagram|ply {k}|solved for {k}x{k}|elo list"),
    ),
)  # fmt: skip

PROJECT_PAGES = _split(
    "Fernwick:Village pump|Fernwick:Help desk|Fernwick:Proposals|Fernwick:Pages for deletion"
)

# Pages that everybody comes by, whatever they write about.
EVERYBODYS = _split(
    "Fernwick|Fernwick Fen|2022 in Fernwick|2023 in Fernwick|2024 in Fernwick|2025 in Fernwick|Fernwick council|"
    "Market day|The long winter|Flood of 2024|Library of Fernwick|Fernwick harvest fair|Hospital road|Bells of Fernwick|"
    "Deaths in 2023|Deaths in 2024|People of Fernwick|Streets of Fernwick|Schools of Fernwick|Fernwick dialect|"
    "Lamp week|County show|Old names of Fernwick|Maps of Fernwick|Weather of Fernwick|蕨湾|蕨湾移民|蕨湾集市|2024年蕨湾水灾|蕨湾方言"
)

# What account names are put together from.
FIRST = _split(
    "Brindle|Pewter|Thistle|Umber|Marrow|Lichen|Sorrel|Tallow|Russet|Flint|Ember|Hazel|Drover|Saffron|"
    "Copper|Juniper|Velvet|Cobble|Bramble|Winter|Harvest|Ochre|Slate|Meadow|Candle|Button|Clover|Damson"
)
SECOND = _split(
    "Jotter|Ledger|Kettle|Sparrow|Wagon|Mitten|Lintel|Gable|Thimble|Otter|Pippin|Anvil|Satchel|Weft|"
    "Tabor|Cooper|Fennel|Hopper|Inkwell|Pebble|Turnstile|Bodkin|Lattice|Milestone|Trellis|Spindle"
)
ZH_FIRST = _split("荇水|石铫|芦汀|云坡|鹭洲|柳溪|晚舟|青笠|半亩|枕书|听雨|九阶|竹外|灯前|霜桥|山左")
ZH_SECOND = _split("散人|旧客|书童|行者|钓叟|过客|学步|抄手|闲人|茶博士|不系舟|小筑")
