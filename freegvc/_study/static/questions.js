// The three questions of a trial: buttons, arrow keys, and which question is next.

const ANSWERS = {left: "Left", tie: "No difference", right: "Right"};
const KEYS = {ArrowLeft: "left", ArrowDown: "tie", ArrowRight: "right"};

export class Questions {
  // element: holds one .question for each question.
  // changed: called when an answer was given.
  constructor(element, changed) {
    this.changed = changed;
    this.isOpen = false; // whether answers are taken
    this.active = 0; // the question that the next arrow key answers
    this.rows = [...element.querySelectorAll(".question")].map((row, place) => {
      const buttons = Object.entries(ANSWERS).map(([answer, label]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = label;
        button.dataset.answer = answer;
        button.addEventListener("click", (event) => {
          if (event.detail > 0) button.blur(); // a mouse: keys are for the page again
          this.choose(place, answer);
        });
        return button;
      });
      row.querySelector(".answers").append(...buttons);
      return {row, question: row.dataset.question, buttons, answer: null};
    });
  }

  reset() {
    for (const each of this.rows) each.answer = null;
    this.active = 0;
    this.setOpen(false);
  }

  setOpen(isOpen) {
    this.isOpen = isOpen;
    this.show();
  }

  get answers() {
    return Object.fromEntries(this.rows.map(({question, answer}) => [question, answer]));
  }

  get areAnswered() {
    return this.rows.every(({answer}) => answer !== null);
  }

  // Take a key; false if it is not one of ours.
  press(key) {
    if (key === "ArrowUp") {
      this.active = Math.max(0, this.active - 1);
      this.show();
      return true;
    }
    if (!(key in KEYS)) return false;
    if (this.isOpen && this.active < this.rows.length) this.choose(this.active, KEYS[key]);
    return true;
  }

  choose(place, answer) {
    this.rows[place].answer = answer;
    this.active = place + 1;
    this.show();
    this.changed();
  }

  show() {
    this.rows.forEach(({row, buttons, answer}, place) => {
      row.classList.toggle("active", this.isOpen && place === this.active);
      for (const button of buttons) {
        button.disabled = !this.isOpen;
        button.setAttribute("aria-pressed", String(button.dataset.answer === answer));
      }
    });
  }
}
