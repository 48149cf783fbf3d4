// Pictures of the three planes that a packet decodes to. `_page/clip.py` says what they are.

// planes: Uint8Array, three of width * height samples. Returns ImageData.
export function pictureOf(planes, width, height, pixels) {
  const size = width * height;
  const first = planes.subarray(0, size);
  const second = planes.subarray(size, 2 * size);
  const third = planes.subarray(2 * size, 3 * size);
  const picture = new ImageData(width, height);
  const words = new Uint32Array(picture.data.buffer); // A B G R from the highest byte
  if (pixels === "exact") {
    for (let k = 0; k < size; k++) {
      const green = first[k];
      const red = (second[k] + green - 128) & 255;
      const blue = (third[k] + green - 128) & 255;
      words[k] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  } else {
    for (let k = 0; k < size; k++) {
      const co = second[k] - 128;
      const cg = third[k] - 128;
      const rest = first[k] - cg;
      const red = clamped(rest + co);
      const green = clamped(first[k] + cg);
      const blue = clamped(rest - co);
      words[k] = 0xff000000 | (blue << 16) | (green << 8) | red;
    }
  }
  return picture;
}

function clamped(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
