// What the columns of a file are to the model: told, and chosen where a file calls them otherwise.

import { count, h, percent } from "./dom.js";

const REMEMBERED = "leadscore.columns"; // in this browser only: header -> column
const LEFT_OUT = {
  titles: ["line above the header", "lines above the header"],
  blanks: ["blank row", "blank rows"],
  totals: ["row of totals", "rows of totals"],
  footers: ["line below the leads", "lines below the leads"],
};

/** The choices of earlier files that fit this one: of a column it lacks, the first. */
export function remembered({ unknown, absent }) {
  const all = new Map(Object.entries(stored()));
  const lacking = new Set(absent);
  return unknown.map((name) => [name, all.get(name)]).filter(([, column]) => lacking.delete(column));
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {}; // a browser that keeps nothing, or something else under this name
  }
}

/** The choices for a file, in place of all earlier ones that fit it. */
function remember({ unknown, absent }, choices) {
  const all = stored();
  for (const name of unknown) if (absent.includes(all[name])) delete all[name];
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
  const bare = look.bare ?? look; // a list kept by an earlier page has none
  const { unknown } = bare;
  const absent = bare.absent.map((name) => model.byName.get(name));
  const likely = new Map([...Object.entries(look.suggestions), ...look.columns]);
  const selects = absent.map((column) => {
    const options = unknown.map((name) => h("option", { value: name, selected: [column.source, column.name].includes(likely.get(name)) }, name));
    return h("select", { id: `column-${column.name}` }, h("option", { value: "" }, "not in the file"), options);
  });
  const chosen = () => selects.map((select, index) => [select.value, absent[index].name]).filter(([name]) => name);
  const form = h(
    "form",
    {
      class: "naming",
      onsubmit: (event) => {
        event.preventDefault();
        remember(bare, chosen());
        done(false);
      },
    },
    unknown.length
      ? absent.map((column, index) => h("p", {}, h("label", { for: selects[index].id }, column.title, h("small", {}, weight(bare.worth[column.name]))), selects[index]))
      : h("p", {}, `Not in the file: ${absent.map((column) => column.title).join(", ")}.`),
    h(
      "div",
      { class: "actions" },
      unknown.length ? h("button", { class: "main" }, "Use these columns") : null,
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
    change && (look.columns.length || (look.absent.length && look.unknown.length)) ? h("button", { type: "button", onclick: change }, "Choose columns") : null,
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
