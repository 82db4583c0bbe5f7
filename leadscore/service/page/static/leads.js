// The leads of a file as the service answers them: what stands in the file, score, reasons, outcome.

import { Contacts } from "./contacts.js";

const MOST_LEVELS = 60; // distinct values of a column one can filter by
const ACCENTS = /[\u0300-\u036f]/g;

/** A file's columns and leads. `rows` stand best first, those with an error last. */
export class Leads {
  constructor(model) {
    this.model = model;
    this.rows = [];
    this.wrong = 0;
    this.proof = null;
  }

  /** Take the next lines of the answer: the columns, then the leads, then the proof. */
  add(documents) {
    for (const line of documents) {
      if (line.cells) this.rows.push(this.row(line));
      else if (line.columns) this.begin(line);
      else this.proof = line.proof;
    }
  }

  begin(head) {
    this.head = head;
    // A key of its own: a file may call its columns as the list calls an order, a filter or a search.
    this.columns = head.columns.map((entry, place) => ({ ...entry, place, key: `column.${entry.name}`, about: this.model.byName.get(entry.column) }));
    this.names = this.columns.map((column) => column.name);
    this.levels = this.columns.map(() => new Map());
    this.contacts = new Contacts(this.columns);
  }

  row(line) {
    line.number = this.rows.length + 1;
    if (line.error) this.wrong += 1;
    // Equal cells are one text in memory, and are counted for the filters.
    line.cells.forEach((cell, place) => {
      const levels = this.levels[place];
      if (!levels) return;
      const known = levels.get(cell);
      if (known) {
        known.count += 1;
        line.cells[place] = known.cell;
      } else if (levels.size < MOST_LEVELS) levels.set(cell, { cell, count: 1 });
      else this.levels[place] = null;
    });
    return line;
  }

  /** The best first; equal ones in the order of the file, errors last. */
  rank() {
    const key = (row) => (row.error ? -1 : row.probability);
    this.rows.sort((one, other) => key(other) - key(one));
    this.good = this.rows.length - this.wrong;
    this.closed = this.rows.filter((row) => row.converted !== undefined).length;
    this.alone = new Set(this.rows.flatMap((row) => row.left_alone ?? []));
  }

  /** The columns with few distinct values, which a list can be filtered by. */
  get categories() {
    return this.columns.filter(
      ({ name, place, role }) => name && role !== "id" && role !== "target" && !this.contacts.personal.has(place) && this.levels[place]?.size > 1 && this.levels[place].size <= Math.max(2, this.rows.length / 2),
    );
  }

  /** What a search looks into: all cells and the whole name, without case and accents. */
  searched(row) {
    row.searched ??= fold(`${this.contacts.title(row)}\n${row.cells.join("\n")}`);
    return row.searched;
  }

  /** The values the model reads, by the names of its columns, as the service reads them without the file. */
  lead(row) {
    const cells = this.columns.filter(({ role }) => role === "feature").map(({ column, place }) => [column, row.cells[place].trim()]);
    const values = { ...Object.fromEntries(cells), ...row.values };
    return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== "" && value !== null));
  }
}

/** A text without case and accents. */
export function fold(text) {
  const lower = text.toLowerCase();
  return /^[\0-\x7f]*$/.test(lower) ? lower : lower.normalize("NFD").replace(ACCENTS, "");
}
