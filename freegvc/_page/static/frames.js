// The frames of all clips, decoded in groups, and a bounded number of them kept.

import {GroupDecoder} from "decoder";

const MAX_BYTES = 512 * 2 ** 20; // of the pictures that are kept
const MIN_GROUPS = 3; // the one that is shown, and its neighbours

export class Frames {
  // clips: of one number of frames; their sizes may differ.
  constructor(clips) {
    this.clips = clips;
    this.numFrames = clips[0].numFrames;
    this.groupLength = clips[0].groupLength;
    this.numGroups = clips[0].numGroups;
    this.decoders = clips.map((clip) => new GroupDecoder(clip));
    const pixels = clips.reduce((sum, clip) => sum + clip.width * clip.height, 0);
    const groupBytes = 4 * pixels * this.groupLength;
    this.capacity = Math.max(MIN_GROUPS, Math.floor(MAX_BYTES / groupBytes));
    this.kept = new Map(); // group: pictures of each clip, the last used at the end
    this.waiting = new Map(); // group: {promise, resolve, reject} of those who wait for it
    this.focused = []; // groups that are wanted first
    this.isDecoding = false;
  }

  // The pictures of all clips at a frame, or null if they are not decoded yet.
  at(index) {
    const group = this.kept.get(this.groupOf(index));
    return group ? group.map((pictures) => pictures[index % this.groupLength]) : null;
  }

  groupOf(index) {
    return Math.floor(index / this.groupLength);
  }

  // Decode the groups of these frames before all others, in this order, and keep them.
  focus(indices) {
    const groups = indices.map((index) => this.groupOf(index));
    this.focused = [...new Set(groups)].slice(0, this.capacity);
    for (const group of this.focused) this.group(group).catch(() => {}); // `group` tells who waits
  }

  // Promise of the pictures of a group: [clip][frame of the group].
  group(index) {
    const kept = this.kept.get(index);
    if (kept) {
      this.kept.delete(index);
      this.kept.set(index, kept);
      return Promise.resolve(kept);
    }
    if (!this.waiting.has(index)) this.waiting.set(index, Promise.withResolvers());
    if (!this.isDecoding) this.decodeWaiting();
    return this.waiting.get(index).promise;
  }

  async decodeWaiting() {
    this.isDecoding = true;
    while (this.waiting.size) {
      const wanted = this.focused.find((group) => this.waiting.has(group));
      const index = wanted ?? this.waiting.keys().next().value;
      try {
        const pictures = await Promise.all(this.decoders.map((decoder) => decoder.pictures(index)));
        this.keep(index, pictures);
        this.waiting.get(index).resolve(pictures);
      } catch (error) {
        this.waiting.get(index).reject(error);
      }
      this.waiting.delete(index);
    }
    this.isDecoding = false;
  }

  keep(index, pictures) {
    this.kept.set(index, pictures);
    for (const group of [...this.kept.keys()]) {
      if (this.kept.size <= this.capacity) break;
      if (!this.focused.includes(group) && group !== index) this.kept.delete(group);
    }
  }
}
