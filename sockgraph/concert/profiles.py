"""How a wiki's people write support and oppose, sign and date; and voters without their names."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import html
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sockgraph.errors import SockgraphError
from sockgraph.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd


_MARKS = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # invisible in names


@dataclass(frozen=True, eq=False)
class WikiProfile:
    """One wiki's habits.

    Attributes
    ----------
    name
        As a case file names it.
    words
        From a word that takes a side, in lower case, to the side; "" where it takes none that
        can be read (`not oppose`).
    qualifiers
        What may stand beside such a word in a template's name.
    negations
        Words before a side that make it unreadable.
    general
        Headings that belong to the discussion above them, beside those that name a side.
    user
        Namespaces of user pages and their talk pages, in lower case.
    contributions
        Special pages that list a user's edits, in lower case.
    time
        A signature's time, with the groups year, month, day, hour, minute.
    months
        From a month's name, in lower case, to its number; empty where months are numbers.
    plain
        Whether a side counts without bold or template, at the start, before punctuation.
    """

    name: str
    words: Mapping[str, str]
    qualifiers: tuple[str, ...]
    negations: tuple[str, ...]
    general: frozenset[str]
    user: frozenset[str]
    contributions: frozenset[str]
    time: re.Pattern[str]
    months: Mapping[str, int]
    plain: bool

    def side_of(self, text: str) -> str | None:
        """Return the side that a marker takes; "" if it cannot be read, None if it is no marker.

        >>> ENWIKI.side_of("Strong support"), ENWIKI.side_of("Per nom"), ZHWIKI.side_of("强烈反对")
        ('support', None, 'oppose')
        """
        said = " ".join(text.casefold().split())
        found = list(self._word.finditer(said))
        if not found:
            return None
        before = said[: found[0].start()]
        sides = {self.words[match.group()] for match in found}
        if len(sides) > 1 or self._negated.search(before):
            return ""
        return sides.pop()

    def template_side(self, name: str) -> str | None:
        """Return the side that a template of this name takes, None if it takes none."""
        match = self._template.fullmatch(" ".join(name.casefold().replace("_", " ").split()))
        return self.words[match["side"]] if match else None

    def plain_side(self, text: str) -> str | None:
        """Return the side of unmarked text that begins with one, where the wiki writes so."""
        match = self._start.match(text.strip().casefold()) if self.plain else None
        return self.words[match["side"]] if match else None

    def heading_side(self, heading: str) -> str | None:
        """Return the side of a heading that consists of one, counts and marks left aside.

        >>> ENWIKI.heading_side("Support (12)"), ENWIKI.heading_side("Support for the tower")
        ('support', None)
        """
        return self.words.get(_bare(heading)) or None

    def is_general(self, heading: str) -> bool:
        """Whether a heading belongs to the discussion above it."""
        return _bare(heading) in self.general or _bare(heading) in self.words

    def user_of(self, target: str) -> str | None:
        """Return the account whose page, talk page or list of edits a link leads to."""
        title = _MARKS.sub("", html.unescape(target)).replace("_", " ").strip().lstrip(":")
        space, _, rest = title.partition(":")
        if space.strip().casefold() in self.user:
            name = rest
        else:
            page, _, name = title.partition("/")
            if page.strip().casefold() not in self.contributions:
                return None
        return normal_name(name.partition("/")[0].partition("#")[0]) or None

    def moment(self, match: re.Match[str]) -> dt.datetime | None:
        """Return the time that a match of `time` says, UTC; None if there is no such time."""
        month = match["month"].casefold()
        number = self.months.get(month) if self.months else int(month)
        year, day, hour, minute = (int(match[n]) for n in ("year", "day", "hour", "minute"))
        try:
            return dt.datetime(year, number or 0, day, hour, minute, tzinfo=dt.UTC)
        except ValueError:
            return None

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(_any(self.words, bounded=not self.plain))

    @cached_property
    def _negated(self) -> re.Pattern[str]:
        return re.compile(_any(self.negations, bounded=not self.plain))

    @cached_property
    def _template(self) -> re.Pattern[str]:
        beside = f"(?:{_any(self.qualifiers)})"
        return re.compile(f"(?:{beside} ?)*(?P<side>{_any(self.words)})(?: ?{beside})*")

    @cached_property
    def _start(self) -> re.Pattern[str]:
        beside = f"(?:{_any(self.qualifiers)})"
        return re.compile(rf"{beside}?(?P<side>{_any(self.words)})(?=[^\w]|$)")


def _any(words: Mapping[str, object] | tuple[str, ...], *, bounded: bool = False) -> str:
    """Return an expression for any of the words, the longest first."""
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return rf"\b(?:{either})\b" if bounded else f"(?:{either})"


def _bare(heading: str) -> str:
    """Return a heading in lower case without counts, brackets and punctuation."""
    kept = re.sub(r"[(（\[].*?[)）\]]|[\d\W_]+", " ", heading.casefold())
    return " ".join(kept.split())


def profile_of(name: str) -> WikiProfile:
    """Return the profile of this name.

    Raises
    ------
    SockgraphError
        If there is none.
    """
    if name not in PROFILES:
        raise SockgraphError(name, f"profiles are {', '.join(PROFILES)}.", "Choose one of them.")
    return PROFILES[name]


_ENGLISH = {
    **dict.fromkeys(("support", "supports", "supporting"), "support"),
    **dict.fromkeys(("oppose", "opposes", "opposing", "opposed"), "oppose"),
    **dict.fromkeys(("neutral", "abstain"), "neutral"),
}
_CHINESE = {
    **dict.fromkeys(("支持", "赞成", "贊成", "赞同", "贊同", "同意"), "support"),
    **dict.fromkeys(("反对", "反對", "不支持", "不赞成", "不贊成", "不同意"), "oppose"),
    **dict.fromkeys(("中立", "弃权", "棄權"), "neutral"),
    **dict.fromkeys(("不反对", "不反對", "不中立"), ""),
}
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

ENWIKI = WikiProfile(
    name="enwiki",
    words=_ENGLISH,
    qualifiers=("strong", "strongly", "weak", "weakly", "vote", "conditional", "moral"),
    negations=("not", "no", "don't", "never", "cannot", "can't", "former", "formerly", "from"),
    general=frozenset(
        (
            "discussion", "discussions", "general discussion", "comments", "general comments",
            "comment", "survey", "poll", "polling", "vote", "votes", "voting",
            "threaded discussion",
        )
    ),
    user=frozenset(("user", "user talk", "u", "ut")),
    contributions=frozenset(("special:contributions", "special:contribs")),
    time=re.compile(
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d), (?P<day>\d{1,2}) (?P<month>[A-Za-z]{3,9}) "
        r"(?P<year>\d{4}) \(UTC\)"
    ),
    months={name[:n]: at for at, name in enumerate(_MONTHS, 1) for n in (3, len(name))},
    plain=False,
)  # fmt: skip
ZHWIKI = WikiProfile(
    name="zhwiki",
    words=_CHINESE | _ENGLISH,
    qualifiers=(
        "强烈", "強烈", "倾向", "傾向", "弱", "有条件", "有條件", "完全", "坚决", "堅決",
        "暂时", "暫時", "strong", "weak",
    ),
    negations=("并非", "並非", "不再", "原", "撤回", "not", "no"),
    general=frozenset(
        (
            "讨论", "討論", "意见", "意見", "投票", "投票区", "投票區", "表决", "表決", "留言",
            "评论", "評論", "其他意见", "其他意見", "其它意见", "其它意見",
            "discussion", "comments",
        )
    ),
    user=frozenset(
        (
            "user", "user talk", "u", "ut", "用户", "用戶", "使用者", "用户讨论", "用戶討論",
            "用户对话", "用戶對話", "使用者討論", "使用者讨论", "用戶讨论", "用户討論",
        )
    ),
    contributions=frozenset(
        (
            "special:contributions", "special:contribs", "special:用户贡献", "special:用戶貢獻",
            "特殊:用户贡献", "特殊:用戶貢獻", "特殊:使用者貢獻", "special:使用者貢獻",
        )
    ),
    time=re.compile(
        r"(?P<year>\d{4})年(?P<month>\d{1,2})月(?P<day>\d{1,2})日 ?[(（][一二三四五六日][)）] ?"
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d) ?[(（]UTC[)）]"
    ),
    months={},
    plain=True,
)  # fmt: skip
PROFILES: Mapping[str, WikiProfile] = {profile.name: profile for profile in (ENWIKI, ZHWIKI)}


def pseudonymize_voters(votes: pd.DataFrame, named: Collection[str], salt: str) -> pd.DataFrame:
    """Return votes with everybody else under a number: `voter-0001`, `voter-0002`.

    They are the crowd that chance is drawn from; who they are is nobody's business.

    Parameters
    ----------
    votes
        The table `votes`.
    named
        Accounts that keep their names.
    salt
        The case's id: it decides the order of the numbers.
    """
    others = sorted(
        set(votes["user"]) - set(named),
        key=lambda name: hmac.new(salt.encode(), name.encode(), hashlib.sha256).digest(),
    )
    covers = {name: f"voter-{number:04}" for number, name in enumerate(others, 1)}
    users = votes["user"].map(lambda name: covers.get(name, name))
    return votes.assign(user=users).sort_values(
        ["wiki", "page", "user", "rev_id"], ignore_index=True
    )
