// The work with a list: who is called, how many, by whom, and what came of it. Views listen to it.

import { forget, keep, kept } from "./store.js";

export const MARKS = ["Called", "Reached", "Not interested"];
const USUAL = { perDay: 40, days: 5, reps: "", closed: false, allowed: [], columns: [] };
const SURE = 1.959964; // standard deviations on each side of a 95 % interval

export class Work {
  constructor(model, leads, name, settings = {}) {
    Object.assign(this, { model, leads, name, marks: new Map(), listeners: [], unsaved: false, exported: true });
    this.settings = { ...USUAL, ...settings, closed: false };
    this.arrange();
  }

  /** Call `listener` whenever the plan or a mark changes. */
  listen(listener) {
    this.listeners.push(listener);
  }

  /** Change settings, which the browser keeps. */
  set(changes) {
    Object.assign(this.settings, changes);
    keep("settings", this.settings);
    this.arrange();
    for (const listener of this.listeners) listener("plan");
  }

  /** Whom can be called, in which place, and what calling the best brings. */
  arrange() {
    const { perDay, days, closed, allowed } = this.settings;
    this.callable = [];
    this.cumulative = [0];
    for (const row of this.leads.rows) {
      row.place = row.rep = undefined;
      if (row.error || (row.converted !== undefined && !closed) || this.asked(row).some((wish) => !allowed.includes(wish))) continue;
      this.callable.push(row);
      row.place = this.callable.length;
      this.cumulative.push(this.cumulative.at(-1) + row.probability);
    }
    this.calls = Math.min(perDay * days, this.callable.length);
    this.deal();
  }

  /** In which ways a lead has asked to be left alone. */
  asked(row) {
    return row.left_alone ?? [];
  }

  planned(row) {
    return row.place <= this.calls;
  }

  get plan() {
    return this.callable.slice(0, this.calls);
  }

  /** The reps who share the calls. */
  get reps() {
    const { reps } = this.settings;
    const { owner } = this.leads.contacts;
    if (reps === "owner") return owner === undefined ? [] : [...new Set(this.leads.rows.map((row) => row.cells[owner].trim()).filter(Boolean))].sort();
    return Array.from({ length: Number(reps) || 0 }, (_, rep) => `Rep ${rep + 1}`);
  }

  /** Deal the calls: each round gives every rep one lead, the best to whoever expects least so far. */
  deal() {
    const hands = this.reps.map((name) => ({ name, expected: 0 }));
    if (!hands.length) return;
    this.plan.forEach((row, index) => {
      if (index % hands.length === 0) hands.sort((one, other) => one.expected - other.expected);
      const hand = hands[index % hands.length];
      hand.expected += row.probability;
      row.rep = hand.name;
    });
  }

  /**
   * Conversions among the calls: as the scores say, and the 95 % range if leads convert as the newest ones of
   * training did at the same score. Null without such figures.
   */
  range() {
    const points = (this.model.card.metrics.reliability ?? []).filter((point) => point.leads);
    if (!points.length || !this.calls) return null;
    const calls = points.map(() => 0);
    for (const row of this.plan) calls[nearest(points, row.probability)] += 1;
    let middle = 0;
    let variance = 0;
    points.forEach(({ conversion_rate: rate, leads }, bin) => {
      const spread = rate * (1 - rate);
      middle += calls[bin] * rate;
      variance += calls[bin] ** 2 * (spread / leads) + calls[bin] * spread;
    });
    const width = SURE * Math.sqrt(variance);
    return { middle, low: Math.max(0, middle - width), high: Math.min(this.calls, middle + width) };
  }

  /** Channels of the plan that the score hardly tells apart. */
  doubtful(limit = 0.6) {
    const place = new Map(this.leads.columns.map((column) => [column.column, column.place]));
    return (this.model.card.metrics.channels ?? [])
      .filter((channel) => channel.roc_auc < limit && place.has(channel.column))
      .map((channel) => ({ ...channel, calls: this.plan.filter((row) => row.cells[place.get(channel.column)].trim() === channel.level).length }))
      .filter((channel) => channel.calls);
  }

  mark(row) {
    return this.marks.get(row.number) ?? { mark: "", note: "" };
  }

  /** Set a lead's mark or note. */
  async note(row, changes) {
    const marked = { ...this.mark(row), ...changes };
    if (marked.mark || marked.note) this.marks.set(row.number, marked);
    else this.marks.delete(row.number);
    this.exported = false;
    for (const listener of this.listeners) listener("mark");
    await this.save();
  }

  async save() {
    this.unsaved = true;
    this.unsaved = !(await keep("marks", [...this.marks]));
  }

  async restore() {
    this.marks = new Map((await kept("marks")) ?? []);
  }

  /** Keep the list itself: the answer of the service, and the file. */
  async remember(answer, look, file) {
    await forget("marks", "changes");
    this.unsaved = false;
    return keep("list", { name: this.name, answer, look, file });
  }
}

function nearest(points, probability) {
  let best = 0;
  points.forEach((point, bin) => {
    if (Math.abs(point.probability - probability) < Math.abs(points[best].probability - probability)) best = bin;
  });
  return best;
}
