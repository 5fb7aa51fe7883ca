"""Equations of the documentation as MathML: no script, no font, no network; browsers draw it themselves.

The pages hold TeX between dollars (which GitHub shows too). mkdocs calls :func:`on_page_content`, which turns it into
MathML. Only the part of TeX that the pages use is known; anything else stops the build with its place.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "Delta": "Δ", "eta": "η", "varepsilon": "ε", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "theta": "θ", "omega": "ω",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "varphi": "φ", "ell": "ℓ", "infty": "∞",
}  # fmt: skip
OPERATORS = {
    "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "cdot": "·", "times": "×", "in": "∈", "forall": "∀", "to": "→",
    "pm": "±", "ldots": "…", "colon": ":", "mid": "|", "lbrace": "{", "rbrace": "}", "sum": "∑", "quad": "",
    "qquad": "", "cup": "∪", "Rightarrow": "⇒", "sim": "∼", "top": "⊤",
}  # fmt: skip
SPACES = {"quad": "1.5em", "qquad": "2.5em", ",": "0.2em", ";": "0.4em", " ": "0.3em"}
FUNCTIONS = ("max", "min", "ln", "log", "exp", "conv", "var", "sd")
ACCENTS = {"bar": "¯", "overline": "¯", "hat": "^", "tilde": "~"}
_TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[a-zA-Z]|\d+(?:\.\d+)?|\S")
_PLACED = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)


class TexError(ValueError):
    """A piece of TeX that the documentation does not know."""


def on_page_content(content: str, **_: Any) -> str:
    """Replace the TeX of a page by MathML; called by mkdocs."""
    return _PLACED.sub(_replaced, content)


def _replaced(match: re.Match[str]) -> str:
    return mathml(html.unescape(match["tex"]), block=match["tag"] == "div")


def mathml(tex: str, *, block: bool = False) -> str:
    r"""Return TeX as MathML.

    >>> mathml("x_1")
    '<math><msub><mi>x</mi><mn>1</mn></msub></math>'

    Raises:
        TexError: for a command that is not known, or a brace that does not close.
    """
    lines = [line for line in re.split(r"\\\\", tex) if line.strip()]
    if len(lines) == 1 and "&" not in lines[0]:
        inside = _row(_parsed(lines[0]))
    else:
        inside = "<mtable>" + "".join(_table_row(line) for line in lines) + "</mtable>"
    return f'<math display="block">{inside}</math>' if block else f"<math>{inside}</math>"


def _table_row(line: str) -> str:
    cells = "".join(f"<mtd>{_row(_parsed(cell))}</mtd>" for cell in line.split("&"))
    return f"<mtr>{cells}</mtr>"


def _row(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def _parsed(tex: str) -> list[str]:
    tokens = list(_tokens(tex))
    parts = _sequence(tokens, tex)
    if tokens:
        raise TexError(f"a brace too many in {tex!r}")
    return parts


def _tokens(tex: str) -> Iterator[str]:
    """Yield tokens; the text of ``\\text{...}`` stays in one piece."""
    position = 0
    while position < len(tex):
        text = re.compile(r"\\(text|mathrm)\{([^{}]*)\}").match(tex, position)
        if text:
            yield f"\\{text[1]}={text[2]}"
            position = text.end()
            continue
        token = _TOKEN.match(tex, position)
        if token is None:
            position += 1
            continue
        yield token[0]
        position = token.end()


def _sequence(tokens: list[str], tex: str) -> list[str]:
    """Read up to the end or a closing brace, and put sub- and superscripts on what they follow."""
    parts: list[str] = []
    while tokens and tokens[0] != "}":
        token = tokens.pop(0)
        if token in "_^":
            base = parts.pop() if parts else "<mrow></mrow>"
            first = _argument(tokens, tex)
            if tokens and tokens[0] in "_^" and tokens[0] != token:
                tokens.pop(0)
                second = _argument(tokens, tex)
                low, high = (first, second) if token == "_" else (second, first)
                parts.append(_scripts(base, low, high))
            else:
                parts.append(_scripts(base, first, "") if token == "_" else _scripts(base, "", first))
        else:
            parts.append(_atom(token, tokens, tex))
    return parts


def _scripts(base: str, low: str, high: str) -> str:
    below = "∑" in base or ">max<" in base or ">min<" in base
    names = ("munder", "mover", "munderover") if below else ("msub", "msup", "msubsup")
    name = names[2] if low and high else names[0] if low else names[1]
    return f"<{name}>{base}{low}{high}</{name}>"


def _argument(tokens: list[str], tex: str) -> str:
    if not tokens:
        raise TexError(f"something is missing at the end of {tex!r}")
    token = tokens.pop(0)
    if token != "{":
        return _atom(token, tokens, tex)
    parts = _sequence(tokens, tex)
    if not tokens:
        raise TexError(f"a brace is not closed in {tex!r}")
    tokens.pop(0)
    return _row(parts) if parts else "<mrow></mrow>"


def _atom(token: str, tokens: list[str], tex: str) -> str:
    if token == "{":
        tokens.insert(0, token)
        return _argument(tokens, tex)
    if not token.startswith("\\"):
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        shown = {"-": "−", "*": "∗", "'": "′"}.get(token, html.escape(token))
        return f'<mo stretchy="false">{shown}</mo>' if token in "()[]" else f"<mo>{shown}</mo>"
    return _command(token[1:], tokens, tex)


def _command(name: str, tokens: list[str], tex: str) -> str:
    word, _, text = name.partition("=")
    if word == "text":
        return f"<mtext>{html.escape(text).replace(' ', chr(160))}</mtext>"
    if word == "mathrm":
        return f'<mi mathvariant="normal">{html.escape(text)}</mi>'
    if name in SPACES:
        return f'<mspace width="{SPACES[name]}"></mspace>'
    if name in SYMBOLS:
        return f"<mi>{SYMBOLS[name]}</mi>"
    if name in FUNCTIONS:
        space = '<mspace width="0.17em"></mspace>' if name == "log" else ""
        return f'<mi mathvariant="normal">{name}</mi>{space}'
    if name in OPERATORS:
        return f"<mo>{OPERATORS[name]}</mo>"
    if name in {"frac", "sqrt", "operatorname", *ACCENTS}:
        return _with_arguments(name, tokens, tex)
    if name in {"{", "}"}:
        return f"<mo>{name}</mo>"
    if name in {"left", "right"}:
        return f"<mo>{html.escape(tokens.pop(0))}</mo>"
    raise TexError(f"unknown command \\{name} in {tex!r}")


def _with_arguments(name: str, tokens: list[str], tex: str) -> str:
    """Return a command that takes what follows it."""
    first = _argument(tokens, tex)
    if name == "frac":
        return f"<mfrac>{first}{_argument(tokens, tex)}</mfrac>"
    if name == "sqrt":
        return f"<msqrt>{first}</msqrt>"
    if name == "operatorname":
        word = "".join(re.findall(r"<mi>(\w)</mi>", first))
        return f'<mi mathvariant="normal">{word}</mi>'
    return f'<mover accent="true">{first}<mo stretchy="true">{ACCENTS[name]}</mo></mover>'
