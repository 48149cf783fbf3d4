// Clips that stand beside the page, each in a script of its own: a page may not fetch a file from
// `file://`, but it may run one.

import {clipOf} from "embedded";

const loading = new Map(); // id: {promise, resolve, reject} of a clip, which two sides may wait for

// What the file of a clip calls.
globalThis.takeClip = (id, described, base64) =>
  loading.get(id)?.resolve(clipOf(described, base64));

// Promise of a clip.
export function loadClip(id) {
  if (!loading.has(id)) {
    const waiting = Promise.withResolvers();
    loading.set(id, waiting);
    const script = document.createElement("script");
    script.src = `clips/${id}.js`;
    script.addEventListener("error", () =>
      waiting.reject(new Error(`clips/${id}.js cannot be read: copy the whole folder of the study.`)),
    );
    document.head.append(script);
    const end = () => {
      loading.delete(id);
      script.remove(); // its text, to free memory
    };
    waiting.promise.then(end, end);
  }
  return loading.get(id).promise;
}
