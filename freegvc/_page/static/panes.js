// The pictures: side by side, or two of them in one pane as wipe, blink or difference.

import {drawDifference} from "difference";
import {dragged} from "dragging";

export const MODES = ["side", "wipe", "blink", "difference"];

export class Panes {
  // stage: the element that holds the panes.
  // names: of the clips. viewport: a Viewport. a, b: of two clips to compare.
  // rowMoved: called with the row when it has changed.
  // placed: called when the pictures may have changed their size or place.
  constructor(stage, clips, names, viewport, {rowMoved, placed}) {
    Object.assign(this, {stage, names, viewport, rowMoved, placed});
    this.canvases = clips.map(({width, height}) => newCanvas(width, height));
    this.differenceCanvas = newCanvas(clips[0].width, clips[0].height);
    this.pictures = null;
    this.mode = "side";
    this.pair = [0, 1];
    this.gain = 4;
    this.wipe = 0.5; // of the pane's width
    this.showsB = false; // in blink
    this.blinkMilliseconds = 500;
    this.blinkTimer = null;
    this.row = Math.floor(clips[0].height / 2);
    this.panes = [];
    new ResizeObserver(() => this.place()).observe(stage);
    stage.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
  }

  // Draw the pictures of one frame, all at once.
  draw(pictures) {
    this.pictures = pictures;
    pictures.forEach((picture, k) => this.canvases[k].getContext("2d").putImageData(picture, 0, 0));
    if (this.mode === "difference") this.drawDifference();
  }

  drawDifference() {
    if (!this.pictures) return;
    const [a, b] = this.pair.map((k) => this.pictures[k]);
    drawDifference(this.differenceCanvas.getContext("2d"), a, b, this.gain);
  }

  // Build the panes anew, after mode, pair, gain or interval have changed.
  update() {
    clearInterval(this.blinkTimer);
    const [a, b] = this.pair;
    if (this.mode === "side") {
      this.panes = this.canvases.map((canvas, k) => this.newPane([canvas], [this.names[k]]));
    } else if (this.mode === "difference") {
      const label = `|${this.names[a]} − ${this.names[b]}| × ${this.gain}`;
      this.panes = [this.newPane([this.differenceCanvas], [label])];
      this.drawDifference();
    } else {
      const layers = a === b ? [this.canvases[a]] : [this.canvases[a], this.canvases[b]];
      this.panes = [this.newPane(layers, [this.names[a], this.names[b]])];
    }
    if (this.mode === "wipe") this.addWipe(this.panes[0]);
    if (this.mode === "blink" && this.blinkMilliseconds) {
      this.blinkTimer = setInterval(() => this.flip(), this.blinkMilliseconds);
    }
    this.stage.dataset.mode = this.mode;
    this.stage.replaceChildren(...this.panes.map((pane) => pane.element));
    this.place();
  }

  // In blink, show the other one.
  flip() {
    this.showsB = !this.showsB;
    this.place();
  }

  newPane(canvases, labels) {
    const element = newElement("div", "pane");
    const layers = canvases.map((canvas) => {
      const layer = newElement("div", "layer");
      layer.append(canvas);
      return layer;
    });
    const names = labels.map((label) => {
      const name = newElement("span", "name", label);
      name.title = label;
      return name;
    });
    const line = newElement("div", "row-line");
    line.title = "Drag: the row that is shown over time";
    element.append(...layers, line, ...names);
    const pane = {element, canvases, layers, names, line};
    dragged(line, (x, y) => this.moveRow(pane, y));
    dragged(element, (x, y, dx, dy) => {
      this.viewport.moveBy(dx, dy, sizeOf(element));
      this.place();
    });
    return pane;
  }

  addWipe(pane) {
    pane.wipe = newElement("div", "wipe-line");
    pane.element.append(pane.wipe);
    dragged(pane.wipe, (x) => {
      const {left, width} = pane.element.getBoundingClientRect();
      this.setWipe((x - left) / width);
    });
  }

  // 0: only B is seen; 1: only A, which lies on the left.
  setWipe(fraction) {
    this.wipe = Math.min(Math.max(fraction, 0), 1);
    this.place();
  }

  moveRow(pane, y) {
    const box = pane.element.getBoundingClientRect();
    const {scale, top} = this.viewport.placed(box.width, box.height);
    this.setRow(Math.floor((y - box.top - top) / scale));
  }

  setRow(row) {
    const last = this.viewport.height - 1;
    const inside = Math.min(Math.max(row, 0), last);
    if (inside === this.row) return;
    this.row = inside;
    this.place();
    this.rowMoved(inside);
  }

  wheel(event) {
    const pane = this.panes.find(({element}) => element.contains(event.target));
    if (!pane) return;
    event.preventDefault();
    const box = pane.element.getBoundingClientRect();
    this.viewport.zoomBy(-Math.sign(event.deltaY), box, [
      event.clientX - box.left,
      event.clientY - box.top,
    ]);
    this.place();
  }

  // Put everything where it belongs, after a change of size, zoom, row, wipe or blink.
  place() {
    if (!this.panes.length) return;
    this.arrange();
    for (const pane of this.panes) {
      const {width, height} = sizeOf(pane.element);
      const {scale, left, top} = this.viewport.placed(width, height);
      for (const canvas of pane.canvases) {
        canvas.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
        canvas.style.imageRendering = scale >= 1 ? "pixelated" : "auto";
      }
      pane.line.style.top = `${top + (this.row + 0.5) * scale}px`;
      this.placePair(pane, width);
    }
    this.placed();
  }

  placePair(pane, width) {
    const [below, above] = pane.layers;
    if (this.mode === "wipe") {
      const x = Math.round(this.wipe * width);
      pane.wipe.style.left = `${x}px`;
      if (above) above.style.clipPath = `inset(0 0 0 ${x}px)`;
    } else if (this.mode === "blink") {
      const showsB = this.showsB && above !== undefined;
      below.style.visibility = showsB ? "hidden" : "visible";
      if (above) above.style.visibility = showsB ? "visible" : "hidden";
      pane.names.forEach((name, k) => (name.hidden = (k === 1) !== showsB));
    }
  }

  // As many columns as make the pictures largest.
  arrange() {
    const {width, height} = sizeOf(this.stage);
    const count = this.panes.length;
    const scaleWith = (columns) =>
      this.viewport.fit(width / columns, height / Math.ceil(count / columns));
    let best = 1;
    for (let columns = 2; columns <= count; columns++) {
      if (scaleWith(columns) > scaleWith(best) * 1.001) best = columns;
    }
    this.stage.style.gridTemplateColumns = `repeat(${best}, 1fr)`;
  }

  get pane() {
    return sizeOf(this.panes[0].element);
  }
}

function sizeOf(element) {
  return {width: element.clientWidth, height: element.clientHeight};
}

function newCanvas(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas;
}

function newElement(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
