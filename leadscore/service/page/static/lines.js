// JSON lines, as they arrive.

/** The documents of a stream in batches, one for each chunk; `seen` is given the raw chunks. */
export async function* documents(stream, seen = () => {}) {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    seen(value);
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    if (lines.length) yield lines.map((line) => JSON.parse(line));
  }
  // Every line ends: a last one that does not was cut off.
  if (rest) throw new Error("The answer ended too early. Please try again.");
}
