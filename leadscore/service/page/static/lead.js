// One lead: a form made from the card, its score while you type, and why.

import { scale } from "./chart.js";
import { copy, count, h, points, show } from "./dom.js";
import { field } from "./fields.js";
import { scoreLead } from "./service.js";

const PAUSE = 150; // milliseconds without a keystroke before a lead is scored
const REASONS = 6; // shown before "all"

export class LeadView {
  constructor(element, model) {
    this.model = model;
    this.read = {}; // columns that have no field, but parts that have
    this.startLead = null; // the lead the changes are compared with
    this.start = null; // and its answer
    this.all = false;
    this.answer = null;
    this.fields = new Map(model.features.map((column) => [column.name, field(column, model)]));
    this.result = h("div", { class: "result", "aria-live": "polite", "aria-atomic": "false" });
    const form = h(
      "form",
      { class: "card form", "aria-label": "The lead", autocomplete: "off", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "grid" }, [...this.fields.values()].map((entry) => entry.element)),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => this.begin(model.typicalLead()) }, "Typical lead"),
        h("button", { type: "button", onclick: () => this.begin({}) }, "Clear"),
        (this.share = h("button", { type: "button", onclick: () => this.copyLink() }, "Copy link")),
      ),
    );
    form.addEventListener("input", () => this.changed());
    show(
      element,
      h("h1", { id: "lead-title" }, "How likely is this lead to convert?"),
      h("p", { class: "intro" }, "Fill in what you know and leave the rest empty. Change a field to see what difference it would make."),
      h("div", { class: "split" }, form, h("div", { class: "aside" }, this.result)),
    );
    element.hidden = true;
  }

  /** Show the lead of a link, or go on where the reader left off. */
  open(link) {
    if (link) {
      const lead = Object.fromEntries(new URLSearchParams(link));
      history.replaceState(null, "", "#lead");
      this.begin(lead);
    } else if (this.startLead === null) {
      this.begin(this.model.typicalLead());
    }
  }

  /** Put a lead into the form; changes are compared with it from now on. */
  begin(lead) {
    for (const [name, entry] of this.fields) entry.set(lead[name]);
    this.read = Object.fromEntries(Object.entries(lead).filter(([name]) => !this.fields.has(name)));
    this.start = null;
    this.startLead = this.lead();
    this.score();
  }

  /** The lead as it stands in the form. */
  lead() {
    const lead = {};
    for (const [name, entry] of this.fields) {
      const value = entry.get();
      if (value !== "") lead[name] = value;
    }
    return lead;
  }

  changed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.score(), PAUSE);
  }

  async score() {
    clearTimeout(this.pause);
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    for (const entry of this.fields.values()) entry.fail("");
    let lead = { ...this.read, ...this.lead() };
    try {
      const answer = await scoreLead(lead, this.model.features.length, running.signal);
      if (Object.keys(this.read).length) lead = this.take(answer);
      // A lead changed or refused before it was answered is none to compare with.
      if (this.start === null) [this.start, this.startLead] = [answer, lead];
      this.answer = answer;
      this.draw();
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  /** Fill the fields of parts from what the service has read of their column. */
  take(answer) {
    for (const { column, value } of answer.reasons) this.fields.get(column).set(value);
    this.read = {};
    return this.lead();
  }

  fail(error) {
    const errors = error.errors ?? [];
    for (const wrong of errors) {
      this.fields.get(wrong.pointer.slice(1))?.fail(`Expected ${wrong.expected.replace(" or null", "")}.`.replace("?.", "?"));
    }
    const named = errors.length && errors.every((wrong) => this.fields.has(wrong.pointer.slice(1)));
    show(
      this.result,
      h("div", { class: "card" }, h("p", { class: "wrong" }, named ? "One of the fields cannot be read: see beside it." : error.message)),
    );
  }

  draw() {
    const { answer, model } = this;
    const rank = model.rank(answer.grade);
    const verdict = answer.converts
      ? `Worth a call: it reaches the threshold of ${points(model.threshold)}.`
      : `Below the threshold of ${points(model.threshold)}: call others first.`;
    show(
      this.result,
      h(
        "div",
        { class: "card answer" },
        h(
          "div",
          { class: "headline" },
          h("p", { class: "score" }, h("strong", {}, String(answer.score)), h("span", {}, "of 100")),
          h("p", { class: `grade g${rank}` }, h("span", { class: "visually-hidden" }, "Grade "), answer.grade),
        ),
        scale(answer.probability, model),
        h("p", { class: "verdict" }, verdict),
        this.difference(),
        answer.warnings.length
          ? h("ul", { class: "warnings", "aria-label": "Take care" }, answer.warnings.map((entry) => h("li", {}, entry.text)))
          : null,
      ),
      h("div", { class: "card because" }, h("h2", {}, "Why"), this.reasons()),
    );
  }

  difference() {
    const { answer, start } = this;
    const lead = this.lead();
    const same = JSON.stringify(lead) === JSON.stringify(this.startLead);
    if (same) return null;
    const moved = answer.score - start.score;
    const kind = moved > 0 ? "up" : moved < 0 ? "down" : "";
    const words = moved ? `${moved > 0 ? "+" : "−"}${count(Math.abs(moved))} ${Math.abs(moved) === 1 ? "point" : "points"}` : "No difference";
    return h(
      "p",
      { class: "difference" },
      h("strong", { class: kind }, words),
      ` against ${start.score} before your changes. `,
      h("button", { type: "button", class: "link", onclick: () => this.begin(this.startLead) }, "Undo them"),
    );
  }

  reasons() {
    const { answer } = this;
    const largest = Math.max(...answer.reasons.map((reason) => Math.abs(reason.effect)), 1e-9);
    const shown = this.all ? answer.reasons : answer.reasons.slice(0, REASONS);
    const rest = answer.reasons.length - REASONS;
    return [
      h("p", { class: "ends", "aria-hidden": "true" }, h("span", {}, "less likely"), h("span", {}, "more likely")),
      h("ul", { class: "reasons" }, shown.map((reason) => bar(reason, largest))),
      rest > 0
        ? h(
            "button",
            { type: "button", class: "link", "aria-expanded": String(this.all), onclick: () => this.toggle() },
            this.all ? "Show only the strongest" : `Show ${count(rest)} weaker reasons`,
          )
        : null,
    ];
  }

  toggle() {
    this.all = !this.all;
    this.draw();
    this.result.querySelector("[aria-expanded]").focus();
  }

  async copyLink() {
    const link = new URL(location.href);
    link.hash = `lead?${new URLSearchParams(this.lead())}`;
    history.replaceState(null, "", link);
    this.share.textContent = (await copy(link.href)) ? "Link copied" : "The link is in the address bar";
    setTimeout(() => (this.share.textContent = "Copy link"), 2500);
  }
}

function bar(reason, largest) {
  const share = (50 * Math.abs(reason.effect)) / largest;
  const up = reason.effect > 0;
  const mark = h("span", { class: `bar ${up ? "up" : "down"}` });
  mark.style.width = `${share}%`;
  return h("li", {}, h("span", { class: "text" }, reason.text), h("span", { class: "track", "aria-hidden": "true" }, mark));
}
