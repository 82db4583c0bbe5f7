// Requests to the service. A key, where one is needed, lives in this module's memory and nowhere else.

let key = null;
let askForKey = null;
let asking = null; // one question for all requests that wait for its answer

/** What went wrong, in words for the reader. */
export class ServiceError extends Error {
  constructor(message, status = 0, errors = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** Say how to ask the reader for a key: a function of "was one refused?" that promises a key. */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/** A response that is not an error. */
export async function request(path, options = {}) {
  for (;;) {
    const used = key;
    const headers = { ...options.headers, ...(used ? { authorization: `Bearer ${used}` } : {}) };
    const response = await fetch(path, { ...options, headers }).catch((error) => {
      if (error.name === "AbortError") throw error;
      throw new ServiceError("The service does not answer. Is it still running?");
    });
    if (response.ok) return response;
    if (response.status !== 401) throw await problem(response);
    if (key !== used) continue;
    asking ??= askForKey(used !== null).finally(() => (asking = null));
    key = await asking;
  }
}

async function problem(response) {
  const document = await response.json().catch(() => ({}));
  const detail = document.detail ?? `The service answered with an error (${response.status}).`;
  return new ServiceError(detail, response.status, document.errors ?? []);
}

/** The model's card. */
export async function loadCard() {
  return (await request("model")).json();
}

/** Score one lead, with a reason for each of `reasons` columns. */
export async function scoreLead(lead, reasons, signal) {
  const response = await request(`predict?reasons=${reasons}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(lead),
    signal,
  });
  return response.json();
}

/**
 * What a file holds: its columns, and how many leads. `sheet`: of a workbook, if another than the service's
 * choice. `columns`: pairs of a header and the column it is.
 */
export async function lookAt(file, sheet, columns, signal) {
  return (await send(file, { dry_run: 1 }, sheet, columns, signal)).json();
}

/** Score a file: the response streams its leads with the answers, as JSON lines. */
export function scoreFile(file, sheet, columns, signal) {
  return send(file, { partial: 1 }, sheet, columns, signal, { accept: "application/x-ndjson" });
}

/** What changed from an earlier list to today's file: the response streams it as JSON lines. */
export function compareFiles(earlier, today, sheet, columns) {
  const body = new FormData();
  body.append("earlier", earlier);
  body.append("today", today);
  return request(`changes?${asked({ partial: 1 }, sheet, columns)}`, { method: "POST", body });
}

function asked(options, sheet, columns) {
  const query = new URLSearchParams(sheet ? { ...options, sheet } : options);
  for (const [name, column] of columns) query.append("map", `${name}=${column}`);
  return query;
}

function send(file, options, sheet, columns, signal, headers = {}) {
  return request(`predict/csv?${asked(options, sheet, columns)}`, {
    method: "POST",
    headers: { "content-type": "text/csv", ...headers },
    body: file,
    signal,
  });
}
