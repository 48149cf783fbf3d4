// One row of each frame, stacked over time: x to the right, time downwards.

import {dragged} from "dragging";

export class Slices {
  // element: holds one strip for each clip.
  // seek: called with a frame when a strip is clicked.
  constructor(element, frames, names, seek) {
    Object.assign(this, {element, frames});
    this.number = 0; // of the row that is wanted, so that an older one stops
    this.strips = frames.clips.map((clip, k) => {
      const strip = document.createElement("figure");
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [clip.width, clip.numFrames];
      const frame = document.createElement("div");
      frame.className = "strip";
      const cursor = document.createElement("div");
      cursor.className = "cursor";
      const caption = document.createElement("figcaption");
      caption.textContent = caption.title = names[k];
      frame.append(canvas, cursor);
      strip.append(frame, caption);
      element.append(strip);
      dragged(frame, (x, y) => {
        const {top, height} = frame.getBoundingClientRect();
        seek(Math.floor(((y - top) / height) * clip.numFrames));
      });
      const image = new ImageData(clip.width, clip.numFrames);
      return {canvas, cursor, image};
    });
  }

  // Draw a row: at once where frames are kept, and where they are not, once they are decoded.
  async setRow(row) {
    const number = ++this.number;
    const missing = [];
    for (let group = 0; group < this.frames.numGroups; group++) {
      const kept = this.frames.kept.get(group);
      if (kept) this.take(row, group, kept);
      else missing.push(group);
    }
    this.draw();
    this.element.classList.toggle("waiting", missing.length > 0);
    for (const group of missing) {
      const pictures = await this.frames.group(group);
      if (number !== this.number) return;
      this.take(row, group, pictures);
      this.draw();
    }
    this.element.classList.remove("waiting");
  }

  take(row, group, pictures) {
    this.strips.forEach(({image}, k) => {
      const stride = 4 * image.width;
      pictures[k].forEach((picture, offset) => {
        const line = picture.data.subarray(row * stride, (row + 1) * stride);
        image.data.set(line, (group * this.frames.groupLength + offset) * stride);
      });
    });
  }

  draw() {
    for (const {canvas, image} of this.strips) canvas.getContext("2d").putImageData(image, 0, 0);
  }

  setFrame(index) {
    for (const {cursor} of this.strips) {
      cursor.style.top = `${((index + 0.5) / this.frames.numFrames) * 100}%`;
    }
  }
}
