// One trial on the screen: three clips in step, and the three questions.

import {loadClip} from "clip_files";
import {GroupDecoder} from "decoder";
import {Frames} from "frames";
import {Player} from "player";
import {Questions} from "questions";

const MIN_SCALE = 0.1;
const MARGINS = 48; // above, between and below the rows, in CSS pixels
const ASIDE_WIDTH = 270; // what stands beside the reference needs as much
const WATCH = "Watch the videos to the end once.";
const ANSWER = "Now answer the three questions. The videos repeat meanwhile.";

export class TrialScreen {
  // failed: called with an Error.
  constructor(frameRate, failed) {
    this.frameRate = frameRate;
    this.failed = failed;
    this.element = document.getElementById("trial");
    this.canvases = ["reference", "left", "right"].map((id) => document.getElementById(id));
    this.questions = new Questions(this.element, () => this.showNext());
    this.next = document.getElementById("next");
    this.hint = document.getElementById("hint");
    this.pauseButton = document.getElementById("pause");
    this.next.addEventListener("click", () => this.finish());
    this.pauseButton.addEventListener("click", (event) => {
      if (event.detail > 0) this.pauseButton.blur();
      this.player?.toggle();
    });
    document.getElementById("again").addEventListener("click", (event) => {
      if (event.detail > 0) event.target.blur();
      this.restart();
    });
    addEventListener("keydown", (event) => this.press(event));
    addEventListener("resize", () => this.fit());
  }

  // Show clips, by ids, and return a promise of the answers and the seconds that they took.
  async ask(ids) {
    this.player?.pause();
    this.player = null;
    this.questions.reset();
    this.showNext();
    this.element.classList.add("loading");
    this.hint.textContent = "The videos are loaded...";
    const clips = await Promise.all(ids.map(loadClip));
    await GroupDecoder.check(clips);
    this.clips = clips;
    const frames = new Frames(clips);
    this.previous = -1; // the frame that was drawn last
    const player = new Player(frames, {
      frameRate: this.frameRate,
      draw: (index, pictures) => this.draw(index, pictures),
      changed: ({isPlaying}) => (this.pauseButton.textContent = isPlaying ? "Pause" : "Play"),
      failed: this.failed,
    });
    this.player = player;
    this.canvases.forEach((canvas, k) => {
      canvas.width = clips[k].width;
      canvas.height = clips[k].height;
    });
    this.fit();
    await player.seek(0);
    this.element.classList.remove("loading");
    this.hint.textContent = WATCH;
    this.began = performance.now();
    player.play();
    return new Promise((resolve) => (this.resolve = resolve));
  }

  draw(index, pictures) {
    pictures.forEach((picture, k) => this.canvases[k].getContext("2d").putImageData(picture, 0, 0));
    const isLast = index === this.player.numFrames - 1;
    if (!this.questions.isOpen && (isLast || index < this.previous)) {
      this.hint.textContent = ANSWER;
      this.questions.setOpen(true);
    }
    this.previous = index;
  }

  async restart() {
    if (!this.player) return;
    this.previous = -1;
    this.player.pause();
    await this.player.seek(0);
    this.player.play();
  }

  showNext() {
    this.next.disabled = !this.questions.areAnswered;
  }

  finish() {
    if (!this.questions.areAnswered || !this.resolve) return;
    const seconds = Math.round((performance.now() - this.began) / 100) / 10;
    const resolve = this.resolve;
    this.resolve = null;
    this.next.blur();
    resolve({...this.questions.answers, seconds});
  }

  press(event) {
    if (this.element.hidden || event.altKey || event.ctrlKey || event.metaKey) return;
    const isOnButton = event.target instanceof HTMLButtonElement; // it takes Space and Enter itself
    if (this.questions.press(event.key)) event.preventDefault();
    else if (event.key === "Enter" && !isOnButton) this.finish();
    else if (event.key === " " && !isOnButton) {
      event.preventDefault();
      this.player?.toggle();
    } else if (event.key === "r" || event.key === "R") this.restart();
  }

  // Pixel for pixel if the window is large enough, else smaller.
  fit() {
    if (this.element.hidden || !this.clips) return;
    const {width, height} = this.clips[0];
    const {clientWidth, clientHeight} = document.documentElement;
    const caption = this.element.querySelector("figcaption").offsetHeight;
    const room = clientHeight - this.element.querySelector("footer").offsetHeight - MARGINS;
    const byWidth = Math.min(clientWidth / 2 - 20, clientWidth - 2 * ASIDE_WIDTH);
    const scaleIn = (byHeight) =>
      Math.max(MIN_SCALE, Math.min(1, (byHeight - caption) / height, byWidth / width));
    let scale = scaleIn(room / 2);
    this.setSize(width * scale, height * scale);
    // the upper row is as high as the reference, or as the questions beside it
    const questions = document.getElementById("questions");
    const asked = this.next.offsetTop + this.next.offsetHeight - questions.offsetTop;
    scale = scaleIn(Math.min(room / 2, room - asked));
    this.setSize(width * scale, height * scale);
    document.getElementById("scale").textContent =
      scale < 1
        ? `Shown at ${Math.floor(100 * scale)} % of full size: a larger window shows more detail.`
        : "";
  }

  setSize(width, height) {
    for (const canvas of this.canvases) {
      canvas.style.width = `${Math.round(width)}px`;
      canvas.style.height = `${Math.round(height)}px`;
    }
  }
}
