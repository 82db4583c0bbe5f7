// What the page wants to know of a model, read from its card.

/** The card in the page's terms. */
export class Model {
  constructor(card) {
    this.card = card;
    const columns = card.dictionary.column.map((column) => ({
      minimum: null,
      unit: "",
      ...column,
      title: column.label || column.source,
    }));
    this.features = columns.filter((column) => column.role === "feature" && column.name in card.reference);
    this.refused = columns.filter((column) => column.role === "excluded");
    this.ids = columns.filter((column) => column.role === "id");
    this.target = columns.find((column) => column.role === "target");
    this.byName = new Map(columns.map((column) => [column.name, column]));
    this.grades = card.grades;
    this.actions = card.dictionary.grades ?? {};
    this.threshold = card.threshold.value;
  }

  /** What the leads it was tested on are called. */
  get tested() {
    return this.card.data.split === "at random" ? "held-out" : "newest";
  }

  /** The levels of a category, the commonest first. */
  levels(column) {
    return Object.keys(this.card.reference[column.name]?.levels ?? {});
  }

  /** Minimum, deciles and maximum of a number in training; empty if it was never there. */
  quantiles(column) {
    return this.card.reference[column.name]?.quantiles ?? [];
  }

  /** The commonest level and the median of each feature. */
  typicalLead() {
    const lead = {};
    for (const column of this.features) {
      const quantiles = this.quantiles(column);
      const value =
        column.kind === "number" ? quantiles[Math.floor(quantiles.length / 2)] : this.levels(column)[0];
      if (value !== undefined) lead[column.name] = value;
    }
    return lead;
  }

  /** A number from 0 (best) that picks a grade's colour. */
  rank(grade) {
    const place = this.grades.findIndex((entry) => entry.grade === grade);
    if (place < 0) return 3;
    return this.grades.length < 2 ? 0 : Math.round((3 * place) / (this.grades.length - 1));
  }
}
