// Who a lead is and how to reach them: found by the headers that CRMs use, for no dictionary names them.

const KINDS = {
  first: /^(first|given|fore)name|^vorname$/,
  last: /^(last|family|sur)name|^nachname$/,
  name: /^((lead|contact|full|customer|person|client)?name|contact)$/,
  company: /^(company|account|organi[sz]ation|firm|employer|business)(name)?$/,
  phone: /^(work|business|home|main|primary|mobile|cell|office)?(phone|telephone|tel|mobile|cell)(phone|number|no|nr)?$/,
  email: /^(work|business|personal|primary|contact)?e?mail(address|id)?$/,
  owner: /owner|^(assigned(to)?|salesrep|rep|salesperson|agent|accountmanager)(name)?$/,
};

export class Contacts {
  /** `columns`: of a file, each with its `name`, `place` and `role`. */
  constructor(columns) {
    const free = columns.filter(({ role }) => role !== "feature" && role !== "target");
    for (const [kind, pattern] of Object.entries(KINDS)) {
      this[kind] = free.find(({ name }) => pattern.test(name.toLowerCase().replace(/[^a-z]/g, "")))?.place;
    }
    const ids = free.filter(({ role }) => role === "id").sort((one, other) => (other.about?.clock ?? false) - (one.about?.clock ?? false));
    this.id = ids[0]?.place;
    this.idName = ids[0]?.name;
    this.personal = new Set([this.first, this.last, this.name, this.company, this.phone, this.email].filter((place) => place !== undefined));
  }

  /** The whole name, else the company, else the id, else the number of the row. */
  title(row) {
    return this.person(row) || this.cell(row, "company") || this.cell(row, "email") || this.cell(row, "id") || `Row ${row.number}`;
  }

  /** What else they are known by. */
  also(row) {
    const company = this.cell(row, "company");
    if (this.person(row)) return company;
    return !company && !this.cell(row, "email") && this.cell(row, "id") ? this.idName : "";
  }

  person(row) {
    return this.cell(row, "name") || [this.cell(row, "first"), this.cell(row, "last")].filter(Boolean).join(" ");
  }

  cell(row, kind) {
    return row.cells[this[kind]]?.trim() ?? "";
  }

  /** A `tel:` link; empty without enough digits. */
  tel(row) {
    const number = this.cell(row, "phone").replace(/(?!^\+)[^\d]/g, "");
    return number.length > 4 ? `tel:${number}` : "";
  }

  /** A `mailto:` link; empty for what is no address. */
  mailto(row) {
    const address = this.cell(row, "email");
    return /^[^\s@?&]+@[^\s@?&]+$/.test(address) ? `mailto:${address}` : "";
  }
}
