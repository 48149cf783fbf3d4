// Pictures of the luma that a packet decodes to. `_page/clip.py` says what it holds.

// luma: samples (Uint8Array), `step` bytes apart in rows that are `stride` bytes apart, and `levels`,
// the level of luma of each value of a sample. Returns ImageData.
export function pictureOf(luma, width, height, pixels) {
  const picture = new ImageData(width, height);
  const words = new Uint32Array(picture.data.buffer); // A B G R from the highest byte
  const paint = pixels === "exact" ? paintExact : paintClose;
  const planes = [0, 1, 2].map(() => new Int16Array(width));
  for (let row = 0; row < height; row++) {
    planes.forEach((plane, k) => addUp(plane, luma, row + k * height, row + (k + 3) * height));
    paint(words.subarray(row * width, (row + 1) * width), ...planes);
  }
  return picture;
}

// A row of a plane: what lies inside the range of luma, and what was cut off.
function addUp(plane, {samples, stride, step, levels}, inside, rest) {
  let at = inside * stride;
  let below = rest * stride;
  for (let k = 0; k < plane.length; k++, at += step, below += step) {
    plane[k] = levels[samples[at]] + levels[samples[below]] - 128;
  }
}

function paintExact(words, first, second, third) {
  for (let k = 0; k < words.length; k++) {
    const green = first[k];
    const red = (second[k] + green - 128) & 255;
    const blue = (third[k] + green - 128) & 255;
    words[k] = 0xff000000 | (blue << 16) | (green << 8) | red;
  }
}

function paintClose(words, first, second, third) {
  for (let k = 0; k < words.length; k++) {
    const co = second[k] - 128;
    const cg = third[k] - 128;
    const between = first[k] - cg;
    const red = clamped(between + co);
    const green = clamped(first[k] + cg);
    const blue = clamped(between - co);
    words[k] = 0xff000000 | (blue << 16) | (green << 8) | red;
  }
}

function clamped(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
