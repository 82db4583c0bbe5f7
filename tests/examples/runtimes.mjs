// Scores many leads in any onnxruntime for JavaScript.

/** The outputs for `columns`, each with its name, kind and values (null: a missing number), on one provider. */
export async function score(ort, provider, model, columns) {
  const inputs = {};
  for (const { name, kind, values } of columns) {
    const shape = [values.length, 1];
    inputs[name] =
      kind === "number"
        ? new ort.Tensor("float32", values.map((value) => value ?? NaN), shape)
        : new ort.Tensor("string", values, shape);
  }
  const session = await ort.InferenceSession.create(model, { executionProviders: [provider] });
  const { probability, contributions } = await session.run(inputs);
  return { probability: [...probability.data], contributions: [...contributions.data] };
}
