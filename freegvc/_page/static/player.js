// One clock for all clips: at each moment they show the same frame. Where a computer is too slow the
// clock waits, and no clip runs ahead.

const AHEAD_GROUPS = 2;
const LONGEST_TICK_MS = 250; // after a pause of the browser the clip goes on where it was

export class Player {
  // frames: a Frames.
  // frameRate: frames in a second.
  // draw: function of a frame's index and the pictures of all clips (ImageData), which draws them.
  // changed: called with the player whenever something but the frame changes.
  // failed: called with an Error when a frame cannot be decoded.
  // loops: whether play goes back to the first frame of the range after its last.
  constructor(
    frames,
    {frameRate, draw, changed = () => {}, failed = (error) => console.error(error), loops = true},
  ) {
    Object.assign(this, {frames, frameRate, draw, changed, failed, loops});
    this.index = 0; // the frame that is shown
    this.speed = 1;
    this.isPlaying = false;
    this.isWaiting = false; // whether the clock waits for frames
    this.range = [0, frames.numFrames - 1]; // first and last frame that play shows
    this.position = 0; // in frames, with its fraction
    this.numSeeks = 0;
  }

  get numFrames() {
    return this.frames.numFrames;
  }

  // The frame that is shown, or that will be once it is decoded.
  get target() {
    return Math.floor(this.position);
  }

  play() {
    if (this.isPlaying) return;
    const [first, last] = this.range;
    if (this.target < first || this.target >= last) this.position = first;
    this.isPlaying = true;
    this.numSeeks++; // a seek that waits for its frame is over
    this.lastTick = performance.now();
    this.changed(this);
    requestAnimationFrame((now) => this.tick(now));
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = this.isWaiting = false;
    this.focus(this.target);
    this.changed(this);
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.changed(this);
  }

  // Play from `first` to `last`, both shown.
  setRange(first, last) {
    this.range = [this.clamped(Math.min(first, last)), this.clamped(Math.max(first, last))];
    this.changed(this);
  }

  // Show a frame. Resolves when it is drawn, or when another seek or play came between.
  async seek(index) {
    const target = this.clamped(index);
    const number = ++this.numSeeks;
    this.position = target;
    this.focus(target);
    try {
      await this.frames.group(this.frames.groupOf(target));
    } catch (error) {
      this.failed(error);
      return;
    }
    if (number === this.numSeeks) this.show(target);
  }

  // Pause, and show a frame some frames further on.
  step(count) {
    this.pause();
    return this.seek(this.target + count);
  }

  clamped(index) {
    return Math.min(Math.max(Math.round(index), 0), this.numFrames - 1);
  }

  tick(now) {
    if (!this.isPlaying) return;
    const elapsed = Math.min(Math.max(now - this.lastTick, 0), LONGEST_TICK_MS) / 1000;
    this.lastTick = now;
    const [next, hasEnded] = this.advanced(elapsed * this.frameRate * this.speed);
    const index = Math.floor(next);
    this.focus(index);
    const isReady = this.frames.at(index) !== null;
    if (isReady) {
      this.position = next;
      if (index !== this.index) this.show(index);
    } else {
      this.frames.group(this.frames.groupOf(index)).catch((error) => {
        this.pause();
        this.failed(error);
      });
    }
    if (this.isWaiting === isReady) {
      this.isWaiting = !isReady;
      this.changed(this);
    }
    if (hasEnded && isReady) this.pause();
    else requestAnimationFrame((time) => this.tick(time));
  }

  // Where the clock stands some frames later, and whether play ends there.
  advanced(count) {
    const [first, last] = this.range;
    const next = this.position + count;
    if (next < last + 1) return [Math.max(next, first), false];
    if (!this.loops) return [last, true];
    return [first + ((next - first) % (last + 1 - first)), false];
  }

  show(index) {
    this.index = index;
    this.draw(index, this.frames.at(index));
  }

  // Have this frame and those that follow decoded first; when paused, also those before it.
  focus(index) {
    const [first, last] = this.range;
    const length = this.frames.groupLength;
    const wanted = [index];
    for (let k = 1; k <= AHEAD_GROUPS; k++) {
      const next = index + k * length;
      wanted.push(next <= last ? next : this.loops ? Math.min(first + next - last - 1, last) : last);
    }
    if (!this.isPlaying) wanted.push(index - length);
    this.frames.focus(wanted.map((frame) => this.clamped(frame)));
  }
}
