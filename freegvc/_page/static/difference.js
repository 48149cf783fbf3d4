// The difference of two pictures.

// Draws |a - b| * gain, of each channel, into a context of their size.
export function drawDifference(context, a, b, gain) {
  const {width, height} = a;
  const difference = new ImageData(width, height);
  const from = a.data;
  const minus = b.data;
  const to = difference.data; // clamps to 255
  for (let k = 0; k < to.length; k += 4) {
    to[k] = Math.abs(from[k] - minus[k]) * gain;
    to[k + 1] = Math.abs(from[k + 1] - minus[k + 1]) * gain;
    to[k + 2] = Math.abs(from[k + 2] - minus[k + 2]) * gain;
    to[k + 3] = 255;
  }
  context.putImageData(difference, 0, 0);
}
