// An Excel workbook of plain tables: a ZIP of XML parts (ECMA-376), stored or deflated by the browser.

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PARTS = "http://schemas.openxmlformats.org/package/2006";
const LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const LONGEST = 32_767; // characters of a cell, Excel's limit

// Styles by number: 0 general, 1 a bold header, 2 percent.
const STYLES = `${XML}<styleSheet xmlns="${MAIN}"><fonts count="2"><font/><font><b/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="10" applyNumberFormat="1"/></cellXfs></styleSheet>`;
const STYLE_OF = { percent: 2 };

/** A workbook; each sheet has a `name`, the `names` of its columns, their `formats` and `rows` of cells. */
export async function workbook(sheets) {
  const names = unique(sheets.map(({ name }) => name));
  const numbers = sheets.map((_, place) => place + 1);
  const parts = {
    "[Content_Types].xml": `${XML}<Types xmlns="${PARTS}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/>${numbers.map((number) => `<Override PartName="/xl/worksheets/sheet${number}.xml" ContentType="${TYPES}.worksheet+xml"/>`).join("")}</Types>`,
    "_rels/.rels": `${XML}<Relationships xmlns="${PARTS}/relationships"><Relationship Id="r1" Type="${LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `${XML}<workbook xmlns="${MAIN}" xmlns:r="${LINKS}"><sheets>${numbers.map((number) => `<sheet name="${escaped(names[number - 1])}" sheetId="${number}" r:id="r${number}"/>`).join("")}</sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${XML}<Relationships xmlns="${PARTS}/relationships">${numbers.map((number) => `<Relationship Id="r${number}" Type="${LINKS}/worksheet" Target="worksheets/sheet${number}.xml"/>`).join("")}<Relationship Id="styles" Type="${LINKS}/styles" Target="styles.xml"/></Relationships>`,
    "xl/styles.xml": STYLES,
  };
  sheets.forEach((sheet, place) => (parts[`xl/worksheets/sheet${place + 1}.xml`] = worksheet(sheet)));
  return zip(parts);
}

function worksheet({ names, formats, rows }) {
  const lines = [names.map((name) => cell(name, 1)), ...rows.map((row) => row.map((value, place) => cell(value, STYLE_OF[formats[place]] ?? 0)))];
  return `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>${lines.map((line) => `<row>${line.join("")}</row>`).join("")}</sheetData></worksheet>`;
}

function cell(value, style) {
  if (value === "") return "<c/>";
  if (typeof value === "number") return `<c s="${style}"><v>${value}</v></c>`;
  return `<c s="${style}" t="inlineStr"><is><t xml:space="preserve">${escaped(String(value).slice(0, LONGEST))}</t></is></c>`;
}

/** Text in XML, without the characters it cannot hold. */
function escaped(text) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[^\t\n\r\u0020-\ufffd]/g, "").replace(/[&<>"]/g, (mark) => marks[mark]);
}

/** Names of sheets as Excel takes them: short, without some marks, each once. */
function unique(names) {
  const taken = new Set();
  return names.map((name) => {
    const plain = name.replace(/[[\]:*?/\\]/g, " ").trim().replace(/^'+|'+$/g, "").slice(0, 28) || "Sheet";
    let found = plain;
    for (let number = 2; taken.has(found.toLowerCase()); number += 1) found = `${plain} ${number}`.slice(0, 31);
    taken.add(found.toLowerCase());
    return found;
  });
}

/** A ZIP of parts by name (APPNOTE.TXT of PKWARE), each deflated. */
async function zip(parts) {
  const encoder = new TextEncoder();
  const files = [];
  const index = [];
  let offset = 0;
  for (const [name, text] of Object.entries(parts)) {
    const [path, plain] = [encoder.encode(name), encoder.encode(text)];
    const packed = new Uint8Array(await new Response(new Blob([plain]).stream().pipeThrough(new CompressionStream("deflate-raw"))).arrayBuffer());
    const shared = [20, 0x800, 8, 0, 0x21, [crc32(plain)], [packed.length], [plain.length], path.length, 0];
    const head = bytes([[0x04034b50], ...shared]);
    index.push(bytes([[0x02014b50], 20, ...shared, 0, 0, 0, [0], [offset]]), path);
    files.push(head, path, packed);
    offset += head.length + path.length + packed.length;
  }
  const size = index.reduce((sum, part) => sum + part.length, 0);
  const count = Object.keys(parts).length;
  const end = bytes([[0x06054b50], 0, 0, count, count, [size], [offset], 0]);
  return new Blob([...files, ...index, end], { type: `${TYPES}.sheet` });
}

/** Numbers in little-endian bytes: two of each, four of one in brackets. */
function bytes(numbers) {
  return new Uint8Array(numbers.flatMap((number) => (Array.isArray(number) ? [0, 8, 16, 24].map((shift) => (number[0] >>> shift) & 255) : [number & 255, number >>> 8])));
}

const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(content) {
  let sum = -1;
  for (const byte of content) sum = (sum >>> 8) ^ CRC[(sum ^ byte) & 255];
  return (sum ^ -1) >>> 0;
}
