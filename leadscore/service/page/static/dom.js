// Elements without markup strings: whatever a lead holds becomes text, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Properties that start with "on" are listeners; a value of null or false is left out. */
export function h(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** An SVG element. */
export function s(name, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Give an element other children. */
export function show(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  element.hidden = false;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat("en", { notation: "compact" });

/** 12345.6 -> "12,346". */
export const count = (value) => whole.format(value);

/** 9500 -> "9,500", 20000 -> "20K": for where there is no room for more digits. */
export const brief = (value) => (value < 10_000 ? count(value) : compact.format(value));

/** 1.2345 -> "1.23". */
export const decimal = (value) => short.format(value);

/** 257, "s" -> "4 min", as reasons say it; other units as they are. */
export function amount(number, unit) {
  if (unit !== "s" || number < 60) return `${decimal(number)} ${unit ?? ""}`.trim();
  const minutes = Math.round(number / 60);
  return minutes < 60 ? `${minutes} min` : `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** 0.7306 -> "73 %", with a space that does not break. */
export const percent = (share) =>
  share > 0 && share < 0.005 ? "under 1\u00a0%" : `${whole.format(100 * share)}\u00a0%`;

/** 0.368 -> "36.8": a probability on the scale of scores. */
export const points = (probability) => decimal(100 * probability);

/** 1 -> "1 lead", 2 -> "2 leads". */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** Put a text on the clipboard; whether that was possible. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
