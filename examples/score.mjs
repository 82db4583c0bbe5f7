// Scores one lead in Node. In this folder: `npm ci`, then `node score.mjs`.
import { readFile } from "node:fs/promises";
import { InferenceSession, Tensor } from "onnxruntime-node";

process.env.ORT_DISABLE_TELEMETRY ??= "1"; // else onnxruntime reports to its vendor

const lead = { total_visits: 5, total_time_spent_on_website: 1200, lead_source: "Google" };
const model = await readFile(new URL("../models/lead_conversion.onnx", import.meta.url));

// This runtime does not hand out a model's metadata, but the file ends with it: the card, and a seal without braces.
const text = new TextDecoder().decode(model);
const card = JSON.parse(text.slice(text.indexOf('{"format":'), text.lastIndexOf("}") + 1));
const features = card.dictionary.column.filter((column) => column.role === "feature");

const inputs = {};
for (const { name, kind } of features) {
  const [type, missing] = kind === "number" ? ["float32", NaN] : ["string", ""];
  inputs[name] = new Tensor(type, [lead[name] ?? missing], [1, 1]);
}
const session = await InferenceSession.create(model);
const { probability, contributions } = await session.run(inputs);

console.log(probability.data[0].toFixed(6), probability.data[0] >= card.threshold.value ? "converts" : "does not convert");
const reasons = features.map(({ name }, index) => [contributions.data[index], name]);
reasons.sort(([one], [other]) => Math.abs(other) - Math.abs(one));
for (const [effect, name] of reasons.slice(0, 3)) console.log(effect.toFixed(4), name);
