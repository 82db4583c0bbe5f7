// One lead of the list: who, why, what came of the call, and everything in the file.

import { moved } from "./changes.js";
import { count, h, show } from "./dom.js";
import { reason } from "./reasons.js";
import { MARKS } from "./work.js";

export class Detail {
  constructor(work, list) {
    this.work = work;
    this.list = list;
    this.element = h("dialog", { class: "detail", "aria-labelledby": "detail-title", onkeydown: (event) => this.key(event), onclose: () => list.focus() });
  }

  open(at) {
    this.at = at;
    this.draw();
    if (!this.element.open) this.element.showModal();
    this.element.scrollTop = 0;
  }

  key(event) {
    if (event.target.matches("input, textarea")) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) this.step(step);
  }

  step(step) {
    const at = this.at + step;
    if (at < 0 || at >= this.list.found.length) return;
    this.list.go(at);
    this.open(at);
    (this.element.querySelector(`[data-step="${step}"]:not(:disabled)`) ?? this.element.querySelector("[data-step]:not(:disabled)"))?.focus();
  }

  draw() {
    const { work, list } = this;
    const row = list.found[this.at];
    const { leads, model } = work;
    const { contacts } = leads;
    const step = (way, words) => h("button", { type: "button", "data-step": way, disabled: !list.found[this.at + way], onclick: () => this.step(way) }, words);
    const links = [contacts.tel(row), contacts.mailto(row)];
    show(
      this.element,
      h("div", { class: "detail-head" },
        h("div", {}, h("h2", { id: "detail-title" }, contacts.title(row)), h("small", {}, [contacts.also(row), contacts.cell(row, "owner")].filter(Boolean).join(" · "))),
        h("button", { type: "button", onclick: () => this.element.close() }, "Close")),
      h("nav", { class: "actions steps", "aria-label": "Leads" }, step(-1, "← Previous"), h("span", { class: "hint" }, `${count(this.at + 1)} of ${count(list.found.length)}`), step(1, "Next →")),
      links.some(Boolean)
        ? h("p", { class: "actions" },
            links[0] ? h("a", { class: "button main", href: links[0] }, `Call ${contacts.cell(row, "phone")}`) : null,
            links[1] ? h("a", { class: "button", href: links[1] }, contacts.cell(row, "email")) : null)
        : null,
      row.error ? h("p", { class: "wrong" }, row.error) : this.why(row),
      this.outcome(row),
      h("h3", {}, "In your file"),
      h("dl", {}, leads.columns.filter(({ place }) => row.cells[place]).map(({ name, place }) => [h("dt", {}, name || "No name"), h("dd", {}, row.cells[place])])),
    );
  }

  why(row) {
    const { work, list } = this;
    const place = row.place ? `, place ${count(row.place)} of ${count(work.callable.length)}` : "";
    const action = work.model.actions[row.grade];
    return [
      h("p", {}, `Score ${row.score}, grade ${row.grade}${place}.`, action ? [" ", h("strong", {}, `${action}.`)] : null),
      list.flags(row).map((text) => h("p", { class: "flag" }, text)),
      moved(row).map((text) => h("p", { class: "moved" }, text)),
      h("ul", { class: "plain" }, row.reasons.map((entry) => h("li", {}, reason(entry)))),
      row.warnings ? h("p", { class: "warnings" }, row.warnings) : null,
      h("p", {}, h("a", { class: "button", href: `#lead?${new URLSearchParams(work.leads.lead(row))}`, onclick: () => this.element.close() }, "All reasons, and what if")),
    ];
  }

  /** What came of the call. */
  outcome(row) {
    const { work } = this;
    const { mark, note } = work.mark(row);
    const choice = (value, words) =>
      h("label", { class: "check" }, h("input", { type: "radio", name: "mark", value, checked: mark === value, onchange: () => work.note(row, { mark: value }) }), words);
    return h("fieldset", { class: "outcome" }, h("legend", {}, "The call"),
      h("div", { class: "actions" }, choice("", "Not yet"), MARKS.map((name) => choice(name, name))),
      h("label", {}, "Note ", h("textarea", { rows: 2, maxlength: 2000, onchange: (event) => work.note(row, { note: event.target.value.trim() }) }, note)));
  }
}
