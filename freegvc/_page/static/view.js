// The viewer: what its parts are, and which of them hears of what.

import {GroupDecoder} from "decoder";
import {embeddedClips, pageData} from "embedded";
import {Frames} from "frames";
import {MODES, Panes} from "panes";
import {Player} from "player";
import {ScorePlot} from "score_plot";
import {listenToKeys} from "shortcuts";
import {Slices} from "slices";
import {Transport} from "transport";
import {VersionsTable} from "versions_table";
import {Viewport} from "viewport";

const COLOURS = ["#3987e5", "#e0731d", "#2fa35b", "#c2509f", "#8b6cd9", "#b08d15", "#1aa3a8"];
const MODE_LABELS = {side: "Side by side", wipe: "Wipe", blink: "Blink", difference: "Difference"};
const GAINS = [1, 2, 4, 8, 16, 32];
const INTERVALS = {250: "¼ s", 500: "½ s", 1000: "1 s", 0: "key F"};

try {
  await start();
} catch (error) {
  tellFailure(error);
}

async function start() {
  const data = pageData();
  const clips = embeddedClips();
  await GroupDecoder.check(clips);
  data.versions.forEach((version, k) => (version.colour = k ? COLOURS[(k - 1) % 7] : null));
  const names = data.versions.map(({name}) => name);
  const viewport = new Viewport(clips[0].width, clips[0].height);
  const frames = new Frames(clips);

  const seek = (index) => {
    player.pause();
    player.seek(index);
  };
  const panes = new Panes(byId("stage"), clips, names, viewport, {
    rowMoved: (row) => showRow(row),
    placed: () => showZoom(),
  });
  const slices = new Slices(byId("strips"), frames, names, seek);
  const scored = data.versions.slice(1);
  const about = {...data, numFrames: frames.numFrames, versions: scored};
  const table = new VersionsTable(byId("versions"), data);
  const plot = new ScorePlot(byId("plot"), about, {
    seek,
    hover: (index) => table.setFrame(index ?? player.index),
  });
  const player = new Player(frames, {
    frameRate: data.frameRate,
    draw: (index, pictures) => {
      panes.draw(pictures);
      for (const part of [transport, plot, table, slices]) part.setFrame(index);
    },
    changed: () => transport.update(),
    failed: tellFailure,
  });
  const transport = new Transport(player, data.first);

  const showRow = (row) => {
    byId("row").textContent = row;
    slices.setRow(row).catch(tellFailure);
  };
  const showZoom = () => {
    const {scale} = viewport.placed(panes.pane.width, panes.pane.height);
    const percent = `${Number((scale * 100).toPrecision(3))} %`;
    byId("zoom-fit").textContent = viewport.zoom === null ? `fit ${percent}` : percent;
  };
  const zoom = (change) => {
    change();
    panes.place();
  };
  const zoomBy = (direction) => zoom(() => viewport.zoomBy(direction, panes.pane));
  const toggleFit = () => zoom(() => viewport.toggleFit());
  const compare = (change) => {
    Object.assign(panes, change);
    panes.update();
    showModes(panes);
  };
  const swap = () => {
    if (panes.mode === "blink") panes.flip();
    else compare({pair: panes.pair.toReversed()});
  };
  let metric = 0;
  const showMetric = (index) => {
    if (!data.metrics.length) return;
    metric = index % data.metrics.length;
    plot.setMetric(data.metrics[metric]);
    table.setMetric(data.metrics[metric]);
    table.setFrame(player.index);
    press("metrics", metric);
  };

  byId("title").textContent = document.title;
  byId("about").textContent = data.about;
  addButtons("modes", MODES.map((mode) => MODE_LABELS[mode]), (k) => compare({mode: MODES[k]}));
  addButtons("metrics", data.metrics.map(({label}) => label), showMetric);
  names.forEach((name, k) => {
    byId("choose-a").add(new Option(name, k));
    byId("choose-b").add(new Option(name, k));
  });
  for (const gain of GAINS) byId("gain").add(new Option(gain, gain));
  for (const [time, text] of Object.entries(INTERVALS)) byId("interval").add(new Option(text, time));
  const onChange = (id, change) => {
    byId(id).addEventListener("change", ({target}) => compare(change(Number(target.value))));
  };
  onChange("choose-a", (k) => ({pair: [k, panes.pair[1]]}));
  onChange("choose-b", (k) => ({pair: [panes.pair[0], k]}));
  onChange("gain", (gain) => ({gain}));
  onChange("interval", (blinkMilliseconds) => ({blinkMilliseconds}));
  const onClick = (id, action) => byId(id).addEventListener("click", action);
  onClick("swap", swap);
  onClick("zoom-out", () => zoomBy(-1));
  onClick("zoom-in", () => zoomBy(1));
  onClick("zoom-fit", toggleFit);
  onClick("help-button", () => byId("help").showModal());
  byId("scores").classList.toggle("without-plot", !data.metrics.length && !plot.streams.length);

  listenToKeys(
    [
      [[" "], "play or pause", () => player.toggle()],
      [["ArrowLeft", "ArrowRight"], "a frame back or on", (key) => player.step(side(key))],
      [["PageUp", "PageDown"], "ten frames back or on", (key) => player.step(10 * side(key))],
      [["Home", "End"], "first or last frame", (key) => seek(key === "Home" ? 0 : Infinity)],
      [["["], "loop from this frame", () => transport.loopFromHere()],
      [["]"], "loop to this frame", () => transport.loopToHere()],
      [["\\"], "loop over all frames", () => transport.loopAll()],
      [[",", "."], "slower or faster", (key) => transport.changeSpeed(side(key))],
      [["1", "2", "3", "4"], "side by side, wipe, blink, difference", (key) =>
        compare({mode: MODES[key - 1]})],
      [["f"], "swap A and B; in blink, show the other", swap],
      [["+", "-"], "larger or smaller", (key) => zoomBy(side(key))],
      [["0"], "fit, or one pixel to a pixel", toggleFit],
      [["ArrowUp", "ArrowDown"], "row up or down", (key) => panes.setRow(panes.row + side(key))],
      [["m"], "next metric", () => showMetric(metric + 1)],
      [["?"], "this list", () => byId("help").showModal()],
    ],
    byId("keys"),
  );
  compare({});
  showMetric(0);
  await player.seek(0);
  showRow(panes.row);
  document.body.dataset.ready = "true";
}

// -1 or 1, for the first or the second key of a pair.
function side(key) {
  return ["ArrowLeft", "PageUp", ",", "-", "ArrowUp"].includes(key) ? -1 : 1;
}

function showModes(panes) {
  press("modes", MODES.indexOf(panes.mode));
  byId("choices").hidden = panes.mode === "side";
  byId("gain-label").hidden = panes.mode !== "difference";
  byId("interval-label").hidden = panes.mode !== "blink";
  [byId("choose-a").value, byId("choose-b").value] = panes.pair;
  byId("gain").value = panes.gain;
  byId("interval").value = panes.blinkMilliseconds;
}

function addButtons(group, labels, pressed) {
  labels.forEach((label, k) => {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => pressed(k));
    byId(group).append(button);
  });
}

function press(group, index) {
  [...byId(group).children].forEach((button, k) => {
    button.setAttribute("aria-pressed", String(k === index));
  });
}

function tellFailure(error) {
  byId("failure").textContent = error.message;
  byId("failure").hidden = false;
}

function byId(id) {
  return document.getElementById(id);
}
