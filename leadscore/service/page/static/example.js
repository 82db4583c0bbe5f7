// Made-up leads, for whoever has no file at hand.

const COUNT = 300;

export class Example {
  constructor(model) {
    this.model = model;
    this.count = COUNT;
  }

  /** Leads drawn from the card's distributions, column by column. */
  file() {
    const { model } = this;
    const random = generator(7);
    const clock = model.ids.find((column) => column.clock);
    const columns = [...(clock ? [clock] : []), ...model.features];
    const lines = [columns.map((column) => cell(column.source))];
    for (let lead = 1; lead <= COUNT; lead += 1) lines.push(columns.map((column) => (column === clock ? lead : cell(draw(column, model, random)))));
    return new File([lines.map((line) => `${line.join(",")}\n`).join("")], "made-up leads.csv", { type: "text/csv" });
  }
}

function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
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
