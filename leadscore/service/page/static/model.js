// The model in human words, from its card alone.

import { gains, reliability } from "./chart.js";
import { amount, count, decimal, h, percent, points, show } from "./dom.js";
import { apart } from "./proof.js";

const MOMENTS = {
  capture: "when the lead comes in",
  engaged: "once the lead has reacted",
  contacted: "once a salesperson has spoken to the lead",
};

const WORDS = {
  accuracy: "share of leads on the right side of the threshold",
  precision: "of the leads above the threshold, the share that convert",
  recall: "of the leads that convert, the share above the threshold",
  f1: "precision and recall in one; 1 is best",
  roc_auc: "how often a lead that converts scores above one that does not; .5 is chance",
  average_precision: "precision, averaged over all thresholds",
  log_loss: "how wrong the probabilities are, surprises most of all; 0 is best",
  brier: "mean squared error of the probabilities; 0 is best",
  ece: "how far scores and conversion rates lie apart, on average",
};

/** "lift_at_10%": what it says. */
function lifted(name) {
  const share = /^lift_at_(\d+)%$/.exec(name);
  return share ? `conversions per call among the best ${share[1]}\u00a0%, as a multiple of all` : "";
}

export class ModelView {
  constructor(element, model) {
    const { card } = model;
    show(
      element,
      h("h1", { id: "model-title" }, "What the model knows, and how well"),
      h("p", { class: "intro" }, `${refitted(card) ? "Its recipe" : "It"} learned from ${count(card.data.trained_on)} leads and was then tested on ${card.data.split === "at random" ? `${count(card.data.tested_on)} others, drawn at random` : `the ${count(card.data.tested_on)} newest`}, which it had never seen.${learned(card)} It uses only what is known ${MOMENTS[card.known] ?? card.known}.`),
      facts(model),
      charts(card.metrics),
      grades(model),
      weights(model),
      channels(model),
      used(model),
      refused(model),
      measures(model),
      origin(card),
    );
    element.hidden = true;
  }

  open() {}
}

/** Whether it learned from the leads, too, that its recipe was tested on. */
const refitted = (card) => (card.data.fitted_on ?? 0) > card.data.trained_on;

/** From which other leads the model learned, in words. */
const learned = (card) => {
  const { fitted_on: all, sample_of: more } = card.data;
  if (more) return ` These are a sample: its trees learned from ${refitted(card) ? "all" : "what is not in the test of"} ${count(more)} leads.`;
  return refitted(card) ? ` For the model itself it learned from all ${count(all)}.` : "";
};

/** The measured value of the newest leads with its interval, where the card has them. */
function measured(card, name) {
  const value = card.metrics.newest?.[name];
  return value === undefined ? null : { value, interval: card.metrics.intervals?.[name] };
}

function facts(model) {
  const { card } = model;
  const [precision, recall] = ["precision", "recall"].map((name) => measured(card, name));
  const auc = measured(card, "roc_auc");
  const lift = measured(card, "lift_at_10%");
  const between = (found, format) => (found.interval ? `between ${format(found.interval[0])} and ${format(found.interval[1])}, 95\u00a0% sure` : "");
  return h(
    "div",
    { class: "facts" },
    lift ? fact(`${decimal(lift.value)} ×`, "as many conversions per call among the best tenth of leads as among all", between(lift, decimal)) : null,
    auc ? fact(percent(auc.value), "how often it ranks a lead that converts above one that does not", `${between(auc, percent)}; a coin gets 50 %`) : null,
    precision ? fact(percent(precision.value), "of the leads above the threshold convert", between(precision, percent)) : null,
    recall ? fact(percent(recall.value), "of all conversions are above the threshold", `${between(recall, percent)}; the threshold is a score of ${points(model.threshold)} (${card.threshold.rule}${card.threshold.rule === "highest F1" ? ": the best balance of this figure and the one before it" : ""})`) : null,
  );
}

function fact(number, meaning, note) {
  return h("div", { class: "card fact" }, h("p", { class: "number" }, number), h("p", {}, meaning), h("p", { class: "hint" }, note));
}

function charts(metrics) {
  const curve = (metrics.gains ?? []).map((point) => [point.leads, point.conversions]);
  const points = metrics.reliability ?? [];
  if (!curve.length && !points.length) return null;
  return h(
    "div",
    { class: "two" },
    points.length ? h("figure", { class: "card" }, h("figcaption", {}, "Can the score be believed?", h("small", {}, "on the dashed line, 30 of 100 leads with score 30 convert")), reliability(points).element) : null,
    curve.length ? h("figure", { class: "card" }, h("figcaption", {}, "What does ranking bring?", h("small", {}, "dashed: calling at random")), gains(curve).element) : null,
  );
}

function grades(model) {
  const { card } = model;
  return block(
    "Grades",
    h("p", {}, `${card.grade_rule ? `Cut ${card.grade_rule}. ` : ""}What each grade was worth among the ${model.tested} leads:`),
    table(
      ["Grade", "Score from", "Leads with it", "Of these converted", "What to do"],
      model.grades.map((entry) => [
        h("span", { class: `grade g${model.rank(entry.grade)}` }, entry.grade),
        points(entry.at_least),
        percent(entry.share),
        entry.conversion_rate === null ? "none yet" : rate(entry, model),
        model.actions[entry.grade] ?? "",
      ]),
    ),
  );
}

/** How much each column moves the score, over all. */
function weights(model) {
  const sizes = model.card.importance ?? {};
  const total = model.features.reduce((sum, column) => sum + (sizes[column.name] ?? 0), 0);
  if (!total) return null;
  const share = (column) => sizes[column.name] / total;
  const bar = (column) => {
    const fill = h("i");
    fill.style.width = `${(100 * share(column)) / Math.max(...model.features.map(share))}%`;
    return h("span", { class: "rate" }, h("b", {}, percent(share(column))), h("span", { class: "meter", "aria-hidden": "true" }, fill));
  };
  return block(
    "What counts most",
    h("p", {}, "How much each column moves the scores of the training leads, up or down, as a share of all."),
    table(["Column", "Share"], [...model.features].sort((one, other) => share(other) - share(one)).map((column) => [column.title, bar(column)])),
  );
}

/** How the model does in each channel. */
function channels(model) {
  const { card } = model;
  const found = card.metrics.channels ?? [];
  if (!found.length) return null;
  return block(
    "Channels",
    h("p", {}, `The ${model.tested} leads by channel: how many converted, what the scores said, and how well the score tells them apart. 80 of 100 means that of two leads, one that converts and one that does not, the first has the higher score 80 times of 100; a coin gets 50. Where it hardly tells leads apart, call them in any order.`),
    table(["Channel", "Leads", "Converted", "The scores said", "Told apart"], found.map((channel) => [
      `${model.byName.get(channel.column).title}: ${channel.level || "not known"}`, count(channel.leads), percent(channel.conversion_rate), percent(channel.probability), apart(channel.roc_auc),
    ])),
  );
}

function rate(entry, model) {
  const fill = h("i", { class: `g${model.rank(entry.grade)}` });
  fill.style.width = `${100 * entry.conversion_rate}%`;
  return h("span", { class: "rate" }, h("b", {}, percent(entry.conversion_rate)), h("span", { class: "meter", "aria-hidden": "true" }, fill));
}

function used(model) {
  return block(
    "What it uses",
    h("p", {}, `${count(model.features.length)} columns, all known ${MOMENTS[model.card.known] ?? model.card.known}. A missing value is not guessed: that something was not filled in says something, too.`),
    h("dl", { class: "columns" }, model.features.map((column) => [h("dt", {}, column.title), h("dd", {}, column.why, h("small", {}, about(column, model)))])),
  );
}

function about(column, model) {
  const known = model.card.reference[column.name] ?? {};
  const empty = known.missing ? `, empty for ${percent(known.missing)}` : "";
  if (column.kind === "category") {
    const levels = model.levels(column);
    return `${count(levels.length)} values, most often ${levels.slice(0, 3).map((level) => `“${level}”`).join(", ")}${empty}`;
  }
  const quantiles = model.quantiles(column);
  if (!quantiles.length) return "never there in training";
  const [least, middle, most] = [quantiles[0], quantiles[Math.floor(quantiles.length / 2)], quantiles.at(-1)].map((value) => amount(value, column.unit));
  return `from ${least} to ${most}, half of the leads below ${middle}${empty}`;
}

function reason(column) {
  return column.why || "The data dictionary gives no reason.";
}

function refused(model) {
  if (!model.refused.length) return null;
  const groups = Map.groupBy
    ? Map.groupBy(model.refused, reason)
    : model.refused.reduce((map, column) => map.set(reason(column), [...(map.get(reason(column)) ?? []), column]), new Map());
  return block(
    "What it refuses",
    h("p", {}, `${count(model.refused.length)} columns are left out even when your file has them: most are known only after someone has worked on the lead, and would make every new lead look bad.`),
    h("details", {}, h("summary", {}, "All of them, with the reason"), h("dl", { class: "columns" }, [...groups].map(([why, columns]) => [h("dt", {}, columns.map((column) => column.title).join(", ")), h("dd", {}, why)]))),
  );
}

function measures(model) {
  const { card } = model;
  const { newest = {}, intervals = {} } = card.metrics;
  const rows = Object.entries(newest).filter(([, value]) => typeof value === "number");
  return block(
    "All figures",
    h("details", {}, h("summary", {}, `${count(rows.length)} measures on the ${model.tested} leads, with 95 % intervals`),
      table(["Measure", "What it says", "Value", "Interval"], rows.map(([name, value]) => [name.replaceAll("_", " "), WORDS[name] ?? lifted(name), value.toFixed(3), intervals[name] ? intervals[name].map((bound) => bound.toFixed(3)).join(" to ") : ""]))),
  );
}

function origin(card) {
  const versions = Object.entries(card.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return block(
    "Where it comes from",
    h("dl", { class: "columns" },
      [h("dt", {}, "Version"), h("dd", {}, card.version)],
      [h("dt", {}, "Data"), h("dd", {}, `${card.data.file}: ${count(card.data.leads)} leads, of which ${percent(card.data.conversion_rate)} converted`, h("small", { class: "long" }, `sha256 ${card.data.sha256}`))],
      [h("dt", {}, "Checked"), h("dd", {}, `The file computes what was trained: ${count(card.parity.leads + card.parity.adversarial_leads)} leads compared, ${count(card.parity.flipped_decisions)} decisions differ.`)],
      [h("dt", {}, "Made with"), h("dd", {}, versions)]),
  );
}

function block(title, ...children) {
  return h("section", { class: "card block" }, h("h2", {}, title), children);
}

function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": heads.join(", ") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell)))))));
}
