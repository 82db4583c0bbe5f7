// The call list: as many rows as there are leads, of which only those in sight exist.

import { moved } from "./changes.js";
import { Detail } from "./detail.js";
import { h, plural, show } from "./dom.js";
import { Filters } from "./filters.js";
import { line } from "./row.js";

const SPARE = 6; // rows kept beyond each edge, at least
const LETTER = 7.1; // pixels of one in a reason, generously
const LINE = 20; // pixels of a line of a reason
const ROOM = 22; // pixels above and below a row's content
const LEAST = 96; // pixels of a row: name, company, phone
const HEAD = 76; // pixels above the reasons where they stand below the name
const SCORE = 34; // pixels of a score and its grade
const ACTION = 12; // letters of a line below it, what to do
const EXTRA = 110; // pixels of a chosen column
const PAGE = 8; // rows of Page Down

const ORDERS = { score: "Score", name: "Lead" };

export class List {
  constructor(work) {
    this.work = work;
    this.order = "score";
    this.backwards = false;
    this.active = 0;
    this.found = [];
    this.filters = new Filters(work, () => this.filter());
    this.status = h("p", { class: "hint", role: "status" });
    this.head = h("div", { class: "row heads", role: "row", "aria-rowindex": 1 });
    this.space = h("div", { class: "space", role: "rowgroup" });
    this.rows = h("div", { class: "rows", onscroll: () => this.draw() }, h("div", { class: "head", role: "rowgroup" }, this.head), this.space);
    this.view = h("div", { role: "grid", "aria-label": "Ranked leads", onkeydown: (event) => this.key(event) }, this.rows);
    this.detail = new Detail(work, this);
    this.element = h(
      "section",
      { class: "card list", "aria-label": "Call list" },
      h("div", { class: "tools" }, this.filters.element, h("div", { class: "line" }, this.status, this.chooser())),
      this.view,
      this.detail.element,
    );
    new ResizeObserver(() => this.measure()).observe(this.rows);
    work.listen((what) => (what === "plan" ? this.filter(false) : this.draw(true)));
    this.filter(false);
  }

  /** Which columns of the file the list shows. */
  chooser() {
    const { leads, settings } = this.work;
    const change = (name, shown) => {
      this.work.set({ columns: shown ? [...settings.columns, name] : settings.columns.filter((other) => other !== name) });
      this.measure();
    };
    return h(
      "details",
      { class: "chooser" },
      h("summary", {}, "Columns"),
      h("div", {}, leads.columns.filter(({ name }) => name).map(({ name }) =>
        h("label", { class: "check" }, h("input", { type: "checkbox", checked: settings.columns.includes(name), onchange: (event) => change(name, event.target.checked) }), name))),
    );
  }

  /** The chosen columns that this file has. */
  get extra() {
    return this.work.settings.columns.map((name) => this.work.leads.columns.find((column) => column.name === name)).filter(Boolean);
  }

  /** Take filters and order from the address. */
  read(rest) {
    const query = new URLSearchParams(rest);
    this.filters.read(query);
    const order = query.get("sort") ?? "score";
    this.backwards = order.startsWith("-");
    this.order = order.replace(/^-/, "");
    this.filter(false);
  }

  /** Keep filters and order in the address, which never leaves the browser. */
  write() {
    const query = new URLSearchParams();
    this.filters.write(query);
    const order = (this.backwards ? "-" : "") + this.order;
    if (order !== "score") query.set("sort", order);
    history.replaceState(null, "", `#file${query.size ? `?${query}` : ""}`);
  }

  filter(asked = true) {
    const rows = this.work.leads.rows.filter((row) => row.converted === undefined || this.work.settings.closed);
    this.found = this.sorted(this.filters.apply(rows));
    const wrong = this.found.filter((row) => row.error).length;
    this.status.textContent = plural(this.found.length - wrong, "lead") + (wrong ? `, ${plural(wrong, "row")} that could not be read` : "");
    this.view.setAttribute("aria-rowcount", this.found.length + 1);
    if (asked) {
      this.write();
      this.active = this.rows.scrollTop = 0;
    }
    this.active = Math.min(this.active, Math.max(this.found.length - 1, 0));
    this.measure();
  }

  sorted(rows) {
    const key = this.sortKey();
    if (key) {
      const compare = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
      const keys = new Map(rows.map((row) => [row, key(row)]));
      rows.sort((one, other) => !keys.get(one) - !keys.get(other) || compare(keys.get(one), keys.get(other)));
    }
    return this.backwards ? rows.reverse() : rows;
  }

  sortKey() {
    const { contacts, columns } = this.work.leads;
    if (this.order === "name") return (row) => contacts.title(row);
    const column = columns.find(({ key }) => key === this.order);
    return column ? (row) => row.cells[column.place] : null;
  }

  sort(order) {
    this.backwards = this.order === order && !this.backwards;
    this.order = order;
    this.filter();
  }

  /** How high each row is: as high as its reasons need. */
  measure() {
    const width = this.rows.clientWidth;
    if (!width) return;
    const style = getComputedStyle(this.rows);
    this.stacked = style.getPropertyValue("--stacked").trim() === "1";
    const extra = this.extra.length;
    this.template = this.stacked ? "" : `44px minmax(140px, 1.2fr) 112px ${`${EXTRA}px `.repeat(extra)}minmax(260px, 3fr)`;
    this.narrowest = this.stacked ? 0 : 624 + extra * (EXTRA + 16);
    const full = Math.max(width, this.narrowest);
    const room = this.stacked ? width - 84 : Math.max(260, ((full - 196 - 40 - 16 * (3 + extra) - extra * EXTRA) * 3) / 4.2);
    const letters = Math.floor(room / LETTER) - 2;
    const lines = (text) => Math.ceil((/^[\0-\u024f\u2010-\u201f\u2212]*$/.test(text) ? text.length : 2 * text.length) / letters);
    this.offsets = new Float64Array(this.found.length + 1);
    this.found.forEach((row, at) => {
      let all = 0;
      for (const text of this.texts(row)) all += lines(text);
      if (this.stacked) all += extra;
      const score = SCORE + LINE * Math.ceil((this.work.model.actions[row.grade] ?? "").length / ACTION);
      const height = this.stacked ? Math.max(HEAD, score) + LINE * all : Math.max(LEAST - ROOM, score, LINE * all);
      this.offsets[at + 1] = this.offsets[at] + height + ROOM;
    });
    this.space.style.height = `${this.offsets[this.found.length] || LEAST}px`;
    this.heads();
    this.draw(true);
  }

  /** What stands in the widest cell of a row, a text for each paragraph. */
  texts(row) {
    if (row.error) return [row.error];
    return [...this.flags(row), ...moved(row), ...row.reasons.map((entry) => entry.text), ...(row.warnings ? [row.warnings] : [])];
  }

  /** What a caller has to know first. */
  flags(row) {
    return [
      ...(row.converted === undefined ? [] : [row.converted ? "Closed: converted" : "Closed: did not convert"]),
      ...this.work.asked(row).map((wish) => `Asked: ${wish}`),
    ];
  }

  heads() {
    const head = (order, title) => {
      const sorted = this.order === order;
      const down = order === "score" ? !this.backwards : this.backwards;
      return h("span", { role: "columnheader", "aria-sort": sorted ? (down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", class: "link", onclick: () => this.sort(order) }, title, sorted ? h("i", { "aria-hidden": "true" }, down ? " ↓" : " ↑") : null));
    };
    const focused = [...this.head.querySelectorAll("button")].indexOf(document.activeElement);
    show(this.head, h("span", { role: "columnheader", class: "place" }, h("span", { class: "visually-hidden" }, "Place"), h("span", { "aria-hidden": "true" }, "#")), head("name", ORDERS.name), head("score", ORDERS.score), this.extra.map(({ key, name }) => head(key, name)), h("span", { role: "columnheader", class: "why" }, "Why"));
    this.head.style.gridTemplateColumns = this.template;
    this.head.style.minWidth = `${this.narrowest}px`;
    if (focused >= 0) this.head.querySelectorAll("button")[focused]?.focus();
  }

  /** The row at a height. */
  at(top) {
    let [low, high] = [0, this.found.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1] <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Show the rows in sight; again only if they are others or `anew`. */
  draw(anew = false) {
    if (!this.rows.clientHeight || !this.offsets) return;
    this.top = this.rows.scrollTop;
    // In steps, so that most scrolling draws nothing.
    const first = Math.max(0, (Math.floor(this.at(this.top) / SPARE) - 1) * SPARE);
    const last = Math.min(this.found.length, (Math.ceil(this.at(this.top + this.rows.clientHeight) / SPARE) + 1) * SPARE);
    if (!anew && first === this.first && last === this.last) return;
    [this.first, this.last] = [first, last];
    this.space.style.minWidth = `${this.narrowest}px`;
    const focused = this.space.contains(document.activeElement);
    const shown = [];
    for (let at = first; at < last; at += 1) shown.push(line(this, this.found[at], at));
    show(this.space, shown.length ? shown : h("p", { class: "state", role: "row" }, h("span", { role: "gridcell" }, this.nobody())));
    // One stop for the Tab key, wherever the list was scrolled to.
    const stop = this.space.querySelector(`[data-at="${this.active}"]`) ?? this.space.querySelector("[data-at]");
    stop?.setAttribute("tabindex", "0");
    if (focused) stop?.focus({ preventScroll: true });
  }

  nobody() {
    const { leads, settings } = this.work;
    return leads.closed === leads.good && !settings.closed ? "All leads of this file are closed." : "No lead matches.";
  }

  key(event) {
    if (!event.target.matches("[data-at]")) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    this.go(Number(event.target.dataset.at) + step);
    this.space.querySelector(`[data-at="${this.active}"]`)?.focus({ preventScroll: true });
  }

  /** Make a row the one that is looked at, and bring it into sight. */
  go(at) {
    this.active = Math.min(Math.max(at, 0), this.found.length - 1);
    const head = this.head.offsetHeight;
    const [top, bottom] = [this.offsets[this.active], this.offsets[this.active + 1]];
    if (top < this.rows.scrollTop) this.rows.scrollTop = top;
    else if (bottom + head > this.rows.scrollTop + this.rows.clientHeight) this.rows.scrollTop = bottom + head - this.rows.clientHeight;
    this.draw(true);
  }

  open(at) {
    this.go(at);
    this.detail.open(at);
  }

  /** Back in sight: where it was. */
  again() {
    this.rows.scrollTop = this.top ?? 0;
    this.measure();
  }

  /** Back from a lead, to its row. */
  focus() {
    this.space.querySelector(`[data-at="${this.active}"]`)?.focus({ preventScroll: true });
  }
}
