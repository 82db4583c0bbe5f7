// What the columns of a file are to the model: told, and chosen where a file calls them otherwise.

import { count, h, percent } from "./dom.js";

const REMEMBERED = "leadscore.columns"; // in this browser only: header -> column
const LEFT_OUT = {
  titles: ["line above the header", "lines above the header"],
  blanks: ["blank row", "blank rows"],
  totals: ["row of totals", "rows of totals"],
  footers: ["line below the leads", "lines below the leads"],
};

/** The choices of earlier files, for the headers of this one. */
export function remembered(names) {
  const all = stored();
  return names.filter((name) => Object.hasOwn(all, name)).map((name) => [name, all[name]]);
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {}; // a browser that keeps nothing, or something else under this name
  }
}

function remember(names, choices) {
  const all = stored();
  for (const name of names) delete all[name];
  try {
    localStorage.setItem(REMEMBERED, JSON.stringify({ ...all, ...Object.fromEntries(choices) }));
  } catch {
    // then it is asked again next time
  }
}

/** Which sheet of a workbook is read. `choose(name)`: read another. */
export function sheets(look, choose) {
  if (!(look.sheets?.length > 1)) return null;
  const options = look.sheets.map((name) => h("option", { value: name, selected: name === look.sheet }, name));
  return h("p", { class: "sheets" }, h("label", { for: "sheet-read" }, "Sheet "), h("select", { id: "sheet-read", onchange: (event) => choose(event.target.value) }, options));
}

/** A form that asks which column of the file is which of the model. `done(partial)`: score it now. */
export function question(look, model, done) {
  const absent = look.absent.map((name) => model.byName.get(name));
  const meant = new Map(Object.entries(look.suggestions).map(([name, source]) => [source, name]));
  const selects = absent.map((column) => {
    const options = look.unknown.map((name) => h("option", { value: name, selected: meant.get(column.source) === name }, name));
    return h("select", { id: `column-${column.name}` }, h("option", { value: "" }, "not in the file"), options);
  });
  const chosen = () => selects.map((select, index) => [select.value, absent[index].name]).filter(([name]) => name);
  const form = h(
    "form",
    {
      class: "naming",
      onsubmit: (event) => {
        event.preventDefault();
        remember(look.names, [...remembered(look.names).filter(([name]) => !look.unknown.includes(name)), ...chosen()]);
        done(false);
      },
    },
    look.unknown.length
      ? absent.map((column, index) => h("p", {}, h("label", { for: selects[index].id }, column.title, h("small", {}, weight(look.worth[column.name]))), selects[index]))
      : h("p", {}, `Not in the file: ${absent.map((column) => column.title).join(", ")}.`),
    h(
      "div",
      { class: "actions" },
      look.unknown.length ? h("button", { class: "main" }, "Use these columns") : null,
      look.read.length ? h("button", { type: "button", onclick: () => done(true) }, "Score it all the same") : null,
    ),
  );
  return form;
}

function weight(share) {
  return ` ${percent(share)} of what the model goes by`;
}

/** What was read and what was not. `change`: ask again which column is which. */
export function report(look, model, change) {
  const titles = (names) => names.map((name) => model.byName.get(name).title);
  const total = look.read.length + look.absent.length;
  return h(
    "details",
    { class: "card mapping" },
    h("summary", {}, `${look.read.length} of the ${total} columns the model reads are in the file`, lacking(look)),
    h(
      "dl",
      {},
      entry("Read", look.read),
      entry("Not in the file", titles(look.absent), "Their values count as not known."),
      entry("Left out on purpose", look.refused, "“The model” says why for each."),
      entry("Carried along", look.unknown, "The model does not know these; they stay in your file."),
      entry("Rows left out", leftOut(look), "They are no leads."),
    ),
    change && look.absent.length && look.unknown.length ? h("button", { type: "button", onclick: change }, "Choose columns") : null,
  );
}

function lacking(look) {
  return look.absent.length ? h("small", {}, `What is not there is ${percent(look.absent_share)} of what the model goes by.`) : null;
}

function leftOut(look) {
  return Object.keys(LEFT_OUT).filter((kind) => look.left_out[kind]).map((kind) => {
    const [one, many] = LEFT_OUT[kind];
    return `${count(look.left_out[kind])} ${look.left_out[kind] === 1 ? one : many}`;
  });
}

function entry(title, names, note) {
  return names.length ? [h("dt", {}, title), h("dd", {}, names.join(", "), note ? h("small", {}, ` ${note}`) : null)] : [];
}
