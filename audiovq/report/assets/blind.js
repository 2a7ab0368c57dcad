// The blind test: in each trial A and B are the two systems in a random order, X is one of them at random, and the
// listener says which. All answers are kept, and nothing is told before the end, so that nobody stops at a lucky moment.

function chance(numChoices) {
  const [value] = crypto.getRandomValues(new Uint32Array(1));
  return value % numChoices; // 2^32 is so much larger that the remainder is as good as even
}

// How probable it is to be right at least so many times by guessing.
function pValue(numRight, numTrials) {
  let ways = 1;
  let sum = 0;
  for (let right = 0; right <= numTrials; right++) {
    if (right >= numRight) sum += ways;
    ways = (ways * (numTrials - right)) / (right + 1);
  }
  return sum / 2 ** numTrials;
}

class BlindTest {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.transport = new Transport(root);
    this.isUnderWay = false;
    this.isSaved = true;
    this.find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    ["A", "B"].forEach((name) => this.find(`.is-${name}`).addEventListener("click", () => this.answer(name)));
    this.find(".stop").addEventListener("click", () => this.finish());
    this.find(".again").addEventListener("click", () => this.turnTo("setup"));
    this.find(".json").addEventListener("click", () => this.download("json", "application/json", this.asJson()));
    this.find(".csv").addEventListener("click", () => this.download("csv", "text/csv", this.asCsv()));
    window.addEventListener("beforeunload", (event) => {
      if (this.isUnderWay || !this.isSaved) event.preventDefault();
    });
  }

  turnTo(stage) {
    this.root.dataset.stage = stage;
    this.find(`.${stage} .first`).focus();
  }

  start() {
    const settings = new FormData(this.find("form"));
    const systems = [settings.get("first"), settings.get("second")];
    const clips = players.filter((player) => systems.every((system) => player.labels.includes(system)));
    const chosen = clips.filter((player) => settings.get("clip") === "" || player.id === settings.get("clip"));
    let problem = "";
    if (systems[0] === systems[1]) problem = "Choose two different systems.";
    else if (chosen.length === 0) problem = "No clip here has sounds of both systems: choose others.";
    this.find(".problem").textContent = problem;
    if (problem) return;
    players.forEach((player) => player.deck.pause());
    this.clips = chosen;
    this.record = {
      test: "ABX",
      page: document.title,
      listener: settings.get("listener"),
      systems,
      clips: chosen.map((player) => player.id),
      planned_trials: Number(settings.get("trials")),
      started: new Date().toISOString(),
      trials: [],
    };
    this.isUnderWay = true;
    this.isSaved = true;
    this.next();
  }

  next() {
    const { record } = this;
    if (record.trials.length === record.planned_trials) return this.finish();
    const clip = this.clips[chance(this.clips.length)];
    const order = chance(2) ? record.systems : [...record.systems].reverse();
    const x = chance(2);
    const audios = [order[0], order[1], order[x]].map((system) => clip.audios[clip.labels.indexOf(system)]);
    this.trial = { clip: clip.id, a: order[0], b: order[1], x: "AB"[x] };
    this.heard = new Set();
    this.changes = this.last = 0;
    this.began = performance.now();
    this.deck = new Deck(audios, clip.seconds, () => this.show());
    this.find(".count").textContent = `Trial ${record.trials.length + 1} of ${record.planned_trials}`;
    this.find(".text").textContent = clip.text;
    this.turnTo("trial");
    this.transport.use(this.deck, clip.seconds);
    this.show();
  }

  show() {
    if (this.deck.wanted) {
      players.forEach((player) => player.deck.wanted && player.deck.pause());
      keepShowing();
    }
    if (this.deck.voices && this.deck.chosen !== this.last) this.changes += 1;
    this.last = this.deck.chosen;
    if (this.deck.voices) this.heard.add("ABX"[this.deck.chosen]);
    const mayAnswer = this.heard.has("X") && this.heard.size > 1;
    this.root.querySelectorAll(".answer").forEach((button) => (button.disabled = !mayAnswer));
    this.transport.show();
  }

  answer(name) {
    if (!this.isUnderWay || this.find(".answer").disabled) return;
    this.deck.pause();
    this.record.trials.push({
      trial: this.record.trials.length + 1,
      ...this.trial,
      answer: name,
      right: name === this.trial.x,
      changes: this.changes,
      seconds: Math.round(performance.now() - this.began) / 1000,
    });
    this.next();
  }

  finish() {
    const { record } = this;
    this.deck.pause();
    this.isUnderWay = false;
    record.finished = new Date().toISOString();
    record.num_trials = record.trials.length;
    record.num_right = record.trials.filter((trial) => trial.right).length;
    record.p_value = pValue(record.num_right, record.num_trials);
    this.isSaved = record.num_trials === 0;
    const early = record.num_trials < record.planned_trials ? ` Stopped before the ${record.planned_trials} planned.` : "";
    this.find(".verdict").textContent = `${record.num_right} of ${record.num_trials} right, p = ${record.p_value.toFixed(4)}.${early}`;
    this.find(".rows").replaceChildren(
      ...record.trials.map((trial) => {
        const row = document.createElement("tr");
        const cells = [trial.trial, trial.clip, trial.a, trial.b, trial.x, trial.answer, trial.right ? "yes" : "no"];
        row.append(...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
        return row;
      }),
    );
    this.turnTo("end");
  }

  asJson() {
    return `${JSON.stringify(this.record, null, 1)}\n`;
  }

  asCsv() {
    const head = ["trial", "clip", "a", "b", "x", "answer", "right", "changes", "seconds"];
    const cell = (value) => `"${String(value).replaceAll('"', '""')}"`;
    const rows = this.record.trials.map((trial) => head.map((name) => cell(trial[name])).join(","));
    return [head.join(","), ...rows].join("\r\n") + "\r\n";
  }

  download(ending, type, content) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = `abx-${this.record.finished.slice(0, 19).replaceAll(":", "")}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.isSaved = true;
  }

  press(key) {
    const listen = ["a", "b", "x"].indexOf(key);
    if (listen >= 0) this.deck.choose(listen);
    else if (key === "1" || key === "2") this.answer("AB"[Number(key) - 1]);
    else return this.transport.press(key);
    return true;
  }
}

const blindRoot = document.querySelector(".blind");
const blind = blindRoot ? new BlindTest(blindRoot) : null;
