"""One self-contained page: text, tables and pictures, no address that is loaded."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
div.table { overflow-x: auto; }
table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .75rem .25rem 0; text-align: left; }
td { vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
div.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
img { background: #fff; height: auto; max-width: min(100%, 36rem); }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A document with a title as its heading, then its parts."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def paragraph(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def heading(text: str) -> str:
    """The heading of a section."""
    return f"<h2>{escape(text)}</h2>"


def items(texts: Iterable[str]) -> str:
    """A list."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table; `numbers`: the columns that are set to the right."""
    kinds = ['class="number"' if place in numbers else "" for place in range(len(head))]

    def row(cells: Sequence[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        return "".join(
            f"<{tag}{scope} {kind}>{escape(cell)}</{tag}>".replace(" >", ">")
            for cell, kind in zip(cells, kinds, strict=True)
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>\n" for cells in rows)
    return (
        f'<div class="table" tabindex="0"><table>\n<thead><tr>{row(head, "th")}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def pictures(pngs: Mapping[str, bytes]) -> str:
    """Pictures side by side where there is room, by what they show in words."""
    shown = (
        f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}" alt="{escape(text)}">'
        for text, png in pngs.items()
    )
    return f'<div class="pictures">{"".join(shown)}</div>'
