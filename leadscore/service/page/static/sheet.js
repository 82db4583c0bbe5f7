// The call sheet for the printer: everyone who is to be called, how to reach them, why, and boxes to tick.

import { count, h, plural } from "./dom.js";
import { reason } from "./reasons.js";
import { MARKS } from "./work.js";

/** The sheets: one for each rep, or one for all calls. */
export function callSheet(work) {
  const { plan, reps } = work;
  const sheets = reps.length ? reps.map((rep) => [rep, plan.filter((row) => row.rep === rep)]) : [["", plan]];
  return sheets.map(([rep, rows]) =>
    h("section", { class: "paper" },
      h("h2", {}, rep ? `Calls of ${rep}` : "Calls"),
      h("p", {}, `${work.name}: ${plural(rows.length, "lead")}, the most promising first.`),
      h("table", {},
        h("thead", {}, h("tr", {}, ["", "Lead", "Score", "Why", "The call"].map((head) => h("th", { scope: "col" }, head)))),
        h("tbody", {}, rows.map((row) => line(work, row))))));
}

function line(work, row) {
  const { contacts } = work.leads;
  const { mark, note } = work.mark(row);
  return h("tr", {},
    h("td", {}, count(row.place)),
    h("td", {}, h("strong", {}, contacts.title(row)), [contacts.also(row), contacts.cell(row, "phone"), contacts.cell(row, "email")].filter(Boolean).map((text) => h("span", { class: "below" }, text))),
    h("td", {}, h("strong", {}, row.score), ` ${row.grade}`, h("span", { class: "below" }, work.model.actions[row.grade] ?? "")),
    h("td", {}, row.reasons.map(reason), row.warnings ? h("span", { class: "below" }, row.warnings) : null),
    h("td", {}, MARKS.map((name) => h("span", { class: "below" }, `${mark === name ? "☒" : "☐"} ${name}`)), h("span", { class: "below" }, note || "Note:")));
}
