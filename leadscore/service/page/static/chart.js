// Charts in SVG, drawn by hand and again whenever their place changes its width.

import { brief, h, points, s, show } from "./dom.js";

const MARGIN = { top: 34, right: 20, bottom: 44, left: 48 };
const HEIGHT = 260;
const BINS = 20;

/** Where a probability lies among the grades and the threshold. */
export function scale(probability, model) {
  const grades = [...model.grades].reverse();
  const bands = grades.map((entry, index) => {
    const band = h("span", { class: `band g${model.rank(entry.grade)}` }, h("i", {}, entry.grade));
    band.style.width = `${100 * ((grades[index + 1]?.at_least ?? 1) - entry.at_least)}%`;
    return band;
  });
  const marker = h("span", { class: "marker" });
  marker.style.left = `${100 * probability}%`;
  const threshold = h("span", { class: "threshold" });
  threshold.style.left = `${100 * model.threshold}%`;
  const label = h("span", { class: "threshold-label" }, `threshold ${points(model.threshold)}`);
  label.style.left = `${100 * Math.min(Math.max(model.threshold, 0.16), 0.84)}%`;
  const words = `Score ${points(probability)} of 100; the threshold is ${points(model.threshold)}`;
  return h("div", { class: "scale", role: "img", "aria-label": words }, h("div", { class: "bands" }, bands), threshold, label, marker);
}

/** A chart in a box: `draw(plot)` is called for each width. */
export function chart(label, draw) {
  const box = h("div", { class: "chart" });
  const redraw = () => {
    const width = box.clientWidth;
    if (!width) return;
    const svg = s("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label });
    draw(new Plot(svg, width));
    show(box, svg);
  };
  new ResizeObserver(redraw).observe(box);
  return { element: box, redraw };
}

/** The area inside the axes. */
class Plot {
  constructor(svg, width) {
    this.svg = svg;
    this.width = width - MARGIN.left - MARGIN.right;
    this.height = HEIGHT - MARGIN.top - MARGIN.bottom;
  }

  axes({ x, y, xTitle, yTitle }) {
    this.x = (value) => MARGIN.left + (this.width * (value - x[0])) / (x[1] - x[0] || 1);
    this.y = (value) => MARGIN.top + this.height - (this.height * (value - y[0])) / (y[1] - y[0] || 1);
    for (const tick of ticks(y, 4)) {
      const at = this.y(tick);
      this.add("line", { class: "grid", x1: MARGIN.left, x2: MARGIN.left + this.width, y1: at, y2: at });
      this.text(brief(tick), MARGIN.left - 8, at + 4, "end");
    }
    for (const tick of ticks(x, this.width < 380 ? 3 : 5)) this.text(brief(tick), this.x(tick), HEIGHT - MARGIN.bottom + 18, "middle");
    this.add("line", { class: "axis", x1: MARGIN.left, x2: MARGIN.left + this.width, y1: this.y(y[0]), y2: this.y(y[0]) });
    this.text(xTitle, MARGIN.left + this.width, HEIGHT - 6, "end", "title");
    this.text(yTitle, 0, 14, "start", "title");
  }

  add(name, properties) {
    const element = s(name, properties);
    this.svg.append(element);
    return element;
  }

  text(words, x, y, anchor, kind = "tick") {
    const element = s("text", { x, y, "text-anchor": anchor, class: kind }, words);
    this.svg.append(element);
    return element;
  }

  line(points, kind) {
    this.add("polyline", { class: kind, points: points.map(([x, y]) => `${this.x(x).toFixed(1)},${this.y(y).toFixed(1)}`).join(" ") });
  }

  area(points, kind) {
    const base = this.y(0);
    const path = points.map(([x, y]) => `${this.x(x).toFixed(1)},${this.y(y).toFixed(1)}`).join(" L");
    this.add("path", { class: kind, d: `M${this.x(points[0][0])},${base} L${path} L${this.x(points.at(-1)[0])},${base} Z` });
  }

  vertical(x, kind) {
    this.add("line", { class: kind, x1: this.x(x), x2: this.x(x), y1: MARGIN.top, y2: MARGIN.top + this.height });
  }
}

/** Round values inside a range. */
function ticks([low, high], wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  // Whole numbers: what is counted comes in no parts.
  const step = Math.max(1, power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.99 && Number.isInteger(factor * power)) || 1);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(value);
  return found;
}

/** How many leads have which score; `rows()` are those of now. */
export function distribution(rows, model) {
  const worstFirst = model.grades.map(({ grade }) => grade).reverse();
  return chart("How many leads have which score", (plot) => {
    const bins = Array.from({ length: BINS }, () => new Map(worstFirst.map((grade) => [grade, 0])));
    for (const { probability, grade } of rows()) {
      const bin = bins[Math.min(Math.floor(probability * BINS), BINS - 1)];
      bin.set(grade, bin.get(grade) + 1);
    }
    const most = Math.max(...bins.map((bin) => [...bin.values()].reduce((sum, leads) => sum + leads, 0)), 1);
    plot.axes({ x: [0, 100], y: [0, most * 1.05], xTitle: "score", yTitle: "leads" });
    bins.forEach((bin, at) => {
      const left = plot.x((100 / BINS) * at) + 1;
      let below = 0;
      for (const [grade, leads] of bin) {
        const [bottom, top] = [plot.y(below), plot.y(below + leads)];
        if (leads) plot.add("rect", { class: `g${model.rank(grade)}`, x: left, width: plot.x((100 / BINS) * (at + 1)) - left - 1, y: top, height: bottom - top });
        below += leads;
      }
    });
    plot.vertical(100 * model.threshold, "mark");
  });
}

/** Expected conversions against the number of calls, the best leads first, as both are now. */
export function conversions(cumulative, calls) {
  return chart("Expected conversions against the number of calls, by score and at random", (plot) => {
    const sums = cumulative();
    const made = calls();
    const leads = sums.length - 1;
    const every = Math.max(1, Math.floor(leads / 400));
    const points = [];
    for (let at = 0; at < leads; at += every) points.push([at, sums[at]]);
    points.push([leads, sums[leads]]);
    plot.axes({ x: [0, Math.max(leads, 1)], y: [0, Math.max(sums[leads] * 1.05, 1)], xTitle: "calls", yTitle: "expected conversions" });
    plot.area([...points.filter(([x]) => x < made), [made, sums[made]]], "area");
    plot.line([[0, 0], [leads, sums[leads]]], "random");
    plot.line(points, "curve");
    plot.vertical(made, "mark");
    plot.add("circle", { class: "dot", cx: plot.x(made), cy: plot.y(sums[made]), r: 5 });
  });
}

/** Foretold against observed conversion rates: the closer to the diagonal, the truer. */
export function reliability(points) {
  const largest = Math.max(...points.map((point) => point.leads ?? 1));
  return chart("Conversion rate foretold and observed", (plot) => {
    plot.axes({ x: [0, 100], y: [0, 100], xTitle: "score given", yTitle: "% that converted" });
    plot.line([[0, 0], [100, 100]], "random");
    plot.line(points.map((point) => [100 * point.probability, 100 * point.conversion_rate]), "curve");
    for (const point of points) {
      plot.add("circle", {
        class: "dot",
        cx: plot.x(100 * point.probability),
        cy: plot.y(100 * point.conversion_rate),
        r: 3 + 5 * Math.sqrt((point.leads ?? largest) / largest),
      });
    }
  });
}

/** The share of all buyers among the best leads: `points` are [share of leads, share of buyers]. */
export function gains(points) {
  return chart("Share of all buyers found among the best leads", (plot) => {
    plot.axes({ x: [0, 100], y: [0, 100], xTitle: "% of leads called, best first", yTitle: "% of buyers reached" });
    const line = [[0, 0], ...points.map(([x, y]) => [100 * x, 100 * y])];
    plot.area(line, "area");
    plot.line([[0, 0], [100, 100]], "random");
    plot.line(line, "curve");
  });
}
