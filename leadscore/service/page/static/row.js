// One row of the call list: who, how to reach them, the score, and why.

import { moved } from "./changes.js";
import { count, h } from "./dom.js";
import { reason } from "./reasons.js";

/** A row, at its place among those that were found. */
export function line(list, row, at) {
  const { work } = list;
  const { contacts } = work.leads;
  const rank = work.model.rank(row.grade);
  const mark = work.mark(row);
  const last = row.place === work.calls && list.order === "score";
  const links = [[contacts.tel(row), contacts.cell(row, "phone")], [contacts.mailto(row), contacts.cell(row, "email")]];
  const element = h(
    "div",
    { class: `row${work.planned(row) ? "" : " beyond"}${last ? " edge" : ""}`, role: "row", "aria-rowindex": at + 2 },
    h("span", { class: "place", role: "gridcell" }, row.place ? count(row.place) : "–"),
    h(
      "span",
      { class: "who", role: "gridcell" },
      h("button", { type: "button", class: "link", "data-at": at, "data-row": row.number, tabindex: "-1", onclick: () => list.open(at) }, contacts.title(row)),
      h("small", {}, mark.mark ? h("span", { class: "mark" }, mark.mark) : null, [contacts.also(row), row.rep ?? contacts.cell(row, "owner")].filter(Boolean).join(" · ")),
      h("small", {}, links.filter(([link]) => link).map(([link, text]) => h("a", { href: link, tabindex: "-1" }, text))),
    ),
    row.error
      ? h("span", { class: "why wrong", role: "gridcell" }, row.error)
      : [
          h(
            "span",
            { class: "points", role: "gridcell" },
            h("span", {}, h("strong", {}, row.score), h("span", { class: `grade g${rank}` }, h("span", { class: "visually-hidden" }, "grade "), row.grade)),
            h("small", {}, work.model.actions[row.grade] ?? ""),
          ),
          list.extra.map(({ name, place }) => h("span", { class: "extra", role: "gridcell", "data-name": name }, row.cells[place])),
          h("span", { class: "why", role: "gridcell" },
            list.flags(row).map((text) => h("span", { class: "flag" }, text)),
            moved(row).map((text) => h("span", { class: "moved" }, text)),
            row.reasons.map(reason),
            row.warnings ? h("span", { class: "caution" }, row.warnings) : null),
        ],
  );
  element.style.top = `${list.offsets[at]}px`;
  element.style.height = `${list.offsets[at + 1] - list.offsets[at]}px`;
  element.style.gridTemplateColumns = list.template;
  return element;
}
