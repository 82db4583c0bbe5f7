// CSV text in the browser: the rows that come back.

/** How many lines a file has, at most. */
export async function countLines(file) {
  let lines = 0;
  for await (const chunk of chunks(file.stream())) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}

/** The chunks of a stream. */
export async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/**
 * The record of a text that starts at a place: its cells, its own text, its line end, where the next one starts.
 * Null if the text ends before the record does, unless `last`.
 */
export function parse(text, start, delimiter, last) {
  const cells = [];
  let at = start;
  for (;;) {
    let cell;
    if (text[at] === '"') {
      [cell, at] = quoted(text, at + 1);
    } else {
      const from = at;
      while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") at += 1;
      cell = text.slice(from, at);
    }
    if (at >= text.length && !last) return null;
    cells.push(cell);
    if (text[at] === delimiter) {
      at += 1;
      continue;
    }
    const end = at;
    if (text[at] === "\r") {
      if (at + 1 >= text.length && !last) return null;
      at += 1;
    }
    if (text[at] === "\n") at += 1;
    const next = Math.max(at, end + (end < text.length ? 1 : 0)); // beyond what follows a closed quote, too
    return { cells, text: text.slice(start, end), end: text.slice(end, next), next };
  }
}

function quoted(text, start) {
  let cell = "";
  let from = start;
  for (;;) {
    const at = text.indexOf('"', from);
    if (at < 0) return [cell + text.slice(from), text.length];
    cell += text.slice(from, at);
    if (text[at + 1] !== '"') return [cell, at + 1];
    cell += '"';
    from = at + 2;
  }
}

/** The records of a response in batches, as they arrive. */
export async function* records(response, delimiter) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  for await (const chunk of chunks(response.body)) {
    rest += decoder.decode(chunk, { stream: true });
    const [found, next] = batch(rest, delimiter, false);
    rest = rest.slice(next);
    if (found.length) yield found;
  }
  const [found] = batch(rest + decoder.decode(), delimiter, true);
  if (found.length) yield found;
}

function batch(text, delimiter, last) {
  const found = [];
  let next = 0;
  while (next < text.length) {
    const record = parse(text, next, delimiter, last);
    if (record === null) break;
    found.push(record);
    next = record.next;
  }
  return [found, next];
}

/** A CSV of leads, under the names of their columns. */
export function write(leads, columns) {
  const lines = [columns.map((column) => cell(column.source))];
  for (const lead of leads) {
    lines.push(columns.map((column) => cell(lead[column.name] ?? lead[column.source] ?? "")));
  }
  return lines.map((line) => `${line.join(",")}\n`).join("");
}

function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
