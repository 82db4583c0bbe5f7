// Reasons as they stand in a list: which way they point, and what they say.

import { h } from "./dom.js";

/** One reason of a lead. */
export function reason({ points, text }) {
  const kind = points > 0.5 ? "up" : points < -0.5 ? "down" : "flat";
  return h("span", { class: `reason ${kind}` }, text);
}
