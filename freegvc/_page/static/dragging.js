// Drags of the pointer.

// Calls moved(x, y, dx, dy), in CSS pixels of the window, for each move of a drag that begins on the
// element, and once, with no distance, where it begins.
export function dragged(element, moved) {
  let last = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    last = [event.clientX, event.clientY];
    moved(...last, 0, 0);
  });
  element.addEventListener("pointermove", ({clientX, clientY}) => {
    if (last === null) return;
    const [dx, dy] = [clientX - last[0], clientY - last[1]];
    last = [clientX, clientY];
    moved(clientX, clientY, dx, dy);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, () => (last = null));
  }
}
