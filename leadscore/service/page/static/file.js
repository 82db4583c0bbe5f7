// A file of leads: sent, its progress, then the plan, the call list and the proof.

import { arrivals } from "./arrivals.js";
import { Changes } from "./changes.js";
import { question, remembered, report, sheets } from "./columns.js";
import { h, percent, plural, show } from "./dom.js";
import { Example } from "./example.js";
import { exporting } from "./export.js";
import { Leads } from "./leads.js";
import { documents } from "./lines.js";
import { List } from "./list.js";
import { Plan } from "./plan.js";
import { proof } from "./proof.js";
import { lookAt, scoreFile } from "./service.js";
import { callSheet } from "./sheet.js";
import { forgetList, keptList, settings } from "./store.js";
import { Work } from "./work.js";

const WHOLE = 2 ** 25; // bytes of a file that is looked at to its end before it is scored
const BEGINNING = 2 ** 20; // bytes of a larger one

export class FileView {
  constructor(element, model) {
    this.model = model;
    this.example = new Example(model);
    this.body = h("div");
    this.input = h("input", { type: "file", id: "file-input", class: "visually-hidden", accept: ".csv,.tsv,.txt,.xlsx,.gz,.zip,text/csv", "aria-label": "A file of leads", onchange: () => this.choose() });
    show(element, h("h1", { id: "file-title" }, "Whom should we call first?"), this.body);
    element.hidden = true;
    arrivals((dropped, place) => this.arrived(dropped, place));
    window.addEventListener("beforeunload", (event) => this.work?.unsaved && event.preventDefault());
    window.addEventListener("beforeprint", () => this.work && show(document.getElementById("sheet"), callSheet(this.work)));
  }

  open(rest) {
    if (!this.started) this.started = this.restore();
    this.asked = rest;
    if (this.list) {
      if (rest !== undefined) this.list.read(rest);
      this.list.again();
    }
  }

  /** Go on with the list the browser kept. */
  async restore() {
    this.ask();
    const list = await keptList();
    if (!list || this.running || this.work) return;
    try {
      const leads = await this.read(new Blob([list.answer]).stream());
      const work = new Work(this.model, leads, list.name, await settings());
      await work.restore();
      this.result(work, list.look, list.file);
      await this.changes?.restore();
    } catch {
      await forgetList(); // kept by another version of the page
    }
  }

  /** The empty state: where to drop a file. */
  ask(problem) {
    this.list = this.work = null;
    show(
      this.body,
      h("p", { class: "intro" }, "Drop the list of leads you exported from your CRM. You get it back ranked, the most promising lead first, with the reasons in plain words."),
      problem ? h("div", { class: "card problem", role: "alert" }, problem) : null,
      h(
        "div",
        { class: "drop card" },
        h("p", { class: "big" }, "Drop a CSV or Excel file here"),
        h("label", { class: "button main", for: "file-input" }, "Choose a file"),
        this.input,
        h("p", { class: "hint" }, "Or copy the rows in your spreadsheet, with their header, and paste them here. The leads go to this service to be scored; they are kept in this browser alone, until you forget them."),
      ),
      h("p", { class: "center" }, "No file at hand? ", h("button", { type: "button", class: "link", onclick: () => this.score(this.example.file()) }, `Try ${this.example.count} made-up leads`)),
    );
    this.input.value = "";
  }

  choose() {
    if (this.input.files.length) this.score(this.input.files[0]);
  }

  /** A file that came in on any view: on the panel of changes an earlier list, else another list of leads. */
  arrived(file, place) {
    if (place.closest?.(".changes")) {
      this.changes.compare(file);
      return;
    }
    location.hash = "#file";
    if (this.leaves()) this.score(file);
  }

  /** Whether the reader wants to leave the list, whose marks may be in no file yet. */
  leaves() {
    const { work } = this;
    return !work || work.exported || !work.marks.size || confirm("The calls you have marked are in no exported file yet, and will be forgotten. Go on?");
  }

  /**
   * Look at a file, ask if it has too little of what the model goes by, unless `partial`, and score it.
   * `sheet`: of a workbook.
   */
  async score(file, partial = false, sheet = "") {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const parts = [];
    try {
      this.busy(running, `Reading ${file.name}…`);
      const look = await this.look(file, sheet, running.signal);
      if (!look.enough && !(partial && look.read.length)) {
        this.askForColumns(file, look);
        return;
      }
      this.busy(running, `Sending ${file.name}…`, report(look, this.model));
      const response = await scoreFile(file, look.sheet, look.columns, running.signal);
      const leads = await this.read(response.body, (part) => parts.push(part), (count) => (this.status.textContent = `Scored ${plural(count, "lead")}`));
      if (!leads.rows.length) {
        this.ask([h("h2", {}, `“${file.name}” holds no leads`), h("p", {}, "There is a header and nothing below it."), this.sheets(file)]);
        return;
      }
      const work = new Work(this.model, leads, file.name, await settings());
      this.result(work, look, file);
      await work.remember(new Blob(parts), look, file);
    } catch (error) {
      if (error.name === "AbortError") {
        if (this.running === running) this.ask();
      } else {
        if (this.looked?.file === file && sheet) this.looked.look = { ...this.looked.look, sheet };
        this.ask([h("h2", {}, `“${file.name}” could not be scored`), h("p", {}, error.message), this.sheets(file), this.choices(file)]);
      }
    }
  }

  /** What the file holds; its columns are the ones that were chosen for such headers before. `bare`: without them. */
  async look(file, sheet, signal) {
    const packed = /\.(xlsx|zip|gz)$/i.test(file.name);
    const part = packed || file.size <= WHOLE ? file : file.slice(0, BEGINNING);
    const bare = await lookAt(part, sheet, [], signal);
    const look = { ...bare, bare, columns: remembered(bare) };
    this.looked = { file, look };
    return look.columns.length ? Object.assign(look, await lookAt(part, sheet, look.columns, signal)) : look;
  }

  /** Which sheet of a workbook is read, once it was looked at, and another if the reader wants. */
  sheets(file) {
    const { looked } = this;
    return looked?.file === file ? sheets(looked.look, (name) => this.leaves() && this.score(file, false, name)) : null;
  }

  /** Another choice, if what was chosen before may be what is wrong. */
  choices(file) {
    const { looked } = this;
    return looked?.file === file && looked.look.columns.length ? h("button", { type: "button", onclick: () => this.askForColumns(file, looked.look) }, "Choose columns") : null;
  }

  askForColumns(file, look) {
    const none = !look.read.length;
    const what = none ? "has no column the model reads" : look.enough ? "calls columns otherwise than the model" : "lacks much of what the model goes by";
    this.ask([
      h("h2", {}, `“${file.name}” ${what}`),
      this.sheets(file),
      h("p", {}, none || look.enough ? "Which of its columns are these?" : `${percent(look.absent_share)} of it is not in the file. Is it there under other names?`),
      question(look, this.model, (partial) => this.score(file, partial, look.sheet)),
    ]);
  }

  busy(running, text, ...more) {
    this.status = h("p", { role: "status" }, text);
    show(this.body, h("div", { class: "card busy" }, this.status, h("progress", { "aria-label": "Progress" }), h("button", { type: "button", onclick: () => running.abort() }, "Cancel")), more);
  }

  /** The leads of an answer. */
  async read(stream, seen, scored = () => {}) {
    const leads = new Leads(this.model);
    for await (const batch of documents(stream, seen)) {
      leads.add(batch);
      scored(leads.rows.length);
    }
    leads.rank();
    return leads;
  }

  /** The plan, the list and the proof. `file`: the one they are of. */
  result(work, look, file) {
    const { leads } = work;
    this.work = work;
    this.list = new List(work);
    this.plan = leads.good ? new Plan(work) : null;
    this.changes = leads.good && file ? new Changes(work, this.list, file, look) : null;
    const closedAlone = leads.closed === leads.good;
    show(
      this.body,
      h(
        "div",
        { class: "bar-top" },
        h("p", { class: "intro" }, h("strong", {}, work.name), closedAlone && leads.good ? ": no open lead." : `: ${plural(leads.good - leads.closed, leads.closed ? "open lead" : "lead")}, the most promising first.`),
        h("div", { class: "actions" },
          exporting(work, this.list),
          h("button", { type: "button", onclick: () => window.print() }, "Print call sheet"),
          h("button", { type: "button", onclick: () => this.leaves() && this.forget() }, "Forget this list")),
      ),
      leads.head.model_version === this.model.card.version ? null : h("p", { class: "warnings" }, "This list was scored by another version of the model. Drop the file again for today's scores."),
      leads.wrong ? h("p", { class: "warnings" }, `${plural(leads.wrong, "row")} could not be read: the end of the list says why.`) : null,
      file && this.sheets(file),
      report(look, this.model, file && (() => this.leaves() && this.askForColumns(file, look))),
      this.closed(work),
      this.changes?.element,
      closedAlone ? proof(leads, true) : null,
      this.plan?.element,
      this.list.element,
      this.plan?.charts,
      closedAlone ? null : proof(leads, false),
    );
    // Where everybody has decided, there is nothing to plan.
    const reveal = () => {
      for (const part of [this.plan?.element, this.plan?.charts, this.list.element]) if (part) part.hidden = closedAlone && leads.good > 0 && !work.settings.closed;
      this.list.measure();
    };
    work.listen(reveal);
    reveal();
    this.list.read(this.asked ?? "");
  }

  /** Closed leads are set aside; whoever wants to call them can. */
  closed(work) {
    const { leads } = work;
    if (!leads.closed) return null;
    const { target } = this.model;
    return h("p", { class: "closed" },
      `${plural(leads.closed, "lead")} ${leads.closed === 1 ? "is" : "are"} closed (“${target.title}” has a value) and set aside.`,
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: work.settings.closed, onchange: (event) => work.set({ closed: event.target.checked }) }), "Rank closed leads too"));
  }

  async forget() {
    await forgetList();
    history.replaceState(null, "", "#file");
    this.asked = "";
    this.ask();
  }
}
