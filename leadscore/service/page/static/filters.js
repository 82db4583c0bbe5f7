// Which leads of the list are shown: search, grade and any category, combined; the address keeps them.

import { count, h, show } from "./dom.js";
import { fold } from "./leads.js";
import { MARKS } from "./work.js";

const WAIT = 120; // milliseconds without a keystroke before a search
const FIRST = /owner|source|origin|channel|assigned|rep/i; // categories that are offered without asking

export class Filters {
  constructor(work, changed) {
    this.work = work;
    this.changed = changed;
    this.chosen = new Map(); // by kind: the value
    this.words = "";
    this.kinds = new Map([
      ["Grade", { values: (row) => row.grade ?? "", levels: work.model.grades.map((entry) => entry.grade) }],
      ["Calls", { values: (row) => (work.planned(row) ? "planned" : row.place ? "later" : ""), levels: ["planned", "later"] }],
      ["Rep", { values: (row) => row.rep ?? "", levels: [] }],
      ["Change", { values: (row) => row.change?.change ?? "", levels: [] }],
      ["Mark", { values: (row) => work.mark(row).mark || "None", levels: ["None", ...MARKS] }],
    ]);
    const own = new Set(this.kinds.keys());
    for (const { key, name, place } of work.leads.categories) this.kinds.set(key, { title: own.has(name) ? `${name} in the file` : name, values: (row) => row.cells[place] });
    this.offered = new Set([...this.kinds].filter(([kind, { title }]) => !title || FIRST.test(title)).map(([kind]) => kind));
    this.search = h("input", { type: "search", id: "search", placeholder: "Search names and all columns", "aria-label": "Search", oninput: () => this.later() });
    this.selects = h("div", { class: "selects" });
    this.element = h("div", { class: "filters" }, this.search, this.selects);
  }

  /** Take the filters of an address, as in #file?Grade=A&q=ann. */
  read(query) {
    this.words = query.get("q") ?? "";
    this.search.value = this.words;
    this.chosen = new Map([...query].filter(([kind]) => this.kinds.has(kind)));
    for (const kind of this.chosen.keys()) this.offered.add(kind);
  }

  write(query) {
    if (this.words) query.set("q", this.words);
    for (const [kind, value] of this.chosen) query.set(kind, value);
  }

  later() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => {
      this.words = this.search.value.trim();
      this.changed();
    }, WAIT);
  }

  /** The rows that pass; draws the choices with how many rows each would leave. */
  apply(rows) {
    const { leads } = this.work;
    const words = fold(this.words);
    const searched = words ? rows.filter((row) => leads.searched(row).includes(words)) : rows;
    const chosen = [...this.chosen];
    const passes = (row, but) => chosen.every(([kind, value]) => kind === but || this.kinds.get(kind).values(row) === value);
    show(
      this.selects,
      [...this.offered].map((kind) => this.select(kind, searched.filter((row) => passes(row, kind)))),
      this.more(),
      chosen.length || words ? h("button", { type: "button", class: "link", onclick: () => this.clear() }, "Show all") : null,
    );
    return searched.filter((row) => passes(row));
  }

  select(kind, rows) {
    const { title = kind, values, levels } = this.kinds.get(kind);
    const counts = new Map((levels ?? []).map((level) => [level, 0]));
    for (const row of rows) {
      const value = values(row);
      if (value !== "" || !levels) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const chosen = this.chosen.get(kind);
    if (chosen !== undefined && !counts.has(chosen)) counts.set(chosen, 0);
    if (counts.size < 1 || (kind === "Rep" && !this.work.reps.length)) return null;
    const order = levels?.length ? [...counts] : [...counts].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
    const change = (event) => {
      const { value } = event.target.selectedOptions[0];
      if (event.target.selectedIndex) this.chosen.set(kind, value);
      else this.chosen.delete(kind);
      this.changed();
      this.element.querySelector(`[data-kind="${CSS.escape(kind)}"]`)?.focus();
    };
    return h(
      "select",
      { "aria-label": title, "data-kind": kind, class: chosen === undefined ? "" : "chosen", onchange: change },
      h("option", { value: "" }, `${title}: all`),
      order.map(([level, leads]) => h("option", { value: level, selected: level === chosen }, `${kind === "Grade" ? "Grade " : ""}${level || "empty"} (${count(leads)})`)),
    );
  }

  more() {
    const others = [...this.kinds.keys()].filter((kind) => !this.offered.has(kind));
    if (!others.length) return null;
    const add = (event) => {
      this.offered.add(event.target.value);
      this.changed();
      this.element.querySelector(`[data-kind="${CSS.escape(event.target.value)}"]`)?.focus();
    };
    return h("select", { "aria-label": "More filters", onchange: add }, h("option", { value: "" }, "More filters"), others.map((kind) => h("option", { value: kind }, this.kinds.get(kind).title)));
  }

  /** Show only what has this value. */
  choose(kind, value) {
    this.chosen.set(kind, value);
    this.changed();
  }

  clear() {
    this.chosen.clear();
    this.words = this.search.value = "";
    this.changed();
    this.search.focus();
  }
}
