// The score of each frame of all versions, borders of GOPs, and the bits of each GOP.

import {dragged} from "dragging";

const LEFT = 48; // room for the numbers of the axis
const RIGHT = 12;
const TOP = 10;
const AXIS = 20; // room for the frames' numbers
const BAND = 16; // height of the bits of one stream

export class ScorePlot {
  // metrics: {name, label, unit, decimals, higherIsBetter}; versions: {name, colour, gops, scores}.
  // first: number of the first frame. seek, hover: called with a frame; hover also with null.
  constructor(element, {metrics, versions, numFrames, first}, {seek, hover}) {
    Object.assign(this, {element, metrics, versions, numFrames, first});
    this.metric = metrics[0] ?? null;
    this.frame = 0;
    this.streams = versions.filter((version) => version.gops.length);
    this.svg = newShape("svg", {role: "img", "aria-label": "Score of each frame"});
    element.append(this.svg);
    new ResizeObserver(() => this.redraw()).observe(element);
    dragged(element, (x) => seek(this.frameAt(x)));
    element.addEventListener("pointermove", ({clientX}) => hover(this.frameAt(clientX)));
    element.addEventListener("pointerleave", () => hover(null));
  }

  setMetric(metric) {
    this.metric = metric;
    this.redraw();
  }

  setFrame(index) {
    this.frame = index;
    const x = this.x(index);
    this.cursor?.setAttribute("d", `M${x} ${TOP - 4}V${this.bottom}`);
  }

  frameAt(clientX) {
    const {left} = this.element.getBoundingClientRect();
    const frame = Math.floor((clientX - left - LEFT) / this.step);
    return Math.min(Math.max(frame, 0), this.numFrames - 1);
  }

  get step() {
    return (this.element.clientWidth - LEFT - RIGHT) / this.numFrames;
  }

  // The middle of a frame.
  x(index) {
    return LEFT + (index + 0.5) * this.step;
  }

  redraw() {
    const {clientWidth: width, clientHeight: height} = this.element;
    if (!width || !height) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    this.floor = height - AXIS - BAND * this.streams.length;
    this.bottom = height - AXIS;
    this.drawBits();
    this.drawFrameNumbers();
    if (this.metric) this.drawScores();
    this.cursor = this.add("path", {class: "cursor"});
    this.setFrame(this.frame);
  }

  drawScores() {
    const {name} = this.metric;
    const curves = this.versions.map(({scores}) => scores[name] ?? []);
    const values = curves.flat().filter((value) => value !== null);
    if (!values.length) return;
    const ticks = niceTicks(Math.min(...values), Math.max(...values));
    const [low, high] = [ticks[0], ticks.at(-1)];
    const y = (value) => this.floor - ((value - low) / (high - low)) * (this.floor - TOP);
    for (const tick of ticks) {
      this.add("path", {class: "grid", d: `M${LEFT} ${y(tick)}H${this.x(this.numFrames - 0.5)}`});
      this.text(LEFT - 6, y(tick) + 4, shortNumber(tick, ticks), "end");
    }
    curves.forEach((curve, k) => {
      let isOn = false; // whether the line goes on from the frame before
      const path = curve.map((value, frame) => {
        const command = value === null ? "" : `${isOn ? "L" : "M"}${this.x(frame)} ${y(value)}`;
        isOn = value !== null;
        return command;
      });
      this.add("path", {class: "curve", d: path.join(""), stroke: this.versions[k].colour});
    });
  }

  // For each stream one line of GOPs: the more bits a GOP has, the stronger its colour.
  drawBits() {
    const bits = this.streams.flatMap(({gops}) => gops.map((gop) => gop.bpp));
    const most = Math.max(...bits, Number.MIN_VALUE);
    this.streams.forEach(({gops, colour}, line) => {
      const top = this.floor + BAND * line;
      for (const gop of gops) {
        const left = LEFT + gop.first * this.step;
        const width = gop.length * this.step;
        const share = 0.15 + (0.55 * gop.bpp) / most;
        this.add("rect", {
          x: left + 0.5,
          y: top + 2,
          width: Math.max(width - 1, 0.5),
          height: BAND - 3,
          fill: colour,
          "fill-opacity": share,
        });
        const label = `${gop.bits.toLocaleString("en")} bits`;
        if (width > 7 * label.length) this.text(left + width / 2, top + 12, label, "middle", "on-bits");
        if (gop.first > 0) {
          this.add("path", {class: "border", d: `M${left} ${TOP}V${top + BAND}`, stroke: colour});
        }
      }
    });
  }

  drawFrameNumbers() {
    const apart = niceStep((60 / this.step) | 0 || 1);
    for (let k = 0; k < this.numFrames; k++) {
      if ((k + this.first) % apart) continue;
      this.text(this.x(k), this.bottom + 15, String(k + this.first), "middle");
    }
  }

  add(name, attributes) {
    const shape = newShape(name, attributes);
    this.svg.append(shape);
    return shape;
  }

  text(x, y, content, anchor, className = "") {
    const attributes = {x, y, "text-anchor": anchor, class: className};
    this.add("text", attributes).textContent = content;
  }
}

function newShape(name, attributes) {
  // the name of SVG's elements, not an address that is loaded
  const shape = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
  return shape;
}

// 1, 2 or 5 times a power of ten, and at least `least`.
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
}

// Three to six round numbers that span the values.
function niceTicks(low, high) {
  const spread = high - low || Math.abs(high) || 1;
  const step = niceStep(spread / 4);
  const first = Math.floor(low / step);
  const count = Math.max(Math.ceil(high / step) - first, 1);
  return Array.from({length: count + 1}, (_, k) => (first + k) * step);
}

function shortNumber(value, ticks) {
  const decimals = Math.max(0, -Math.floor(Math.log10(ticks[1] - ticks[0]) + 1e-9));
  return value.toFixed(Math.min(decimals, 6));
}
