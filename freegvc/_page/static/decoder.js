// Decodes a clip with the browser's own VP9 decoder (WebCodecs), a group of frames at a time.

import {pictureOf} from "colour";

const CONFIG = {hardwareAcceleration: "prefer-software", optimizeForLatency: true};

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
    for (const {codec, width, height} of clips) {
      const config = {...CONFIG, codec, codedWidth: width, codedHeight: height};
      const {supported} = await VideoDecoder.isConfigSupported(config);
      if (!supported) {
        throw new UnsupportedBrowser(
          `This browser does not decode VP9 with 4:4:4 samples (${codec}): open the page with ` +
            "Chrome, Edge or another Chromium, or with Firefox from 130.",
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
    decoder.configure({
      ...CONFIG,
      codec: clip.codec,
      codedWidth: clip.width,
      codedHeight: clip.height,
    });
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
    const size = width * height;
    try {
      if (frame.format !== "I444") throw new Error(`samples are ${frame.format}, not I444`);
      const planes = new Uint8Array(3 * size);
      const layout = [0, size, 2 * size].map((offset) => ({offset, stride: width}));
      await frame.copyTo(planes, {rect: frame.visibleRect, layout});
      pictures[frame.timestamp] = pictureOf(planes, width, height, pixels);
    } finally {
      frame.close();
    }
  }
}
