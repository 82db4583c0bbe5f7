// The form's fields, one for each column.

import { amount, decimal, h } from "./dom.js";

const NUMBER = /^(-?\d*\.?\d+(e[+-]?\d+)?)?$/i; // as an input of numbers takes it; it empties all else

/** A labelled input for a column. */
export function field(column, model) {
  const id = `field-${column.name}`;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong` });
  const input = column.kind === "number" ? numberInput(column, model, id) : levelInput(column, model, id);
  const quantiles = model.quantiles(column);
  const hint =
    column.kind === "number" && quantiles.length
      ? h("span", { class: "hint" }, usual(column, quantiles[1], quantiles.at(-2)))
      : null;
  return {
    element: h("div", { class: "field" }, h("label", { for: id }, column.title, hint), input, wrong),
    get: () => input.value.trim(),
    set: (value) => setValue(input, value),
    fail: (text) => {
      wrong.textContent = text;
      input.toggleAttribute("aria-invalid", text !== "");
    },
  };
}

/** In the unit that is typed, and if reasons say another one, in that, too. */
function usual(column, low, high) {
  const typed = `${decimal(high)} ${column.unit}`.trim();
  const said = amount(high, column.unit);
  return `usually ${decimal(low)} to ${typed}${said === typed ? "" : ` (${said})`}`;
}

function numberInput(column, model, id) {
  return h("input", {
    id,
    type: "number",
    inputmode: "decimal",
    step: "any",
    min: column.minimum,
    placeholder: "not known",
    "aria-describedby": `${id}-wrong`,
  });
}

function levelInput(column, model, id) {
  const levels = model.levels(column).sort((one, other) => one.localeCompare(other));
  const common = model.levels(column).length <= 8 ? model.levels(column) : levels;
  return h(
    "select",
    { id, "aria-describedby": `${id}-wrong` },
    h("option", { value: "" }, "not known"),
    common.map((level) => h("option", { value: level }, level)),
  );
}

/** A value no option stands for gets one of its own, and what is no number is text: a shared lead is shown as it is. */
function setValue(input, value = "") {
  const text = value === null ? "" : String(value);
  if (input instanceof HTMLInputElement) input.type = NUMBER.test(text) ? "number" : "text";
  if (input instanceof HTMLSelectElement && ![...input.options].some((option) => option.value === text)) {
    input.append(h("option", { value: text }, text));
  }
  input.value = text;
}
