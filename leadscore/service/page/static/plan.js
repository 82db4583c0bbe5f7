// The plan: how many calls are possible, what they bring, and who makes them.

import { conversions, distribution } from "./chart.js";
import { count, decimal, h, percent, plural, points, show } from "./dom.js";

/** 0.2037 -> "0.2", 12.6 -> "13": of few, parts tell more. */
const few = (number) => (number < 10 ? decimal(Math.round(10 * number) / 10) : count(number));

export class Plan {
  constructor(work) {
    this.work = work;
    this.words = h("p", { class: "plan", role: "status" });
    this.notes = h("div", { class: "notes" });
    this.hands = h("div", { class: "hands" });
    const number = (id, label, key, most) =>
      h("label", { class: "number", for: id }, label,
        h("input", { id, type: "number", min: 1, max: most, step: 1, value: work.settings[key], oninput: (event) => event.target.validity.valid && event.target.value && work.set({ [key]: Number(event.target.value) }) }));
    this.element = h(
      "section",
      { class: "card capacity", "aria-labelledby": "plan-title" },
      h("h2", { id: "plan-title" }, "How many calls can you make?"),
      h("div", { class: "numbers" }, number("per-day", "Calls a day", "perDay", 100_000), number("days", "Days", "days", 366), this.share()),
      this.words,
      this.wishes(),
      this.notes,
      this.hands,
    );
    this.curve = conversions(() => work.cumulative, () => work.calls);
    this.charts = h(
      "div",
      { class: "two" },
      h("figure", { class: "card" }, h("figcaption", {}, "What your calls bring", h("small", {}, "dashed: the same calls at random")), this.curve.element),
      h("figure", { class: "card" }, h("figcaption", {}, "How the leads score", h("small", {}, `line: the threshold, ${points(work.model.threshold)}`)), (this.scores = distribution(() => work.callable, work.model)).element),
    );
    work.listen((what) => what === "plan" && this.draw());
    this.draw();
  }

  /** Who shares the calls. */
  share() {
    const { leads, settings } = this.work;
    const { owner } = leads.contacts;
    const choices = [["", "Nobody, I call them all"], ...(owner === undefined ? [] : [["owner", `Everyone in “${leads.names[owner]}”`]]), ...[2, 3, 4, 5, 6, 8, 10, 12, 15, 20].map((reps) => [String(reps), `${reps} reps`])];
    return h("label", { class: "number", for: "reps" }, "Share among",
      h("select", { id: "reps", onchange: (event) => this.work.set({ reps: event.target.value }) }, choices.map(([value, words]) => h("option", { value, selected: value === settings.reps }, words))));
  }

  /** Leads who asked to be left alone: out of the plan, unless the reader knows better. */
  wishes() {
    const { leads, settings } = this.work;
    if (!leads.alone.size) return null;
    const asked = (wish) => leads.rows.filter((row) => row.left_alone?.includes(wish)).length;
    const change = (wish, out) => this.work.set({ allowed: out ? settings.allowed.filter((other) => other !== wish) : [...settings.allowed, wish] });
    return h("p", { class: "wishes" }, [...leads.alone].map((wish) =>
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: !settings.allowed.includes(wish), onchange: (event) => change(wish, event.target.checked) }), `Leave out “${wish}” (${count(asked(wish))})`)));
  }

  draw() {
    const { work } = this;
    show(this.words, ...this.sentence());
    show(this.notes, this.doubts());
    show(this.hands, this.dealt());
    this.curve.redraw();
    this.scores.redraw();
  }

  sentence() {
    const { calls, cumulative, callable } = this.work;
    if (!callable.length) return ["Nobody can be called from this list."];
    const found = cumulative[calls];
    const total = cumulative.at(-1);
    const range = this.work.range();
    const all = calls === callable.length;
    const left = this.work.leads.alone.size ? " who may be called" : "";
    return [
      all ? (calls === 1 ? "Call " : "Call all ") : "Call the first ", h("strong", {}, plural(calls, "lead")), all ? left : "", " and expect about ", h("strong", {}, `${few(found)} conversion${few(found) === "1" ? "" : "s"}`),
      range ? ` (${count(range.low)} to ${count(range.high)})` : "",
      all ? "." : `, ${percent(total ? found / total : 0)} of all. At random it would be ${few((total * calls) / callable.length)}.`,
    ];
  }

  /** How far the numbers can be trusted. */
  doubts() {
    const { calls, cumulative, model } = this.work;
    const range = this.work.range();
    const notes = [];
    if (range) {
      const off = range.middle / cumulative[calls] - 1;
      const drop = Math.abs(off) >= 0.02 ? `, ${percent(Math.abs(off))} ${off < 0 ? "less" : "more"} often than the scores said` : ", about as often as the scores said";
      notes.push(`The range holds 19 times of 20 if leads convert as the ${count(model.card.data.tested_on)} ${model.tested} ones the model was tested on did${drop}.`);
    }
    for (const channel of this.work.doubtful()) {
      notes.push(`${model.byName.get(channel.column).title} “${channel.level}”: ${plural(channel.calls, "call")}. The score hardly tells these apart (of two, the better one is ahead ${count(100 * channel.roc_auc)} times of 100; a coin gets 50).`);
    }
    return notes.map((text) => h("p", { class: "hint" }, text));
  }

  dealt() {
    const { plan, reps } = this.work;
    if (!reps.length) return null;
    const rows = reps.map((name) => plan.filter((row) => row.rep === name)).map((rows, rep) => [reps[rep], count(rows.length), decimal(rows.reduce((sum, row) => sum + row.probability, 0))]);
    return h("details", {}, h("summary", {}, `${plural(reps.length, "list")} of equal size and equal expectation`),
      h("table", {}, h("thead", {}, h("tr", {}, ["Rep", "Calls", "Expected conversions"].map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, cell)))))));
  }
}
