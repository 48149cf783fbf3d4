// Keys, and the list of them.

// keys: [[names of keys], what they do, function of the name]. Fills the list, and listens.
export function listenToKeys(keys, list) {
  const byName = new Map();
  for (const [names, meaning, action] of keys) {
    for (const name of names) byName.set(name, () => action(name));
    const term = document.createElement("dt");
    term.append(...names.map(keyCap));
    const description = document.createElement("dd");
    description.textContent = meaning;
    list.append(term, description);
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
      return;
    }
    if (isForElement(event)) return;
    const action = byName.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!action) return;
    event.preventDefault();
    action();
  });
  leaveAfterPointer();
}

// Whether the key works the button or the list that has the focus.
function isForElement({key, target}) {
  if (target.tagName === "BUTTON") return key === " " || key === "Enter";
  return target.tagName === "SELECT" && (key === " " || key.startsWith("Arrow"));
}

// A button or list that the pointer has used gives the keys back.
function leaveAfterPointer() {
  let byPointer = false;
  addEventListener("pointerdown", () => (byPointer = true), {capture: true});
  addEventListener("keydown", () => (byPointer = false), {capture: true});
  for (const type of ["click", "change"]) {
    addEventListener(type, ({target}) => {
      const isDone = target.tagName === (type === "click" ? "BUTTON" : "SELECT");
      if (byPointer && isDone) target.blur();
    });
  }
}

const SHOWN = {
  " ": "space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  PageUp: "page ↑",
  PageDown: "page ↓",
};

function keyCap(name) {
  const cap = document.createElement("kbd");
  cap.textContent = SHOWN[name] ?? (name.length === 1 ? name.toUpperCase() : name);
  return cap;
}
