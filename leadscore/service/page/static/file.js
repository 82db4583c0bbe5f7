// A file of leads: what its columns are, its progress, then a ranked call list.

import { conversions, distribution } from "./chart.js";
import { question, remembered, report } from "./columns.js";
import { countLines, parse, records, write } from "./csv.js";
import { count, h, percent, plural, show } from "./dom.js";
import { List } from "./list.js";
import { lookAt, scoreFile } from "./service.js";

const EXAMPLES = 300; // made-up leads of the example
const WHOLE = 2 ** 25; // bytes of a file that is looked at to its end before it is scored
const BEGINNING = 2 ** 20; // bytes of a larger one

export class FileView {
  constructor(element, model) {
    this.model = model;
    this.body = h("div");
    this.input = h("input", { type: "file", id: "file-input", class: "visually-hidden", accept: ".csv,.tsv,.txt,.xlsx,.gz,.zip,text/csv", "aria-label": "A file of leads", onchange: () => this.choose() });
    show(element, h("h1", { id: "file-title" }, "Whom should we call first?"), this.body);
    element.hidden = true;
    this.ask();
    this.catchDrops(element);
  }

  open() {
    this.list?.draw();
  }

  /** The empty state: where to drop a file. */
  ask(problem) {
    this.list = null;
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
        h("p", { class: "hint" }, "Plain, in gzip or in a zip. The file goes to this service to be scored and is not kept."),
      ),
      h("p", { class: "center" }, "No file at hand? ", h("button", { type: "button", class: "link", onclick: () => this.score(this.example()) }, `Try ${EXAMPLES} made-up leads`)),
    );
    this.input.value = "";
  }

  choose() {
    if (this.input.files.length) this.score(this.input.files[0]);
  }

  catchDrops(element) {
    for (const name of ["dragover", "dragleave", "drop"]) {
      window.addEventListener(name, (event) => {
        if (element.hidden || !event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        element.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) this.score(event.dataTransfer.files[0]);
      });
    }
  }

  /** Look at a file, ask if it has too little of what the model goes by, unless `partial`, and score it. */
  async score(file, partial = false) {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    try {
      this.busy(running, `Reading ${file.name}…`);
      const look = await this.look(file, running.signal);
      if (!look.enough && !(partial && look.read.length)) {
        this.askForColumns(file, look);
        return;
      }
      const table = await this.receive(file, look, running);
      if (table.rows.length) this.result(file, look, table);
      else this.ask([h("h2", {}, `“${file.name}” holds no leads`), h("p", {}, "There is a header and nothing below it.")]);
    } catch (error) {
      if (error.name === "AbortError") {
        if (this.running === running) this.ask();
      } else this.ask([h("h2", {}, "The file could not be scored"), h("p", {}, error.message)]);
    }
  }

  /** What the file holds; its columns are the ones that were chosen for such headers before. */
  async look(file, signal) {
    const packed = /\.(xlsx|zip|gz)$/i.test(file.name);
    const part = packed || file.size <= WHOLE ? file : file.slice(0, BEGINNING);
    const look = await lookAt(part, [], signal);
    const columns = remembered(look.unknown);
    const found = columns.length ? await lookAt(part, columns, signal) : look;
    const known = found.names.map(() => undefined); // the model's column at each place
    for (const [name, place] of Object.entries(found.places)) known[place] = this.model.byKey.get(name);
    return { ...found, known, columns, whole: part === file };
  }

  askForColumns(file, look) {
    const none = !look.read.length;
    this.ask([
      h("h2", {}, none ? `“${file.name}” has no column the model reads` : `“${file.name}” lacks much of what the model goes by`),
      h("p", {}, none ? "Which of its columns are these?" : `${percent(look.absent_share)} of it is not in the file. Is it there under other names?`),
      question(look, this.model, (partial) => this.score(file, partial)),
    ]);
  }

  busy(running, text, ...more) {
    const words = h("p", { role: "status" }, text);
    const bar = h("progress", { "aria-label": "Progress" });
    show(this.body, h("div", { class: "card busy" }, words, bar, h("button", { type: "button", onclick: () => running.abort() }, "Cancel")), more);
    return [words, bar];
  }

  /** Send the file and collect its rows, with progress. */
  async receive(file, look, running) {
    const [words, bar] = this.busy(running, `Sending ${file.name}…`, report(look, this.model));
    const counted = look.whole ? look.leads : countLines(file);
    const [leads, response] = await Promise.all([counted, scoreFile(file, look.columns, running.signal)]);
    const table = new Table(look.delimiter);
    for await (const batch of records(response, look.delimiter)) {
      table.add(batch);
      bar.max = Math.max(leads, table.rows.length, 1);
      bar.value = table.rows.length;
      words.textContent = `Scored ${plural(table.rows.length, "lead")}`;
    }
    table.rank();
    return table;
  }

  /** The ranked list. */
  result(file, look, table) {
    const { model } = this;
    const cumulative = table.cumulative();
    const good = cumulative.length - 1;
    const reach = table.rows.filter((row) => row.converts).length;
    let calls = Math.min(Math.max(reach, 1), good);
    const plan = h("p", { class: "plan", role: "status" });
    const curve = conversions(cumulative, () => calls);
    const slider = h("input", { id: "calls", type: "range", min: Math.min(1, good), max: good, value: calls, oninput: () => move(Number(slider.value)) });
    const number = h("input", { type: "number", min: 1, max: good, "aria-label": "Calls, as a number", oninput: () => move(Number(number.value)) });
    const move = (wanted) => {
      calls = Math.min(Math.max(Math.round(wanted) || 1, 1), good);
      slider.value = calls;
      if (document.activeElement !== number || wanted > good) number.value = calls;
      show(plan, ...words(calls, cumulative));
      curve.redraw();
      this.list.line(calls);
    };
    this.list = new List(model, look, table);
    show(
      this.body,
      h(
        "div",
        { class: "bar-top" },
        h("p", { class: "intro" }, h("strong", {}, file.name), `: ${plural(good, "lead")}, the most promising first.`),
        h("div", { class: "actions" },
          h("button", { type: "button", class: "main", onclick: () => save(table.text(), file.name) }, "Download ranked list"),
          h("button", { type: "button", onclick: () => this.ask() }, "Another file")),
      ),
      table.wrong ? h("p", { class: "warnings" }, `${plural(table.wrong, "row")} could not be read: the end of the list says why.`) : null,
      report(look, model, () => this.askForColumns(file, look)),
      good
        ? [
            h(
              "div",
              { class: "card capacity" },
              h("label", { for: "calls" }, "How many calls can you make?"),
              h("div", { class: "slide" }, slider, number),
              plan,
            ),
            h(
              "div",
              { class: "two" },
              h("figure", { class: "card" }, h("figcaption", {}, "What your calls bring", h("small", {}, "dashed: the same calls at random")), curve.element),
              h("figure", { class: "card" }, h("figcaption", {}, "How the leads score", h("small", {}, `line: the threshold, ${percent(model.threshold)}`)), distribution(table.rows.filter((row) => !row.error).map((row) => row.probability), model).element),
            ),
          ]
        : null,
      this.list.element,
    );
    if (good) move(calls);
    this.list.draw();
  }

  /** Leads drawn from the card's distributions, column by column. */
  example() {
    const { model } = this;
    const random = generator(7);
    const leads = Array.from({ length: EXAMPLES }, () =>
      Object.fromEntries(model.features.map((column) => [column.name, draw(column, model, random)])),
    );
    const clock = model.ids.find((column) => column.clock);
    leads.forEach((lead, index) => clock && (lead[clock.name] = index + 1));
    const columns = [...(clock ? [clock] : []), ...model.features];
    return new File([write(leads, columns)], "made-up leads.csv", { type: "text/csv" });
  }
}

function words(calls, cumulative) {
  const leads = cumulative.length - 1;
  const found = cumulative[calls];
  const total = cumulative[leads];
  const random = (total * calls) / leads;
  return [
    "Call the first ", h("strong", {}, count(calls)), " and expect about ", h("strong", {}, plural(Math.round(found), "conversion")),
    `, ${percent(total ? found / total : 0)} of all. At random it would be ${count(random)}.`,
  ];
}

/** The rows of an answer. The added columns are its last ones. */
class Table {
  constructor(delimiter) {
    this.delimiter = delimiter;
    this.header = null;
    this.rows = [];
    this.wrong = 0;
  }

  add(batch) {
    for (const record of batch) {
      if (this.header) this.rows.push(this.row(record));
      else this.begin(record);
    }
  }

  begin(record) {
    this.header = record;
    this.names = record.cells.map((name) => name.replace(/^\ufeff/, "").trim());
    // From the end: the file may have columns of these names itself.
    const from = this.names.findLastIndex((name) => /^probability(_\d+)?$/.test(name));
    this.first = from;
    this.action = /^action(_\d+)?$/.test(this.names[from + 4]) ? 1 : 0;
    this.reasons = this.names.length - from - 6 - this.action;
  }

  row({ cells, text }) {
    const at = this.first;
    const error = cells.at(-1);
    if (error) this.wrong += 1;
    return {
      text,
      error,
      probability: Number(cells[at]),
      score: cells[at + 1],
      grade: cells[at + 2],
      converts: cells[at + 3] === "true",
      reasons: cells.slice(at + 4 + this.action, -2),
      warnings: cells.at(-2),
    };
  }

  /** The best first; equal ones in the order of the file, errors last. */
  rank() {
    const key = (row) => (row.error ? -1 : row.probability);
    this.rows.sort((one, other) => key(other) - key(one));
  }

  /** Expected conversions of the first n leads, for n from 0 on. */
  cumulative() {
    const sums = [0];
    for (const row of this.rows) if (!row.error) sums.push(sums.at(-1) + row.probability);
    return sums;
  }

  /** The cells of a row. */
  cells(row) {
    return parse(row.text, 0, this.delimiter, true).cells;
  }

  /** The ranked CSV, in pieces; by its byte order mark Excel knows that it is UTF-8. */
  text() {
    const mark = this.header.text.startsWith("\ufeff") ? "" : "\ufeff";
    return [mark, ...[this.header.text, ...this.rows.map((row) => row.text)].map((line) => line + this.header.end)];
  }
}

function save(pieces, name) {
  const url = URL.createObjectURL(new Blob(pieces, { type: "text/csv" }));
  const link = h("a", { href: url, download: `${name.replace(/\.[^.]*$/, "")} ranked.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function draw(column, model, random) {
  const known = model.card.reference[column.name] ?? {};
  if (random() < (known.missing ?? 1)) return "";
  if (column.kind === "number") {
    const quantiles = model.quantiles(column);
    const at = random() * (quantiles.length - 2); // without the last tenth, which has the extremes
    const low = Math.floor(at);
    return Math.round(quantiles[low] + (at - low) * (quantiles[low + 1] - quantiles[low]));
  }
  let left = random();
  for (const [level, share] of Object.entries(known.levels)) if ((left -= share) <= 0) return level;
  return "";
}

/** Random numbers that are the same every time (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
