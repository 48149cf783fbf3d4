// A page that draws its clips and keeps, for each draw, the code that each canvas shows.

import {GroupDecoder} from "decoder";
import {embeddedClips, pageData} from "embedded";
import {Frames} from "frames";
import {Player} from "player";

const clips = embeddedClips();
await GroupDecoder.check(clips);
const contexts = clips.map((clip, k) => {
  const canvas = document.getElementById(`canvas-${k}`);
  [canvas.width, canvas.height] = [clip.width, clip.height];
  return canvas.getContext("2d", {willReadFrequently: true});
});
const drawn = [];
const player = new Player(new Frames(clips), {
  ...pageData().player,
  draw: (index, pictures) => {
    pictures.forEach((picture, k) => contexts[k].putImageData(picture, 0, 0));
    // the tests' frames carry their index in the first pixel
    drawn.push(contexts.map((context) => context.getImageData(0, 0, 1, 1).data[0]));
  },
});
await player.seek(0);
window.probe = {player, drawn, times: []};
