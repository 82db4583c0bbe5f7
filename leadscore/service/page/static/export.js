// The list as a file: what is shown, with the columns one wants, for a spreadsheet or a CRM.

import { copy, count, h, plural } from "./dom.js";
import { workbook } from "./xlsx.js";

// A spreadsheet runs a cell that starts with one of these.
const FORMULA = /^[=+\-@\t\r]/;

/** The button and its dialog. */
export function exporting(work, list) {
  const said = h("p", { class: "hint", role: "status" });
  const which = choices("which", [["shown", "What the list shows"], ["plan", "The calls I can make"], ["top", "The first …"]], "shown");
  const top = h("input", { type: "number", min: 1, value: 100, "aria-label": "How many of the first" });
  const columns = choices("what", [["all", "All columns of the file"], ["chosen", "Names, contacts and the columns the list shows"]], "all");
  const sheets = h("input", { type: "checkbox", checked: true });
  const table = () => new Table(work, rows(), columns.value());
  const rows = () => (which.value() === "plan" ? work.plan : which.value() === "top" ? list.found.slice(0, Number(top.value) || 0) : list.found);
  const name = (end) => `${work.name.replace(/\.[^.]*$/, "")} ranked.${end}`;
  const done = (words) => {
    work.exported = true;
    said.textContent = words;
  };
  const dialog = h(
    "dialog",
    { "aria-labelledby": "export-title", class: "export" },
    h("h2", { id: "export-title" }, "Export"),
    which.element, top, columns.element,
    h("label", { class: "check", hidden: !work.reps.length }, sheets, "A sheet for each rep (Excel)"),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "main", onclick: async () => save(await workbook(table().sheets(sheets.checked)), name("xlsx"), done) }, "Excel"),
      h("button", { type: "button", class: "main", onclick: () => save(new Blob(["\ufeff", table().csv()], { type: "text/csv" }), name("csv"), done) }, "CSV"),
      h("button", { type: "button", onclick: async () => done((await copy(table().tsv())) ? `${plural(rows().length, "lead")} copied: paste them into your spreadsheet.` : "The browser does not let this page copy.") }, "Copy for spreadsheet"),
      h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
    said,
  );
  const open = () => {
    said.textContent = `${plural(list.found.length, "lead")} in the list, ${count(work.calls)} in the plan.`;
    sheets.parentElement.hidden = !work.reps.length;
    dialog.showModal();
  };
  return [h("button", { type: "button", class: "main", onclick: open }, "Export…"), dialog];
}

/** Leads as a table: the columns of the file, and what is added. Numbers are numbers. */
class Table {
  constructor(work, rows, which) {
    const { leads, model } = work;
    this.delimiter = leads.head.delimiter;
    this.rows = rows;
    this.work = work;
    const { contacts } = leads;
    const shown = new Set(work.settings.columns);
    const own = leads.columns.filter(({ name, place }) => which === "all" || shown.has(name) || place === contacts.id || place === contacts.owner || contacts.personal.has(place));
    const most = rows.reduce((longest, row) => Math.max(longest, row.reasons?.length ?? 0), 0);
    const added = [
      ["place", (row) => row.place],
      ["score", (row) => row.score],
      ["probability", (row) => row.probability, "percent"],
      ["grade", (row) => row.grade],
      ["action", (row) => model.actions[row.grade]],
      ...Array.from({ length: most }, (_, rank) => [`reason_${rank + 1}`, (row) => row.reasons?.[rank]?.text]),
      ["warnings", (row) => row.warnings],
      ["error", (row) => row.error],
      ...(work.compared ? [["change", (row) => row.change?.change], ["score_before", (row) => row.change?.score_before], ["moved_by", (row) => row.change?.reasons?.join("; ")]] : []),
      ...(work.reps.length ? [["rep", (row) => row.rep]] : []),
      ...(work.marks.size ? [["call", (row) => work.mark(row).mark], ["note", (row) => work.mark(row).note]] : []),
      ["model_version", () => leads.head.model_version],
    ];
    const taken = new Set(own.map(({ name }) => name.toLowerCase()));
    this.columns = [
      ...own.map(({ name, place }) => ({ name, value: (row) => row.cells[place], own: true })),
      ...added.map(([name, value, format]) => ({ name: free(name, taken), value, format })),
    ];
  }

  get names() {
    return this.columns.map(({ name }) => name);
  }

  cells(row) {
    return this.columns.map(({ value }) => value(row) ?? "");
  }

  /** One sheet, or one for each rep, with the leads nobody was given last. */
  sheets(byRep) {
    const formats = this.columns.map(({ format }) => format);
    const sheet = (name, rows) => ({ name, names: this.names, formats, rows: rows.map((row) => this.cells(row)) });
    const { reps } = this.work;
    if (!byRep || !reps.length) return [sheet("Leads", this.rows)];
    const rest = this.rows.filter((row) => row.rep === undefined);
    return [...reps.map((rep) => sheet(rep, this.rows.filter((row) => row.rep === rep))), ...(rest.length ? [sheet("Not dealt", rest)] : [])];
  }

  csv() {
    const cell = (text) => (text.includes(this.delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return this.lines(cell, this.delimiter, "\r\n");
  }

  tsv() {
    return this.lines((text) => text.replace(/[\t\r\n]+/g, " "), "\t", "\n");
  }

  /** Text in lines; what is added is never a formula, nor are notes. */
  lines(cell, delimiter, end) {
    const safe = (value, { own }) => (typeof value === "string" && !own && FORMULA.test(value) ? `'${value}` : String(value));
    const lines = [this.names, ...this.rows.map((row) => this.cells(row).map((value, place) => safe(value, this.columns[place])))];
    return lines.map((line) => line.map(cell).join(delimiter) + end).join("");
  }
}

function free(name, taken) {
  let found = name;
  for (let number = 2; taken.has(found); number += 1) found = `${name}_${number}`;
  return found;
}

function choices(name, options, chosen) {
  const element = h("div", { class: "choices" }, options.map(([value, words]) => h("label", { class: "check" }, h("input", { type: "radio", name: `export-${name}`, value, checked: value === chosen }), words)));
  return { element, value: () => element.querySelector(":checked").value };
}

function save(blob, name, done) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  done(`Saved as “${name}”.`);
}
