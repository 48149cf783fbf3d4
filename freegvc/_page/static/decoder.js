// Decodes a clip with the browser's own VP9 decoder (WebCodecs), a group of frames at a time.

import {pictureOf} from "colour";

// How samples of luma lie in each format of a frame: the bytes from one to the next, and the levels
// that the values of a sample stand for. Where a browser gives RGB, red, green and blue are equal, as
// the chroma is grey, and luma from 16 to 235 has become 0 to 255.
const LUMA = {step: 1, levels: Uint8Array.from({length: 256}, (_, k) => k)};
const RGB = {step: 4, levels: LUMA.levels.map((k) => Math.round((k * 219) / 255) + 16)};
const FORMATS = {I420: LUMA, NV12: LUMA, BGRX: RGB, BGRA: RGB, RGBX: RGB, RGBA: RGB};

export class UnsupportedBrowser extends Error {}

export class GroupDecoder {
  constructor(clip) {
    this.clip = clip;
    this.last = Promise.resolve();
  }

  // Throws UnsupportedBrowser where pages like this one cannot play.
  static async check(clips) {
    if (typeof VideoDecoder === "undefined") {
      throw new UnsupportedBrowser(
        "This browser cannot play the page: it has no WebCodecs. Open the page with Chrome, Edge " +
          "or another Chromium from 119, or with Firefox from 130.",
      );
    }
    for (const clip of clips) {
      const {supported} = await VideoDecoder.isConfigSupported(configOf(clip));
      if (!supported) {
        throw new UnsupportedBrowser(
          `This browser does not decode VP9 (${clip.codec}): open the page with Chrome, Edge or ` +
            "another Chromium from 119, or with Firefox from 130.",
        );
      }
    }
  }

  // The pictures of a group, ImageData each. One group is decoded at a time.
  pictures(index) {
    const decoded = this.last.then(() => this.decode(index));
    this.last = decoded.catch(() => {});
    return decoded;
  }

  async decode(index) {
    const {clip} = this;
    const {packets} = clip.group(index);
    const pictures = [];
    const copies = [];
    let failure = null;
    const decoder = new VideoDecoder({
      output: (frame) => copies.push(this.copy(frame, pictures)),
      error: (error) => (failure = error),
    });
    decoder.configure(configOf(clip));
    packets.forEach((data, k) => {
      const type = k === 0 ? "key" : "delta";
      decoder.decode(new EncodedVideoChunk({type, timestamp: k, data}));
    });
    await decoder.flush().catch((error) => (failure ??= error));
    await Promise.all(copies);
    if (decoder.state !== "closed") decoder.close();
    const decoded = pictures.filter((picture) => picture).length;
    if (failure || decoded !== packets.length) {
      throw new Error(
        `frames ${index * clip.groupLength} and on: ${decoded} of ${packets.length} decoded` +
          (failure ? ` (${failure.message})` : ""),
      );
    }
    return pictures;
  }

  async copy(frame, pictures) {
    const {width, height, pixels} = this.clip;
    try {
      const format = FORMATS[frame.format];
      if (!format) throw new Error(`samples are ${frame.format}`);
      const bytes = new Uint8Array(frame.allocationSize());
      const [{offset, stride}] = await frame.copyTo(bytes);
      const luma = {...format, samples: bytes.subarray(offset), stride};
      pictures[frame.timestamp] = pictureOf(luma, width, height, pixels);
    } finally {
      frame.close();
    }
  }
}

// `_page/clip.py` says why the coded picture is six times as high.
function configOf({codec, width, height}) {
  return {
    codec,
    codedWidth: width + (width % 2),
    codedHeight: 6 * height,
    hardwareAcceleration: "prefer-software",
    optimizeForLatency: true,
  };
}
