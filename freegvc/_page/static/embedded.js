// What the page holds: its data, and the packets of its clips.

export function pageData() {
  return JSON.parse(document.getElementById("page-data").textContent);
}

// All clips of the page, in order. Each is a Clip; their text leaves the page, to free memory.
export function embeddedClips() {
  return pageData().clips.map((described, index) => {
    const element = document.getElementById(`clip-${index}`);
    const clip = clipOf(described, element.textContent);
    element.remove();
    return clip;
  });
}

// A clip of what assembly.py says of it, and of its packets in base64.
export function clipOf(described, base64) {
  return new Clip(described, bytesOf(base64));
}

class Clip {
  constructor(described, bytes) {
    Object.assign(this, described); // width, height, pixels, maxError, codec, groupLength, sizes
    this.numFrames = this.sizes.length;
    this.numGroups = Math.ceil(this.numFrames / this.groupLength);
    this.packets = [];
    let offset = 0;
    for (const size of this.sizes) {
      this.packets.push(bytes.subarray(offset, offset + size));
      offset += size;
    }
  }

  // Frames of a group: its first is a key frame, so it is decoded without those before it.
  group(index) {
    const first = index * this.groupLength;
    return {first, packets: this.packets.slice(first, first + this.groupLength)};
  }
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}
