// Which part of the pictures is seen, and how large: the same for all panes.

const SCALES = [0.125, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];

export class Viewport {
  // width, height: of the pictures, in their pixels.
  constructor(width, height) {
    Object.assign(this, {width, height});
    this.zoom = null; // CSS pixels for a pixel; null: as large as the pane allows
    this.centre = [width / 2, height / 2];
  }

  // How a picture lies in a pane of this size: its scale, and its left upper corner.
  placed(paneWidth, paneHeight) {
    const scale = this.zoom ?? this.fit(paneWidth, paneHeight);
    const left = offset(paneWidth, this.width * scale, this.centre[0] * scale);
    const top = offset(paneHeight, this.height * scale, this.centre[1] * scale);
    return {scale, left, top};
  }

  fit(paneWidth, paneHeight) {
    return Math.min(paneWidth / this.width, paneHeight / this.height);
  }

  // One step larger (1) or smaller (-1); the point of the picture at (x, y) of the pane stays.
  zoomBy(direction, pane, [x, y] = [pane.width / 2, pane.height / 2]) {
    const before = this.placed(pane.width, pane.height);
    const larger = SCALES.find((scale) => scale > before.scale * 1.001) ?? SCALES.at(-1);
    const smaller = SCALES.findLast((scale) => scale < before.scale * 0.999) ?? SCALES[0];
    this.zoom = direction > 0 ? larger : smaller;
    const point = [(x - before.left) / before.scale, (y - before.top) / before.scale];
    this.centre = [
      point[0] - (x - pane.width / 2) / this.zoom,
      point[1] - (y - pane.height / 2) / this.zoom,
    ];
    this.keepInside(pane);
  }

  // Between "fit" and one CSS pixel for a pixel.
  toggleFit() {
    this.zoom = this.zoom === null ? 1 : null;
    this.centre = [this.width / 2, this.height / 2];
  }

  // Move the pictures by CSS pixels.
  moveBy(dx, dy, pane) {
    const {scale} = this.placed(pane.width, pane.height);
    this.centre[0] -= dx / scale;
    this.centre[1] -= dy / scale;
    this.keepInside(pane);
  }

  keepInside(pane) {
    const {scale} = this.placed(pane.width, pane.height);
    this.centre = [
      inside(this.centre[0], this.width, pane.width / scale),
      inside(this.centre[1], this.height, pane.height / scale),
    ];
  }
}

// Where a picture of this extent begins, in whole pixels, if `centre` is to be in the middle.
function offset(pane, extent, centre) {
  return Math.round(extent <= pane ? (pane - extent) / 2 : pane / 2 - centre);
}

function inside(centre, extent, seen) {
  if (seen >= extent) return extent / 2;
  return Math.min(Math.max(centre, seen / 2), extent - seen / 2);
}
