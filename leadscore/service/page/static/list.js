// The call list: as many rows as there are leads, of which only those in sight exist.

import { count, h, plural, show } from "./dom.js";

const SPARE = 6; // rows kept beyond each edge, at least
const NAMES = /name|company|e-?mail|phone|account/i; // columns by which people know a lead
const WAIT = 120; // milliseconds without a keystroke before a search

export class List {
  constructor(model, look, table) {
    this.model = model;
    this.known = look.known;
    this.table = table;
    this.found = table.rows.map((_, index) => index);
    this.calls = 0;
    this.places = who(look);
    this.search = h("input", { type: "search", id: "search", placeholder: "Search in all columns", "aria-label": "Search", oninput: () => this.later() });
    this.grade = h(
      "select",
      { "aria-label": "Grade", onchange: () => this.filter() },
      h("option", { value: "" }, "All grades"),
      model.grades.map((entry) => h("option", { value: entry.grade }, `Grade ${entry.grade}`)),
    );
    this.within = h("input", { type: "checkbox", id: "within", onchange: () => this.filter() });
    this.status = h("p", { class: "hint", role: "status" });
    this.space = h("div", { class: "space", role: "rowgroup" });
    this.view = h("div", { class: "rows", role: "table", tabindex: "0", "aria-label": "Ranked leads", onscroll: () => this.draw() }, this.space);
    this.detail = h("dialog", { class: "detail", "aria-labelledby": "detail-title" });
    this.element = h(
      "section",
      { class: "card list", "aria-label": "Call list" },
      h(
        "div",
        { class: "tools" },
        this.search,
        this.grade,
        h("label", { class: "check", for: "within" }, this.within, "Only the calls I can make"),
        this.status,
      ),
      this.view,
      this.detail,
    );
    new ResizeObserver(() => this.draw(true)).observe(this.view);
    this.filter();
  }

  /** How many calls are possible: the rows after them are drawn fainter. */
  line(calls) {
    this.calls = calls;
    if (this.within.checked) this.filter();
    else this.draw(true);
  }

  later() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.filter(), WAIT);
  }

  filter() {
    const words = this.search.value.trim();
    const wanted = new RegExp(words.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "i"); // copies no row, as lower case would
    const grade = this.grade.value;
    const last = this.within.checked ? this.calls : Infinity;
    this.found = [];
    this.table.rows.forEach((row, index) => {
      if (index >= last || (grade && row.grade !== grade)) return;
      if (words && !wanted.test(row.text)) return;
      this.found.push(index);
    });
    this.status.textContent = plural(this.found.length, "lead");
    this.view.setAttribute("aria-rowcount", this.found.length);
    this.view.scrollTop = 0;
    this.draw(true);
  }

  /** Show the rows in sight; again only if they are others or `anew`. */
  draw(anew = false) {
    const height = rowHeight(this.view);
    if (!this.view.clientHeight || !height) return;
    // In steps, so that most scrolling draws nothing.
    const first = Math.max(0, (Math.floor(this.view.scrollTop / height / SPARE) - 1) * SPARE);
    const last = Math.min(this.found.length, first + Math.ceil(this.view.clientHeight / height) + 3 * SPARE);
    if (!anew && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    this.space.style.height = `${height * this.found.length}px`;
    const focused = document.activeElement?.dataset?.row;
    const shown = [];
    for (let at = first; at < last; at += 1) shown.push(this.row(this.found[at], at, height));
    show(this.space, shown.length ? shown : h("p", { class: "state", role: "row" }, h("span", { role: "cell" }, "No lead matches.")));
    if (focused) this.space.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
  }

  row(index, at, height) {
    const row = this.table.rows[index];
    const [name, ...more] = this.names(row);
    const rank = this.model.rank(row.grade);
    const place = index < this.calls ? (index + 1 === this.calls ? " edge" : "") : " beyond";
    const element = h(
      "div",
      { class: `row${place}`, role: "row", "aria-rowindex": at + 1 },
      h("span", { class: "place", role: "cell" }, row.error ? "" : count(index + 1)),
      h(
        "span",
        { class: "who", role: "cell" },
        h("button", { type: "button", class: "link", "data-row": index, onclick: () => this.open(index) }, name),
        more.length ? h("small", {}, more.join(" · ")) : null,
      ),
      row.error
        ? h("span", { class: "why wrong", role: "cell" }, row.error)
        : [
            h("span", { class: "points", role: "cell" }, h("strong", {}, row.score), meter(row.probability, rank)),
            h("span", { class: "letter", role: "cell" }, h("span", { class: `grade g${rank}` }, h("span", { class: "visually-hidden" }, "grade "), row.grade)),
            h("span", { class: "why", role: "cell" }, row.reasons.map(reason), row.warnings ? h("span", { class: "caution" }, row.warnings) : null),
          ],
    );
    element.style.top = `${height * at}px`;
    return element;
  }

  /** What people call a lead, its best name first. */
  names(row) {
    const cells = this.table.cells(row);
    const found = this.places.filter((place) => cells[place]).slice(0, 2);
    if (found.length === 1) return [cells[found[0]], this.table.names[found[0]]];
    return found.length ? found.map((place) => cells[place]) : ["Lead"];
  }

  open(index) {
    const row = this.table.rows[index];
    const cells = this.table.cells(row);
    const values = this.table.names.slice(0, this.table.first).map((name, place) => [name, cells[place]]);
    const lead = Object.fromEntries(
      values
        .map(([, value], place) => [this.known[place], value?.trim()])
        .filter(([column, value]) => column?.role === "feature" && value && !this.model.missing.has(value))
        .map(([column, value]) => [column.name, value]),
    );
    show(
      this.detail,
      h("div", { class: "detail-head" }, h("h2", { id: "detail-title" }, this.names(row)[0]), h("button", { type: "button", onclick: () => this.detail.close() }, "Close")),
      row.error
        ? h("p", { class: "wrong" }, row.error)
        : [
            h("p", {}, `Score ${row.score}, grade ${row.grade}, place ${count(index + 1)} of ${count(this.table.rows.length - this.table.wrong)}.`),
            h("ul", { class: "plain" }, row.reasons.map((text) => h("li", {}, reason(text)))),
            row.warnings ? h("p", { class: "warnings" }, row.warnings) : null,
            h("p", {}, h("a", { class: "button", href: `#lead?${new URLSearchParams(lead)}`, onclick: () => this.detail.close() }, "All reasons, and what if")),
          ],
      h("h3", {}, "In your file"),
      h("dl", {}, values.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    );
    this.detail.showModal();
  }
}

/** The cells by which people know a lead: names first, then ids. */
function who(look) {
  const names = look.names.map((name, place) => ({ place, name, column: look.known[place] }));
  const known = names.filter((entry) => !entry.column && NAMES.test(entry.name));
  const ids = names.filter((entry) => entry.column?.role === "id").sort((one, other) => (other.column.clock ?? false) - (one.column.clock ?? false));
  return [...known, ...ids].map((entry) => entry.place);
}

function meter(probability, rank) {
  const fill = h("i", { class: `g${rank}` });
  fill.style.width = `${100 * probability}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, fill);
}

function reason(text) {
  const kind = /: \+\d+ points?$/.test(text) ? "up" : /: −\d+ points?$/.test(text) ? "down" : "flat";
  return h("span", { class: `reason ${kind}` }, text);
}

function rowHeight(element) {
  return parseFloat(getComputedStyle(element).getPropertyValue("--row"));
}
