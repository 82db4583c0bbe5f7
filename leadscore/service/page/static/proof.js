// Proof: what ranking would have brought on the closed leads of a file, as the service worked it out.

import { gains, reliability } from "./chart.js";
import { count, decimal, h, percent, plural } from "./dom.js";

/** The panel; null for a file without closed leads. */
export function proof(leads, open) {
  const found = leads.proof;
  if (!found) return null;
  const { model } = leads;
  const { card } = model;
  const [tenth] = found.lift;
  const promised = card.metrics.newest ?? {};
  return h(
    "details",
    { class: "card block proof", open },
    h("summary", {}, h("h2", {}, `Would it have worked? ${plural(found.leads, "closed lead")} ${found.leads === 1 ? "tells" : "tell"}`)),
    leads.head.training_data
      ? h("p", { class: "warnings" }, "These are the very leads the model was trained on: it knows them, so the figures flatter it. Take leads it has not seen for a proof.")
      : null,
    tenth.lift === null
      ? h("p", {}, "None of them converted, so ranking could not show what it is worth.")
      : h("p", {}, "Among the best tenth by score, ", h("strong", {}, `${count(tenth.conversions)} of ${count(tenth.leads)}`), " converted: ", h("strong", {}, `${decimal(tenth.lift)} times`), ` as many per call as among all (95\u00a0% sure: ${between(tenth.interval, decimal)}${promised["lift_at_10%"] ? `; the model promises ${decimal(promised["lift_at_10%"])}` : ""}).`,
          ` The scores said ${count(found.expected)} of all would convert, and ${count(found.conversions)} did.`,
          found.roc_auc === null ? "" : ` Of two leads, one that converted and one that did not, the first has the higher score ${count(100 * found.roc_auc)} times of 100 (${between(found.roc_auc_interval, (value) => count(100 * value))}; promised ${count(100 * promised.roc_auc)}).`),
    table(["Grade", "Leads", "Converted", "95 % sure", "The scores said", "The model promised"], found.grades.map((grade) => [
      h("span", { class: `grade g${model.rank(grade.grade)}` }, grade.grade),
      count(grade.leads), rate(grade.conversion_rate), grade.interval ? between(grade.interval, percent) : "", grade.leads ? percent(grade.expected / grade.leads) : "", rate(grade.promised),
    ])),
    found.gains.length
      ? h("div", { class: "two" },
          h("figure", {}, h("figcaption", {}, "What ranking would have brought", h("small", {}, "dashed: calling at random")), gains(found.gains.map((point) => [point.leads, point.conversions])).element),
          h("figure", {}, h("figcaption", {}, "Could the score be believed?", h("small", {}, "on the dashed line, 30 of 100 leads with score 30 converted")), reliability(found.calibration).element))
      : null,
    found.channels.length
      ? [h("h3", {}, "By channel"), table(["Channel", "Leads", "Converted", "95 % sure", "The scores said", "Told apart"], found.channels.map((channel) => [
          `${model.byName.get(channel.column).title}: ${channel.level || "not known"}`, count(channel.leads), rate(channel.conversion_rate), between(channel.interval, percent), percent(channel.expected / channel.leads), apart(channel.roc_auc),
        ]))]
      : null,
  );
}

/** How well the score tells leads apart, in words. */
export function apart(area) {
  if (area === null || area === undefined) return "not known";
  const words = area < 0.6 ? "hardly" : area < 0.7 ? "a little" : area < 0.8 ? "fairly" : "well";
  return `${words} (${count(100 * area)} of 100)`;
}

const rate = (share) => (share === null || share === undefined ? "" : percent(share));

const between = ([low, high], format) => `${format(low)} to ${format(high)}`;

function table(heads, rows) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": heads.join(", ") },
    h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell)))))));
}
