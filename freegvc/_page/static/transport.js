// Play, step, seek, speed and loop: the controls of a Player.

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];

export class Transport {
  // first: number of the first frame, for the clock.
  constructor(player, first) {
    Object.assign(this, {player, first});
    this.slider = byId("slider");
    this.slider.max = player.numFrames - 1;
    for (const speed of SPEEDS) byId("speed").add(new Option(`${speed}×`, speed));
    on("play", "click", () => player.toggle());
    on("back", "click", () => player.step(-1));
    on("forward", "click", () => player.step(1));
    on("slider", "input", () => {
      player.pause();
      player.seek(this.slider.valueAsNumber);
    });
    on("speed", "change", ({target}) => player.setSpeed(Number(target.value)));
    on("loop-in", "click", () => this.loopFromHere());
    on("loop-out", "click", () => this.loopToHere());
    on("loop-all", "click", () => this.loopAll());
    this.update();
  }

  loopFromHere() {
    const {target, range, numFrames} = this.player;
    this.player.setRange(target, range[1] > target ? range[1] : numFrames - 1);
  }

  loopToHere() {
    const {target, range} = this.player;
    this.player.setRange(range[0] < target ? range[0] : 0, target);
  }

  loopAll() {
    this.player.setRange(0, this.player.numFrames - 1);
  }

  changeSpeed(direction) {
    const now = SPEEDS.indexOf(this.player.speed);
    const next = SPEEDS[Math.min(Math.max(now + direction, 0), SPEEDS.length - 1)];
    this.player.setSpeed(next);
  }

  setFrame(index) {
    const {frameRate} = this.player;
    this.slider.value = index;
    const number = index + this.first;
    const last = this.player.numFrames - 1 + this.first;
    byId("clock").textContent = `${number} / ${last}  ·  ${(number / frameRate).toFixed(2)} s`;
  }

  // After the player has started, stopped, or changed its speed or range.
  update() {
    const {isPlaying, isWaiting, speed, range, numFrames} = this.player;
    byId("play").textContent = isPlaying ? "❚❚" : "▶";
    byId("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    byId("clock").classList.toggle("waiting", isWaiting);
    byId("clock").title = isWaiting ? "waiting for the decoder" : "frame and time";
    byId("speed").value = speed;
    const isWhole = range[0] === 0 && range[1] === numFrames - 1;
    byId("loop-all").disabled = isWhole;
    const mark = byId("loop-range").style;
    mark.left = `${(range[0] / numFrames) * 100}%`;
    mark.width = `${((range[1] + 1 - range[0]) / numFrames) * 100}%`;
    byId("loop-range").hidden = isWhole;
  }
}

function byId(id) {
  return document.getElementById(id);
}

function on(id, type, listener) {
  byId(id).addEventListener(type, listener);
}
