// The way through a study: number, practice, trials, and the file of votes at the end.

import {loadClip} from "clip_files";
import {GroupDecoder} from "decoder";
import {pageData} from "embedded";
import {Store} from "store";
import {TrialScreen} from "trial";

const study = pageData(); // study, frameRate, practice, trials, participants
const screens = ["intro", "trial", "done", "failed"];
const element = (id) => document.getElementById(id);
const trialScreen = new TrialScreen(study.frameRate, fail);
const numTrials = study.participants[0].length;

function show(screen) {
  for (const id of screens) element(id).hidden = id !== screen;
}

function fail(error) {
  show("failed");
  element("failure").textContent = error.message;
}

// What a participant's number is, or 0.
function numberIn(text) {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return number <= study.participants.length ? number : 0;
}

function intro() {
  const number = numberIn(location.hash.slice(1));
  element("intro-count").textContent = `${numTrials} trials`;
  element("number").max = study.participants.length;
  element("number").value = number || "";
  showBegin();
  show("intro");
  element(number ? "begin" : "number").focus();
}

function showBegin() {
  const number = numberIn(element("number").value);
  const store = number ? new Store(study.study, number) : null;
  element("begin").textContent = store?.hasBegun ? "Go on" : "Start";
  let note = "";
  if (store?.votes.length) note = `${store.votes.length} of ${numTrials} trials are done.`;
  if (store && !store.isKept) {
    note = "This browser keeps nothing for this page: do not close it before the end.";
  }
  element("intro-note").textContent = note;
}

async function begin(number) {
  const store = new Store(study.study, number);
  history.replaceState(null, "", `#${number}`); // a reload finds the number again
  show("trial");
  if (!store.practised) {
    await ask(study.practice, false, 0);
    store.finishPractice();
    showKept(store);
  }
  const order = study.participants[number - 1];
  while (store.votes.length < order.length) {
    const [trial, swapped] = order[store.votes.length];
    const answers = await ask(study.trials[trial], swapped, store.votes.length + 1);
    store.add({trial, swapped, ...answers});
    showKept(store);
  }
  done(number, store.votes);
}

// Say it where the browser keeps nothing.
function showKept(store) {
  element("not-kept").hidden = store.isKept;
}

function ask({reference, first, second}, swapped, place) {
  element("progress-text").textContent = place ? `Trial ${place} of ${numTrials}` : "Practice";
  element("practice").hidden = place > 0;
  const bar = element("progress");
  const share = Math.max(place - 1, 0) / numTrials;
  bar.setAttribute("aria-valuenow", Math.round(100 * share));
  bar.firstElementChild.style.width = `${100 * share}%`;
  const [left, right] = swapped ? [second, first] : [first, second];
  return trialScreen.ask([reference, left, right]);
}

function done(number, votes) {
  const text = JSON.stringify(
    {format: "freegvc study votes", version: 1, study: study.study, participant: number, votes},
    null,
    1,
  );
  const name = `votes-${study.study}-${number}.json`;
  element("done-count").textContent = `${numTrials} trials`;
  element("votes").value = text;
  element("saved").textContent = "";
  element("save").onclick = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
    element("saved").textContent = `Saved as ${name}, where your browser keeps downloads.`;
  };
  show("done");
}

element("number").addEventListener("input", showBegin);
element("start").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = numberIn(element("number").value);
  if (number) begin(number).catch(fail);
  else {
    element("intro-note").textContent =
      `Give the number that you were given: from 1 to ${study.participants.length}.`;
  }
});
element("another").addEventListener("click", () => {
  history.replaceState(null, "", location.pathname);
  intro();
});
loadClip(study.practice.reference)
  .then((clip) => GroupDecoder.check([clip]))
  .then(intro, fail); // so that a browser that cannot play is told before anything else
