// Votes of a participant, kept in the browser so that a reload goes on where it was.

export class Store {
  constructor(study, participant) {
    this.key = `freegvc-study/${study}/${participant}`;
    this.isKept = true; // whether the browser keeps what is written
    const kept = this.read();
    this.practised = kept?.practised ?? false;
    this.votes = kept?.votes ?? [];
  }

  get hasBegun() {
    return this.practised || this.votes.length > 0;
  }

  finishPractice() {
    this.practised = true;
    this.write();
  }

  add(vote) {
    this.votes.push(vote);
    this.write();
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch (error) {
      if (error instanceof SyntaxError) return null; // not ours
      this.isKept = false; // the browser's settings forbid it
      return null;
    }
  }

  write() {
    const {practised, votes} = this;
    try {
      localStorage.setItem(this.key, JSON.stringify({practised, votes}));
    } catch {
      this.isKept = false; // the page says so, and keeps the votes while it is open
    }
  }
}
