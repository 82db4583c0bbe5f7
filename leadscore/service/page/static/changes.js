// What changed since an earlier list: the service compares, the page marks the leads and counts them.

import { Contacts } from "./contacts.js";
import { count, h, plural, show } from "./dom.js";
import { documents } from "./lines.js";
import { compareFiles } from "./service.js";
import { keep, kept } from "./store.js";

const KINDS = ["new", "risen", "fallen"]; // of the list's own leads
const MOST = 200; // gone leads that are named

/** What became of a lead, in a sentence; nothing if it has not changed. */
export function moved({ change }) {
  if (!change) return [];
  if (change.change === "new") return ["New since the earlier list"];
  const way = change.change === "risen" ? "Up" : "Down";
  return [`${way} from ${change.score_before} (${change.grade_before})${change.reasons ? `: ${change.reasons.join("; ")}` : ""}`];
}

/** The panel: asks for an earlier list, then tells what changed. `file`: today's. `look`: what it holds. */
export class Changes {
  constructor(work, list, file, look) {
    Object.assign(this, { work, list, file, look });
    this.input = h("input", { type: "file", id: "earlier-input", class: "visually-hidden", accept: ".csv,.xlsx,.gz,.zip,text/csv", "aria-label": "An earlier list", onchange: () => this.input.files.length && this.compare(this.input.files[0]) });
    this.body = h("div");
    this.element = h("details", { class: "card changes" }, h("summary", {}, "What changed since an earlier list?"), this.input, this.body);
    work.listen((what) => what === "plan" && this.found && this.tell());
    this.ask();
  }

  /** Show what the browser kept. */
  async restore() {
    const found = await kept("changes");
    if (found) this.take(found);
  }

  ask(problem) {
    show(
      this.body,
      problem ? h("p", { class: "warnings", role: "alert" }, problem) : null,
      h("p", {}, "Choose a list you downloaded here before, with all its leads and columns. You see which leads are new, which have risen or fallen by 5 points or to another grade, and why, and which are gone."),
      h("label", { class: "button", for: "earlier-input" }, problem ? "Choose another file" : "Choose the earlier list"),
    );
    this.input.value = "";
  }

  async compare(earlier) {
    show(this.body, h("p", { role: "status" }, `Comparing with “${earlier.name}”…`), h("progress", { "aria-label": "Progress" }));
    try {
      const lines = [];
      const response = await compareFiles(earlier, this.file, this.look.sheet, this.look.columns);
      for await (const batch of documents(response.body)) lines.push(...batch);
      const found = { name: earlier.name, lines };
      await keep("changes", found);
      this.take(found);
    } catch (error) {
      this.ask(error.message);
    }
  }

  /** Mark the leads of the list with what became of them. */
  take({ name, lines }) {
    const [head, ...leads] = lines;
    this.found = { name, head, gone: leads.filter(({ change }) => change === "gone") };
    const byId = new Map(leads.map((lead) => [lead.id, lead]));
    const { rows, names } = this.work.leads;
    const place = names.indexOf(head.id);
    for (const row of rows) row.change = byId.get(row.cells[place]?.trim());
    this.work.compared = true;
    this.element.open = true;
    this.tell();
    this.list.filter(false);
  }

  tell() {
    const { name, head, gone } = this.found;
    const { leads, settings } = this.work;
    const changed = leads.rows.filter((row) => row.change);
    const listed = changed.filter((row) => row.converted === undefined || settings.closed);
    const some = (kind) => {
      const number = listed.filter((row) => row.change.change === kind).length;
      const words = `${count(number)} ${kind}`;
      return number ? h("button", { type: "button", onclick: () => this.only(kind) }, words) : h("span", { class: "none" }, words);
    };
    show(
      this.body,
      head.notes.length ? h("div", { class: "warnings" }, head.notes.map((note) => h("p", {}, note))) : null,
      h("p", { role: "status" }, `Since “${name}”, ${plural(listed.length, leads.closed && !settings.closed ? "open lead" : "lead")} of the list ${listed.length === 1 ? "has" : "have"} changed${changed.length > listed.length ? `, and ${count(changed.length - listed.length)} closed ones` : ""}:`),
      h("div", { class: "actions" }, KINDS.map(some)),
      this.gone(gone),
      h("p", { class: "actions" }, h("label", { class: "button", for: "earlier-input" }, "Choose another list")),
    );
    this.input.value = "";
  }

  only(kind) {
    this.list.filters.choose("Change", kind);
    this.list.element.scrollIntoView();
  }

  /** Leads that are in the earlier list alone. */
  gone(gone) {
    if (!gone.length) return h("p", {}, "No lead is gone.");
    const contacts = new Contacts(this.found.head.columns.map((name, place) => ({ name, place })));
    const title = (lead) => contacts.person(lead) || contacts.cell(lead, "company") || contacts.cell(lead, "email") || lead.id;
    return h("details", {}, h("summary", {}, `${plural(gone.length, "lead")} ${gone.length === 1 ? "is" : "are"} gone: in the earlier list, and not in this one`),
      h("ul", {}, gone.slice(0, MOST).map((lead) => h("li", {}, `${title(lead)}${lead.score_before === undefined ? "" : `: score ${lead.score_before}, grade ${lead.grade_before}`}`))),
      gone.length > MOST ? h("p", { class: "hint" }, `and ${count(gone.length - MOST)} more`) : null);
  }
}
